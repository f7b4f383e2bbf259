"""Runs programs under supervisord: what dies is started again, what is stopped leaves nothing behind."""

import ctypes
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# A program that its neighbours still need is stopped after them, and after this long it is killed.
STOP_WAIT_S = 20
PR_SET_PDEATHSIG = 1

SUPERVISORD = """\
[supervisord]
nodaemon = true
silent = true
logfile = {directory}/supervisord.log
pidfile = {directory}/supervisord.pid

[unix_http_server]
file = {directory}/supervisor.sock
chmod = 0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl = unix://{directory}/supervisor.sock
"""

# Its start is tried for as long as it takes: a program that waits for Redis must not be given up.
PROGRAM = """
[program:{name}]
command = /bin/sh -c {command}
directory = {root}
autostart = false
autorestart = true
startretries = 1000
stopasgroup = true
killasgroup = true
stopwaitsecs = {stop_wait_s}
redirect_stderr = true
stdout_logfile = {directory}/logs/{name}.log
stdout_logfile_maxbytes = 20MB
stdout_logfile_backups = 1
"""

GROUP = """
[group:{name}]
programs = {programs}
priority = {priority}
"""


class SupervisorError(Exception):
    """Supervisord did not start, or refused a command; the message holds its own words."""


@dataclass(frozen=True)
class Program:
    """One process: its name and the shell line that starts it."""

    name: str
    line: str


class Supervisor:
    """A supervisord of our own for some groups of programs, which are started and stopped in order.

    A group is stopped before those that were named before it.
    """

    def __init__(
        self, directory: Path, root: Path, groups: Mapping[str, Sequence[Program]], env: Mapping[str, str]
    ) -> None:
        self.directory = directory.resolve()
        self._config = self.directory / "supervisord.conf"
        self._root = root.resolve()
        self._groups = groups
        self._env = dict(env)
        self._daemon: subprocess.Popen[bytes] | None = None

    @property
    def logs(self) -> dict[str, Path]:
        return {program.name: self._log(program) for programs in self._groups.values() for program in programs}

    def _log(self, program: Program) -> Path:
        return self.directory / "logs" / f"{program.name}.log"

    def start(self, timeout_s: float = 20) -> None:
        """Start supervisord itself, with empty logs and no program yet.

        Raises:
            SupervisorError: one runs in this directory already, or it does not answer.
        """
        if self._config.exists() and self._control("pid").returncode == 0:
            raise SupervisorError(f"{self.directory} is in use by another run")
        shutil.rmtree(self.directory / "logs", ignore_errors=True)
        (self.directory / "logs").mkdir(parents=True)
        self._config.write_text(self._configuration())
        self._daemon = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(self._config)],
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the terminal is ours to pass on, not for all processes at once
            preexec_fn=_end_with_parent,
        )
        deadline = time.monotonic() + timeout_s
        while self._control("pid").returncode != 0:
            if self._daemon.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise SupervisorError(f"supervisord did not start: see {self.directory}/supervisord.log")
            time.sleep(0.05)

    def start_group(self, name: str) -> None:
        """Start a group's programs and return when each has been up for a second.

        Raises:
            SupervisorError: one of them did not stay up; it is tried again all the same.
        """
        said = self._control("start", f"{name}:*")
        if said.returncode != 0:
            raise SupervisorError(said.stdout.strip())

    def pid(self, group: str, program: str) -> int:
        """The process id of a program, 0 while it is down."""
        said = self._control("pid", f"{group}:{program}").stdout.strip()
        return int(said) if said.isdigit() else 0

    @property
    def is_alive(self) -> bool:
        return self._daemon is not None and self._daemon.poll() is None

    def stop(self) -> None:
        """Stop all programs, last group first, then supervisord, and whatever is left of them."""
        if self._daemon is None:
            return
        self._daemon.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._daemon.wait(timeout=STOP_WAIT_S * (len(self._groups) + 1))
        self._daemon.kill()
        self._daemon.wait()
        _end_session(self._daemon.pid)
        self._daemon = None

    def _control(self, *words: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(self._config), *words]
        return subprocess.run(line, env=self._env, stdin=subprocess.DEVNULL, capture_output=True, text=True)

    def _configuration(self) -> str:
        parts = [SUPERVISORD.format(directory=self.directory)]
        for priority, (group, programs) in enumerate(self._groups.items()):
            parts += [self._section(program) for program in programs]
            names = ",".join(program.name for program in programs)
            parts.append(GROUP.format(name=group, programs=names, priority=priority))
        return "".join(parts)

    def _section(self, program: Program) -> str:
        return PROGRAM.format(
            name=program.name,
            # A percent sign would be read as an interpolation.
            command=shlex.quote(f"exec {program.line}").replace("%", "%%"),
            root=self._root,
            directory=self.directory,
            stop_wait_s=STOP_WAIT_S,
        )


def _end_with_parent() -> None:
    """Let supervisord stop everything also when its parent is killed outright (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _end_session(leader: int) -> None:
    """Kill what a session leader left behind, such as children of killed children, and see it gone."""
    while left := list(_session(leader)):
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _session(leader: int) -> Iterator[int]:
    """The living processes of a session, where the system shows them."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # pid (command) state parent group session …; the command may hold anything.
            state, _parent, _group, session, *_ = status.read_text().rpartition(")")[2].split()
            if int(session) == leader and state != "Z":
                yield int(status.parent.name)
