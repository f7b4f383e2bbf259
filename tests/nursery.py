"""Starts the product's programs without their wait for the libraries: each is forked from a process that has them.

A worker spends more than 2 s of a core on importing Celery and LangGraph before it does anything, a web process more
than one; the tests start some thousand of them. The nursery imports the libraries once, and none of our own modules.
What it forks is otherwise what a supervisor would start: the same command line, read by the same shell, with an
environment, a session, a process group, a death and an exit status of its own: tests/machine/test_nursery.py. Without a
nursery start: what tests/machine, tests/compose, the fault matrix and the benchmarks run.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import IO, NoReturn, Self

# What the Procfile's programs, `celery call` and `flask` load of other people's, whatever their settings.
LIBRARIES = (
    "celery.app.amqp",
    "celery.app.control",
    "celery.app.log",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.concurrency.thread",
    "celery.events.state",
    "celery.worker.consumer",
    "celery.worker.strategy",
    "flask.cli",
    "flower.command",
    "gunicorn.app.wsgiapp",
    "gunicorn.workers.base",
    "httpx",
    "kombu.transport.redis",
    "langchain_core.messages",
    "langgraph.checkpoint.redis",
    "langgraph.graph",
    "langgraph.prebuilt",
    "phonenumbers",
    "prometheus_client",
    "structlog",
    "tornado.httpserver",
    "tornado.wsgi",
)
_MOST_BYTES = 1 << 16


class Child:
    """A program that the nursery has started; its methods are those of `subprocess.Popen`."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._status: int | None = None
        self.pid = int(self._hear())

    def poll(self) -> int | None:
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        status = self._ended(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return status

    def _ended(self, timeout_s: float | None) -> int | None:
        if self._status is None:
            self._connection.settimeout(timeout_s)
            try:
                self._status = int(self._hear())
            except (TimeoutError, BlockingIOError):
                return None
            self._connection.close()
        return self._status

    def _hear(self) -> bytes:
        said = self._connection.recv(_MOST_BYTES)
        assert said, "the nursery is gone"
        return said


class Nursery:
    """
    >>> with Nursery() as nursery:
    ...     nursery.start("celery -A tasks beat", cwd=ROOT, env=env, stdout=log, stderr=log).wait()
    """

    def __init__(self) -> None:
        self._ours, self._its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def __enter__(self) -> Self:
        # Its environment is what is the same for all that it will start.
        env = {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"}
        self._process = subprocess.Popen([sys.executable, __file__], stdin=self._its, env=env, start_new_session=True)
        self._its.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ours.close()
        self._process.wait()

    def start(self, line: str, *, cwd: Path, env: Mapping[str, str], stdout: IO[bytes], stderr: IO[bytes]) -> Child:
        """Start a command line that begins with the name of a Python program."""
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        order = json.dumps({"line": line, "cwd": str(cwd), "env": {**env}}).encode()
        with its:
            socket.send_fds(self._ours, [order], [its.fileno(), stdout.fileno(), stderr.fileno()])
        return Child(ours)


def main() -> None:
    control = socket.socket(fileno=os.dup(0))
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    for library in LIBRARIES:
        import_module(library)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever has watched a child to its end is not waited for
    while True:
        order, files, _, _ = socket.recv_fds(control, _MOST_BYTES, 3)
        if not order:  # the tests are over
            return
        if not os.fork():
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            bring_up(files, **json.loads(order))
            return
        for file in files:
            os.close(file)


def bring_up(files: Sequence[int], line: str, cwd: str, env: Mapping[str, str]) -> None:
    """Run the program in a child, and tell who asked for it its process id, and its exit status when it has ended."""
    connection, stdout, stderr = files
    os.setsid()
    if child := os.fork():
        _watch(child, connection)
    os.setsid()
    os.write(connection, str(os.getpid()).encode())
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    for file in files:
        os.close(file)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    become(_words(line))


def _watch(child: int, connection: int) -> NoReturn:
    _, status = os.waitpid(child, 0)
    with suppress(BrokenPipeError):  # nobody has asked
        os.write(connection, str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _words(line: str) -> list[str]:
    """The line as bash understands it."""
    return subprocess.check_output(["bash", "-c", rf"printf '%s\0' {line}"], text=True).split("\0")[:-1]


def become(words: Sequence[str]) -> None:
    """Run a Python program as if it had been started."""
    program = shutil.which(words[0])
    assert program, f"no program {words[0]}"
    sys.argv = [program, *words[1:]]
    sys.path[0] = str(Path(program).parent)
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main()
