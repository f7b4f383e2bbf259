"""Which worker processes there are, and which of this machine's are dead: nobody need wait for their leases."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

import psutil
import redis

_MEMORY_S = 24 * 3600


def _here() -> str:
    """The machine, as far as process numbers mean the same: two containers may share a host name."""
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = ""
    return f"{socket.gethostname()}~{namespace}"


def owner_of_this_process() -> str:
    """`where/pid/start`: a process number is used again, a process number and its start are not."""
    started = psutil.Process().create_time()
    return f"{_here()}/{os.getpid()}/{started:.0f}"


def is_dead(owner: str) -> bool:
    """Whether a process of this machine has ended. False for another machine's: from here nobody can tell."""
    where, pid, started = owner.rsplit("/", 2)
    if where != _here():
        return False
    try:
        process = psutil.Process(int(pid))
        return f"{process.create_time():.0f}" != started or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@dataclass(frozen=True)
class Roll:
    """The owners of turns, in Redis."""

    client: redis.Redis
    """Decodes responses."""
    account_id: int

    def sign(self, owner: str) -> None:
        """This process works here. Safe to repeat; forgotten a day after the last time."""
        now, _ = self.client.time()
        with self.client.pipeline() as pipe:
            pipe.zadd(self._key, {owner: now})
            pipe.zremrangebyscore(self._key, "-inf", now - _MEMORY_S)
            pipe.expire(self._key, _MEMORY_S)
            pipe.execute()

    def dead(self) -> list[str]:
        """Those of this machine that have ended and were not struck off."""
        return [owner for owner in map(str, self.client.zrange(self._key, 0, -1)) if is_dead(owner)]

    def strike(self, owner: str) -> None:
        self.client.zrem(self._key, owner)

    @property
    def _key(self) -> str:
        return f"contesta:{self.account_id}:workers"
