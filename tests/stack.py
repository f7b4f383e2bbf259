"""The product as it runs: web, worker and beat as real processes from the Procfile, on a Redis and a sandbox."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self, TypeVar

import redis

from sandbox.machine.ports import free_port

ROOT = Path(__file__).parent.parent
SECRET = "a-secret-of-24-characters"
BOT_TOKEN = "bot-token"

T = TypeVar("T")


def wait_until(condition: Callable[[], T | None], *, what: str, timeout_s: float = 60) -> T:
    """Wait for a condition, and return what it gave. Fails the test, naming `what` did not come.

    The time is only that after which nobody hopes any more, on a machine that is busy with other tests.
    """
    end = time.monotonic() + timeout_s
    while not (result := condition()):
        assert time.monotonic() < end, f"waited {timeout_s} s for {what}"
        time.sleep(0.02)
    return result


def wait_until_idle(client: redis.Redis, *, timeout_s: float = 60) -> None:
    """Until nobody is at work in any conversation, nor called. Something may be scheduled for later."""
    wait_until(lambda: set(_stages(client)) <= {"", "idle"}, what="all to be done", timeout_s=timeout_s)


def _stages(client: redis.Redis) -> Iterator[str]:
    for key in client.scan_iter("contesta:*:state"):
        stage = client.hget(key, "stage") or ""
        yield stage if isinstance(stage, str) else stage.decode()


def settings(redis_url: str, chatwoot_url: str) -> dict[str, str]:
    """Of an agent bot in account 1 of a Chatwoot, in all inboxes: what every test that runs processes begins with."""
    return {
        "REDIS_URL": redis_url,
        "CHATWOOT_API_URL": chatwoot_url,
        "CHATWOOT_ACCOUNT_ID": "1",
        "CHATWOOT_INBOX_ID": "1",
        "ANSWER_INBOX_IDS": "*",
        "CHATWOOT_API_TOKEN": "admin-token",
        "CHATWOOT_BOT_TOKEN": BOT_TOKEN,
        "CHATWOOT_WEBHOOK_SECRET": SECRET,
    }


def procfile() -> dict[str, str]:
    """Name of each process -> its command line."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line and not line.startswith("#"))


class Started(Protocol):
    """What is asked of a process that was started, after `subprocess.Popen`."""

    pid: int

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...


class Start(Protocol):
    """Starts a command line that begins with the name of a Python program, in a session of its own."""

    def __call__(
        self, line: str, *, cwd: Path, env: Mapping[str, str], stdout: IO[bytes], stderr: IO[bytes]
    ) -> Started: ...


def as_a_supervisor(
    line: str, *, cwd: Path, env: Mapping[str, str], stdout: IO[bytes], stderr: IO[bytes]
) -> subprocess.Popen[bytes]:
    """The plain way to start something. The other one is a nursery's: tests/nursery.py."""
    return subprocess.Popen(
        ["bash", "-c", f"exec {line}"],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )


class Process:
    """One line of the Procfile, running in a process group of its own."""

    def __init__(self, name: str, env: Mapping[str, str], log: Path, start: Start) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as out:
            self._popen = start(procfile()[name], cwd=ROOT, env=env, stdout=out, stderr=out)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def is_alive(self) -> bool:
        return self._popen.poll() is None

    def kill(self) -> None:
        """As a crash would: no goodbye, for it and its children."""
        self._signal(signal.SIGKILL)

    def ask_to_stop(self) -> None:
        self._signal(signal.SIGTERM, only_the_parent=True)

    def stop(self, timeout_s: float = 60) -> int:
        """Ask it to end, and return its exit status."""
        self.ask_to_stop()
        try:
            return self._popen.wait(timeout_s)
        finally:
            self._signal(signal.SIGKILL)

    def _signal(self, how: signal.Signals, *, only_the_parent: bool = False) -> None:
        try:
            if only_the_parent:
                os.kill(self.pid, how)
            else:
                os.killpg(self.pid, how)
        except ProcessLookupError:
            pass
        if how is signal.SIGKILL:
            self._popen.wait()


class Stack:
    """Settings, and the processes that were started with them. Ends what it started."""

    def __init__(self, env: Mapping[str, str], directory: Path, start: Start = as_a_supervisor) -> None:
        self.port = int(env.get("PORT") or free_port())
        self.env = {**env, "PORT": str(self.port), "WEB_CONCURRENCY": "1", "WORKER_CONCURRENCY": "20"}
        self.directory = directory
        self.starts = start
        self.processes: list[Process] = []

    @property
    def webhook_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/webhooks/chatwoot"

    def start(self, name: str, **env: str) -> Process:
        """Start a line of the Procfile, without waiting until it is ready."""
        log = self.directory / f"{name}-{len(self.processes)}.log"
        process = Process(name, self._environment(env), log, self.starts)
        self.processes.append(process)
        return process

    def kill_all(self) -> None:
        for process in self.processes:
            process.kill()

    def restart(self, **env: str) -> None:
        """Kill all, and start a web process and a worker, with these settings from now on."""
        self.kill_all()
        self.env |= env
        self.start_web()
        self.start_worker()

    def start_web(self, **env: str) -> Process:
        process = self.start("web", **env)
        wait_until(self._is_ready, what=f"web to be ready, see {process.log}")
        return process

    def start_worker(self, **env: str) -> Process:
        process = self.start("worker", **env)
        wait_until(lambda: "worker_ready" in process.log.read_text(), what=f"the worker, see {process.log}")
        return process

    def logs(self) -> str:
        return "\n".join(process.log.read_text() for process in self.processes)

    def celery(self, *args: str) -> str:
        """Run Celery's command line, as an operator would, and return what it printed."""
        return self._done("celery", "-A", "tasks", *args)

    def flask(self, *args: str, status: int = 0) -> str:
        """Run one of our own commands, as an operator would, and return what it printed."""
        return self._done("flask", *args, status=status)

    def run(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, whatever that is."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            running = self.starts(shlex.join(words), cwd=ROOT, env=self._environment(env), stdout=out, stderr=err)
            status = running.wait(60)
            said = [(file.seek(0), file.read().decode())[1] for file in (out, err)]
        return subprocess.CompletedProcess(words, status, *said)

    def _done(self, *words: str, status: int = 0) -> str:
        done = self.run(*words)
        assert done.returncode == status, done.stderr
        return (done.stdout + (done.stderr if status else "")).strip()

    def _environment(self, env: Mapping[str, str]) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {"PATH": path, "PYTHONUNBUFFERED": "1", **self.env, **env}

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.processes:
            process.kill()
