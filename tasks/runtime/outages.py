"""When no web process was there to hear Chatwoot, known to all processes: what it did then is our doing.

Each web process says every second that it lives. Where nobody did for longer, and where one has just begun, since one
may have ended before it, webhooks may have been lost in between.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import redis

EVERY_S = 1.0
_SILENT_S = 2.5
_MEMORY_S = 30 * 24 * 3600
_MOST_S = 24 * 3600
"""An outage that ended so long ago is not looked at any more."""
_CLOCKS_S = 2.0
"""By so much Chatwoot's clock and ours may differ; it tells whole seconds."""
_GIVES_UP_S = 6.0
"""So long Chatwoot may wait for a web process that it had reached, and then opens the conversation."""

# KEYS: last time, outages by their ends. ARGV: now, 1 if a process has just begun, seconds of silence, seconds of
# memory, how many seconds ago an outage must have ended to be forgotten.
_BEAT = """
local last, now = redis.call('GET', KEYS[1]), tonumber(ARGV[1])
local is_outage = last and (ARGV[2] == '1' or now - tonumber(last) > tonumber(ARGV[3]))
if is_outage then
  redis.call('ZADD', KEYS[2], now, last .. '/' .. ARGV[1])
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[5]))
  redis.call('EXPIRE', KEYS[2], ARGV[4])
end
if not last or now > tonumber(last) then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[4]) end
return is_outage and 1 or 0
"""


@dataclass(frozen=True)
class Outage:
    """Unix seconds."""

    begin: float
    end: float

    @property
    def earliest(self) -> float:
        """What Chatwoot did before, by its own clock, it did not do for this."""
        return self.begin - _CLOCKS_S

    def explains(self, at: float) -> bool:
        """Whether what Chatwoot did then, by its own clock, it may have done since nobody was there."""
        return self.earliest <= at <= self.end + _GIVES_UP_S


class Outages:
    """Of one account's web processes. Raises `redis.RedisError`."""

    def __init__(self, client: redis.Redis, account_id: int) -> None:
        """`client` decodes responses."""
        self._redis = client
        self._last = f"contesta:{{web}}:{account_id}:last"
        self._outages = f"contesta:{{web}}:{account_id}:outages"
        self._beat = client.register_script(_BEAT)

    def beat(self, *, has_begun: bool = False) -> bool:
        """A web process lives, or `has_begun` to. Whether nobody may have been there right before."""
        args: list[str | float] = [f"{time.time():.3f}", int(has_begun), _SILENT_S, _MEMORY_S, _MOST_S]
        return bool(self._beat(keys=[self._last, self._outages], args=args))

    def all(self) -> list[Outage]:
        """Those that were not forgotten, and the one that lasts, if one does."""
        return [*self._known(), *self._present()]

    def forget_before(self, end: float) -> None:
        """Those that had ended by then: all that they explain has been seen."""
        self._redis.zremrangebyscore(self._outages, "-inf", end)

    def _known(self) -> Iterator[Outage]:
        for known in self._redis.zrange(self._outages, 0, -1):
            begin, _, end = str(known).partition("/")
            yield Outage(float(begin), float(end))

    def _present(self) -> Iterator[Outage]:
        last, now = self._redis.get(self._last), time.time()
        if last is not None and now - float(str(last)) > _SILENT_S:
            yield Outage(float(str(last)), now)
