"""How fast we may ask things of Chatwoot, over all workers: whoever comes too early is told when to come again.

Nobody sleeps for it but who looks for what was lost. Chatwoot's own limits: 200 messages of any kind per conversation
and minute; 3,000 requests per minute and IP address. And a small one stores about 20 messages a second, however many
are posted at once: more in flight only take longer each, until nobody knows their outcome.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import redis
from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter, RateLimiter, SlidingWindowCounterRateLimiter

from chatwoot.errors import TransientError
from chatwoot.responses import Call
from tasks.runtime import ending

# A slot comes free every so many seconds, where there is one slot; a guess, which only decides how often one asks.
_POST_S = 0.15
_LEAST_WAIT_S = 0.1
_LEAST_ROOM = 4  # calls: a look, and the turn that follows

# A post that takes more than so many times as long as posts take as a rule hangs.
_HANGS = 4
_USUAL_S = 0.05  # until there were some
_REMEMBERED_S = 600

# What both scripts begin with. A slot's score is when its holder counts as dead: so long after it was taken.
_BEGIN = """
local slots, waiting, hanging, usual = unpack(KEYS)
local holder, conversation, now, slot_s, patience = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local usual_s = tonumber(redis.call('GET', usual) or ARGV[6])
patience = math.max(tonumber(patience), tonumber(ARGV[7]) * usual_s)
"""

# Further ARGV: slots in all, most in flight, how long it is known who hangs. -> 0, or how many conversations wait. Who
# hangs is waiting and not working, and makes room for another. Of those that are known to hang no more are in flight
# than there are slots.
_TAKE = (
    _BEGIN
    + """
local all, most = tonumber(ARGV[8]), tonumber(ARGV[9])
redis.call('ZREMRANGEBYSCORE', slots, '-inf', now)
redis.call('ZREMRANGEBYSCORE', hanging, '-inf', now - tonumber(ARGV[10]))
redis.call('ZREMRANGEBYSCORE', waiting, '-inf', now - 60)
local working = redis.call('ZCOUNT', slots, string.format('(%.6f', now + slot_s - patience), '+inf')
local is_free = working < all and redis.call('ZCARD', slots) < most
if is_free and redis.call('ZSCORE', hanging, conversation) then
  local like_it = 0
  for _, each in ipairs(redis.call('ZRANGE', slots, 0, -1)) do
    if redis.call('ZSCORE', hanging, string.match(each, '#(%d+)$') or '') then like_it = like_it + 1 end
  end
  is_free = like_it < all
end
if is_free then
  redis.call('ZADD', slots, string.format('%.6f', now + slot_s), holder)
  redis.call('ZREM', waiting, conversation)
  redis.call('EXPIRE', slots, 3600)
  return 0
end
redis.call('ZADD', waiting, now, conversation)
redis.call('EXPIRE', waiting, 3600)
return redis.call('ZCARD', waiting)
"""
)

# Further ARGV: how long it took, 1 if it was answered. What posts take as a rule is learnt slowly: one that takes long
# says little, and if all do, Chatwoot is slow and must not be asked for more.
_END = (
    _BEGIN
    + """
local took_s = tonumber(ARGV[8])
redis.call('ZREM', slots, holder)
if took_s > patience then
  redis.call('ZADD', hanging, now, conversation)
  redis.call('EXPIRE', hanging, 3600)
elseif ARGV[9] == '1' then
  redis.call('ZREM', hanging, conversation)
end
if ARGV[9] == '1' then
  usual_s = usual_s + 0.1 * (math.min(took_s, 3 * usual_s) - usual_s)
  redis.call('SET', usual, usual_s, 'EX', 3600)
end
"""
)


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
    patience_s: float = 0.5
    """A post that takes longer, and much longer than others, hangs: it does not count among these."""
    most_in_flight: int = 32
    """Those that hang among them."""
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
        self._slots = f"{base}:slots"
        self._keys = [self._slots, *(f"{base}:{name}" for name in ("waiting", "hanging", "usual"))]
        self._take, self._end = client.register_script(_TAKE), client.register_script(_END)
        storage = RedisStorage("redis://", connection_pool=client.connection_pool, key_prefix=base)
        a_minute = limits.calls_per_minute or Limits.calls_per_minute
        # Half of it, evenly: in each second, or where that is too little for a turn, in so many seconds.
        self._room = RateLimitItemPerSecond(max(_LEAST_ROOM, a_minute // 120), max(1, 120 * _LEAST_ROOM // a_minute))
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

    def give_way(self, calls: int) -> None:
        """Who looks for what no webhook told of is about to cause so many calls: wait until there is room for them.

        In all they have half of the ceiling, in each second: whoever writes meanwhile is not kept waiting.

        Raises:
            WorkerEnds: this worker was asked to end.
        """
        with suppress(redis.RedisError):
            while not self._exactly.hit(self._room, "room", cost=calls):
                ending.pause(_LEAST_WAIT_S)

    @contextmanager
    def posting(self, conversation_id: int) -> Iterator[None]:
        """A message is posted in the body: one of few at the same time, and of so many in this conversation.

        Raises:
            NotNow: it must not be posted yet; the body did not run.
        """
        slot = self._acquire(conversation_id)
        began, is_answered = time.monotonic(), False
        try:
            self._count(
                self._exactly, RateLimitItemPerMinute(self._limits.posts_per_minute), "posts", str(conversation_id)
            )
            yield
            is_answered = True
        finally:
            with suppress(redis.RedisError):  # it comes free by itself
                took = (time.monotonic() - began, int(is_answered))
                self._end(keys=self._keys, args=[*self._about(slot, conversation_id), *took])

    def free_slots_of(self, owner: str) -> int:
        """The process is known to be dead: nobody need wait until its posts count as ended. Returns how many."""
        slots = [slot for slot in map(str, self._redis.zrange(self._slots, 0, -1)) if slot.startswith(f"{owner}#")]
        return int(self._redis.zrem(self._slots, *slots)) if slots else 0

    def _acquire(self, conversation_id: int) -> str:
        slot = f"{self._owner}#{uuid.uuid4().hex}#{conversation_id}"
        if waiting := self._asked_for(slot, conversation_id):
            # The more wait, the more seldom each asks, so that they ask about as often as a slot comes free.
            share = _POST_S * waiting / self._limits.posts_in_flight
            raise NotNow("posts in flight", _LEAST_WAIT_S + share * random.uniform(0.5, 1.5))
        return slot

    def _asked_for(self, slot: str, conversation_id: int) -> int:
        """0: taken. Else how many wait for one."""
        most = (self._limits.posts_in_flight, self._limits.most_in_flight, _REMEMBERED_S)
        return int(self._take(keys=self._keys, args=[*self._about(slot, conversation_id), *most]))

    def _about(self, slot: str, conversation_id: int) -> list[str | float]:
        limits = self._limits
        return [slot, conversation_id, self._now(), limits.slot_s, limits.patience_s, _USUAL_S, _HANGS]

    def _now(self) -> float:
        seconds, microseconds = self._redis.time()
        return int(seconds) + int(microseconds) / 1_000_000

    def _count(self, limiter: RateLimiter, limit: RateLimitItem, *names: str) -> None:
        if limiter.hit(limit, *names):
            return
        wait_s = max(limiter.get_window_stats(limit, *names).reset_time - time.time(), _LEAST_WAIT_S)
        # Not all at the same moment.
        raise NotNow(f"{limit.amount} {names[0]} a minute", wait_s * random.uniform(1, 1.2))
