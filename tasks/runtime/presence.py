"""Who is at work and what was done lately, for whoever watches: what does not happen is counted by nobody."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import redis
import structlog

from tasks.runtime.release import RELEASE

log = structlog.get_logger()

Kind = Literal["web", "worker", "beat"]
EVERY_S = 1.5

_MEMORY_S = 30 * 24 * 3600
_HEARD_OF_S = 10
"""A process that says nothing for so long is not there."""


class Alive:
    """The processes of one account that live: of which kind, which release each runs, and what the workers take.

    Raises `redis.RedisError`.
    """

    def __init__(self, client: redis.Redis, account_id: int, owner: str) -> None:
        """`client` decodes responses; `owner` is this process."""
        self._redis = client
        self._key = f"contesta:{account_id}:alive"
        self._owner = owner

    def note(self, kind: Kind, *, queues: Iterable[str] = ()) -> None:
        """This process lives, and takes from these queues. To be repeated every second or two."""
        field = f"{kind} {self._owner}"
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(self._key, field, json.dumps([RELEASE, *queues]))
            pipe.hexpire(self._key, _HEARD_OF_S, field)
            pipe.expire(self._key, _MEMORY_S)
            pipe.execute()

    def keep_noting(self, kind: Kind) -> None:
        """In a thread of its own, until the process ends."""
        threading.Thread(target=self._note_for_ever, args=(kind,), name="alive", daemon=True).start()

    def leave(self, kind: Kind) -> None:
        self._redis.hdel(self._key, f"{kind} {self._owner}")

    def releases(self) -> Mapping[str, Sequence[str]]:
        """Kind -> the release of each process of that kind. A kind of which none lives is not named."""
        found: dict[str, list[str]] = defaultdict(list)
        for field, said in sorted(self._redis.hgetall(self._key).items()):
            release, *_ = json.loads(said)
            found[str(field).partition(" ")[0]].append(str(release))
        return dict(found)

    def takers(self) -> Counter[str]:
        """Queue -> how many worker processes take from it. One from which nobody does is not named."""
        return Counter(queue for said in self._redis.hvals(self._key) for queue in json.loads(said)[1:])

    def _note_for_ever(self, kind: Kind) -> None:
        while True:
            try:
                self.note(kind)
            except redis.RedisError as error:
                log.warning("not_noted_as_alive", error=type(error).__name__)
            time.sleep(EVERY_S)


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
