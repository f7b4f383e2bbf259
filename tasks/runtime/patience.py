"""Who holds a turn or an outbox waits for a Redis that is away, as long as it may hold it.

Killed and back, it is away for a second; failing over, for a few. Whoever gave up at once would lose what was done, and
the customer would wait until the lease has ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import redis
import structlog
from redis.exceptions import MasterDownError, OutOfMemoryError, ReadOnlyError

log = structlog.get_logger()
T = TypeVar("T")

_FIRST_PAUSE_S, _MOST_PAUSE_S = 0.05, 0.5
_PASSES = (redis.ConnectionError, redis.TimeoutError, ReadOnlyError, OutOfMemoryError, MasterDownError)
_PASSES_TOO = ("MISCONF", "NOREPLICAS", "TRYAGAIN")
"""How errors begin for which redis-py has no class."""


@dataclass(frozen=True)
class Patience:
    """For how long a step is tried again. Only for steps that may be repeated."""

    lasts_s: float

    def __call__(self, step: Callable[[], T], /) -> T:
        """What the step gives.

        Raises:
            redis.RedisError: Redis was away, or took nothing, until the end; or what it says will not pass.
        """
        end = time.monotonic() + self.lasts_s
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return step()
            except redis.RedisError as error:
                if not _passes(error) or time.monotonic() >= end:
                    raise
                if pause_s == _FIRST_PAUSE_S:
                    log.warning("redis_away", error=type(error).__name__)
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _MOST_PAUSE_S)


def _passes(error: redis.RedisError) -> bool:
    return isinstance(error, _PASSES) or str(error).startswith(_PASSES_TOO)
