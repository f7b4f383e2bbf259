"""Real Redis servers that are not as ours: other options, without modules, commands or a port."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from sandbox.machine.ports import free_port
from sandbox.machine.redis import command
from tests.stack import wait_until


class Variant:
    """A redis-server with some more options, or without those of ours whose first word is named."""

    def __init__(self, directory: Path, *options: str, modules: bool = True, password: str = "") -> None:
        self._password = password or None
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._directory = directory
        self._options = options
        self._modules = modules

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(
            self.url, password=self._password, decode_responses=True, protocol=2, socket_timeout=5
        )

    def __enter__(self) -> Self:
        self._directory.mkdir(parents=True, exist_ok=True)
        line = [*command(port=self.port, directory=self._directory), "--cluster-port", str(free_port())]
        if not self._modules:
            while "--loadmodule" in line:
                at = line.index("--loadmodule")
                del line[at : at + 2]
        with (self._directory / "redis.log").open("ab") as log:
            self._process = subprocess.Popen([*line, *self._options], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self._answers, what=f"a Redis, see {log.name}")
        return self

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self._directory / "redis.log").read_text()
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()


def become_a_cluster(server: Variant) -> None:
    """Of one node, with all slots: it takes commands, and says MOVED of none."""
    with server.client() as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        wait_until(lambda: "cluster_state:ok" in str(client.execute_command("CLUSTER", "INFO")), what="the cluster")
