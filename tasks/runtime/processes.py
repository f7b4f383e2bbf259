"""Which worker processes there are, and which of this machine's are dead: nobody need wait for their leases."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil
import redis

_MEMORY_S = 24 * 3600


def _here() -> str:
    """The machine since it was started, as far as process numbers mean the same: containers may share a host name."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{socket.gethostname()}~{boot}~{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def _start(pid: int) -> str:
    """When the process was started, by a clock that nobody sets: in ticks since the machine was, on Linux.

    Raises:
        psutil.NoSuchProcess: there is none, or it is a zombie.
    """
    process = psutil.Process(pid)
    if process.status() == psutil.STATUS_ZOMBIE:
        raise psutil.NoSuchProcess(pid)
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return f"{process.create_time():.0f}"


def owner_of_this_process() -> str:
    """`where/pid/start`: a process number is used again, a process number and its start are not."""
    return f"{_here()}/{os.getpid()}/{_start(os.getpid())}"


def is_dead(owner: str) -> bool:
    """Whether a process of this machine has ended. False for another machine's: from here nobody can tell."""
    where, pid, start = owner.rsplit("/", 2)
    if where != _here():
        return False
    try:
        return _start(int(pid)) != start
    except psutil.NoSuchProcess:
        return True


@dataclass(frozen=True)
class ProcessRegistry:
    """The owners of turns, in Redis."""

    client: redis.Redis
    """Decodes responses."""
    account_id: int

    def register(self, owner: str) -> None:
        """This process works here. Safe to repeat; forgotten a day after the last time."""
        now, _ = self.client.time()
        with self.client.pipeline() as pipe:
            pipe.zadd(self._key, {owner: now})
            pipe.zremrangebyscore(self._key, "-inf", now - _MEMORY_S)
            pipe.expire(self._key, _MEMORY_S)
            pipe.execute()

    def dead(self) -> list[str]:
        """Those of this machine that have ended and were not removed."""
        return [owner for owner in map(str, self.client.zrange(self._key, 0, -1)) if is_dead(owner)]

    def remove(self, owner: str) -> None:
        self.client.zrem(self._key, owner)

    @property
    def _key(self) -> str:
        return f"contesta:{self.account_id}:workers"
