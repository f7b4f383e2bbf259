"""Who is at work and what was done lately, for whoever watches: what does not happen is counted by nobody."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable

import redis

_MEMORY_S = 30 * 24 * 3600
_HEARD_OF_S = 10
"""A process that says nothing for so long is not there."""


class WorkersByQueue:
    """The worker processes of one account, by what they take. Raises `redis.RedisError`."""

    def __init__(self, client: redis.Redis, account_id: int) -> None:
        """`client` decodes responses."""
        self._redis = client
        self._key = f"contesta:{account_id}:workers"

    def note(self, owner: str, queues: Iterable[str]) -> None:
        """This process lives, and takes from these queues. To be repeated every second or two."""
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(self._key, owner, " ".join(queues))
            pipe.hexpire(self._key, _HEARD_OF_S, owner)
            pipe.expire(self._key, _MEMORY_S)
            pipe.execute()

    def leave(self, owner: str) -> None:
        self._redis.hdel(self._key, owner)

    def count(self) -> Counter[str]:
        """Queue -> how many take from it. One from which nobody does is not named."""
        return Counter(queue for queues in self._redis.hvals(self._key) for queue in str(queues).split())


class LastDone:
    """When what is done again and again was last done to its end. Raises `redis.RedisError`."""

    def __init__(self, client: redis.Redis, account_id: int) -> None:
        """`client` decodes responses."""
        self._redis = client
        self._key = f"contesta:{account_id}:last_done"

    def note(self, what: str) -> None:
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(self._key, what, str(int(time.time())))
            pipe.expire(self._key, _MEMORY_S)
            pipe.execute()

    def all(self) -> dict[str, int]:
        """What -> unix seconds. What never was is not named."""
        return {str(what): int(at) for what, at in self._redis.hgetall(self._key).items()}
