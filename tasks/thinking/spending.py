"""What models have cost today: counted as it is spent, and looked at before a turn is thought."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import redis
import structlog

from graph.usage import Usage
from tasks.runtime.counters import Counted, count
from tasks.thinking.prices import Prices

log = structlog.get_logger()

_MILLION = 1_000_000
_KEPT_S = 2 * 24 * 3600


class Spending:
    """Of one account, by the day in UTC, in millionths of a dollar; all workers add to one number.

    It is looked at before a turn, not within: turns that run at the same time may pass the ceiling by what they cost.
    """

    def __init__(
        self,
        client: redis.Redis,
        account_id: int,
        prices: Prices,
        most_per_day: float,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`most_per_day`: US dollars; 0: no ceiling."""
        self._redis = client
        self._account = f"contesta:{account_id}:spent"
        self._prices = prices
        self.most_per_day = most_per_day
        self._now = now

    def add(self, usage: Usage) -> None:
        """One call of a model. Where Redis is away it is on /metrics only, and the answer does not hang on it."""
        cost = self._prices.cost(usage)
        count(Counted.MODEL_TOKENS, "input", by=usage.input_tokens)
        count(Counted.MODEL_TOKENS, "output", by=usage.output_tokens)
        count(Counted.MODEL_MICRODOLLARS, by=cost)
        try:
            with self._redis.pipeline(transaction=True) as pipe:
                pipe.incrby(self._key, cost)
                pipe.expire(self._key, _KEPT_S)
                pipe.execute()
        except redis.RedisError as error:
            log.warning("cost_not_counted", error=type(error).__name__, microdollars=cost)

    def is_over(self) -> bool:
        """Whether the day's ceiling is reached.

        Raises:
            redis.RedisError: it cannot be told.
        """
        return self.most_per_day > 0 and self.today() >= self.most_per_day

    def today(self) -> float:
        """US dollars.

        Raises:
            redis.RedisError: it cannot be told.
        """
        return int(self._redis.get(self._key) or 0) / _MILLION

    @property
    def _key(self) -> str:
        return f"{self._account}:{datetime.fromtimestamp(self._now(), UTC):%Y-%m-%d}"
