"""How fast we may ask things of Chatwoot, over all workers: whoever comes too early is told when to come again.

Nobody sleeps for it. Chatwoot's own limits: 200 messages of any kind per conversation and minute; 3,000
requests per minute and IP address. And a small one stores about 20 messages a
second, however many are posted at once: more in flight only take longer each, until nobody knows their outcome.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import redis
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter, RateLimiter, SlidingWindowCounterRateLimiter

from chatwoot.errors import TransientError
from chatwoot.responses import Call

# A slot comes free every so many seconds, where there is one slot; a guess, which only decides how often one asks.
_POST_S = 0.15
_LEAST_WAIT_S = 0.1

# KEYS: slots, waiting. ARGV: holder, conversation, slots in all, now, when the holder counts as dead. -> 0, or how many
# conversations wait.
_TAKE = """
local slots, waiting = KEYS[1], KEYS[2]
local holder, conversation, all, now, dead_at = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
redis.call('ZREMRANGEBYSCORE', slots, '-inf', now)
redis.call('ZREMRANGEBYSCORE', waiting, '-inf', now - 60)
if redis.call('ZCARD', slots) < all then
  redis.call('ZADD', slots, dead_at, holder)
  redis.call('ZREM', waiting, conversation)
  redis.call('EXPIRE', slots, 3600)
  return 0
end
redis.call('ZADD', waiting, now, conversation)
redis.call('EXPIRE', waiting, 3600)
return redis.call('ZCARD', waiting)
"""


class NotNow(TransientError):
    """Too early, by our own pace; Chatwoot was asked nothing."""

    def __init__(self, what: str, retry_after_s: float) -> None:
        super().__init__(f"waiting: {what}", retry_after_s=retry_after_s)


@dataclass(frozen=True)
class Limits:
    """How much is allowed."""

    calls_per_minute: int = 2400
    """To Chatwoot in all; 0 is no limit."""
    posts_per_minute: int = 150
    """In one conversation. What the customer and people write counts in Chatwoot's own 200, too."""
    posts_in_flight: int = 4
    slot_s: float = 30.0
    """After so long the holder of a slot counts as dead. Longer than any post takes."""


class RateLimit:
    """The pace of one account's workers, kept in Redis. Safe for threads and processes."""

    def __init__(self, client: redis.Redis, account_id: int, limits: Limits, *, owner: str = "") -> None:
        """`client` decodes responses. `owner` names this process, as in `tasks.runtime.processes`."""
        self._redis = client
        self._limits = limits
        self._owner = owner
        base = f"contesta:{{pace}}:{account_id}"
        self._slots, self._waiting = f"{base}:slots", f"{base}:waiting"
        self._take = client.register_script(_TAKE)
        storage = RedisStorage("redis://", connection_pool=client.connection_pool, key_prefix=base)
        # Exact, which Chatwoot's own limit for a conversation is, too; and for many calls one that costs two numbers.
        self._exactly: RateLimiter = MovingWindowRateLimiter(storage)
        self._roughly: RateLimiter = SlidingWindowCounterRateLimiter(storage)

    def before(self, call: Call) -> None:
        """A call is about to be made.

        Raises:
            NotNow: it must not be made yet.
        """
        # Without Redis nothing is counted: the ceiling is a courtesy, and whoever needs Redis will find out.
        with suppress(redis.RedisError):
            if self._limits.calls_per_minute:
                self._count(self._roughly, RateLimitItemPerMinute(self._limits.calls_per_minute), "calls")

    @contextmanager
    def posting(self, conversation_id: int) -> Iterator[None]:
        """A message is posted in the body: one of few at the same time, and of so many in this conversation.

        Raises:
            NotNow: it must not be posted yet; the body did not run.
        """
        slot = self._acquire(conversation_id)
        try:
            self._count(
                self._exactly, RateLimitItemPerMinute(self._limits.posts_per_minute), "posts", str(conversation_id)
            )
            yield
        finally:
            with suppress(redis.RedisError):  # it comes free by itself
                self._redis.zrem(self._slots, slot)

    def free_slots_of(self, owner: str) -> int:
        """The process is known to be dead: nobody need wait until its posts count as ended. Returns how many."""
        slots = [slot for slot in map(str, self._redis.zrange(self._slots, 0, -1)) if slot.startswith(f"{owner}#")]
        return int(self._redis.zrem(self._slots, *slots)) if slots else 0

    def _acquire(self, conversation_id: int) -> str:
        slot = f"{self._owner}#{uuid.uuid4().hex}"
        if waiting := self._asked_for(slot, conversation_id):
            # The more wait, the more seldom each asks, so that they ask about as often as a slot comes free.
            share = _POST_S * waiting / self._limits.posts_in_flight
            raise NotNow("posts in flight", _LEAST_WAIT_S + share * random.uniform(0.5, 1.5))
        return slot

    def _asked_for(self, slot: str, conversation_id: int) -> int:
        """0: taken. Else how many wait for one."""
        now = self._now()
        args: list[str | float] = [
            slot,
            conversation_id,
            self._limits.posts_in_flight,
            now,
            now + self._limits.slot_s,
        ]
        return int(self._take(keys=[self._slots, self._waiting], args=args))

    def _now(self) -> float:
        seconds, microseconds = self._redis.time()
        return int(seconds) + int(microseconds) / 1_000_000

    def _count(self, limiter: RateLimiter, limit: RateLimitItem, *names: str) -> None:
        if limiter.hit(limit, *names):
            return
        wait_s = max(limiter.get_window_stats(limit, *names).reset_time - time.time(), _LEAST_WAIT_S)
        # Not all at the same moment.
        raise NotNow(f"{limit.amount} {names[0]} a minute", wait_s * random.uniform(1, 1.2))
