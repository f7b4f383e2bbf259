"""What is spent in a day, on a real Redis."""

from __future__ import annotations

import pytest
import redis

from graph.usage import Usage
from tasks.thinking.prices import Prices
from tasks.thinking.spending import Spending

DAY_S = 24 * 3600
PRICES = Prices({"m": (1.0, 2.0)})


def spending(client: redis.Redis, most: float, at: list[float]) -> Spending:
    return Spending(client, 1, PRICES, most, now=lambda: at[0])


def test_all_workers_add_to_one_number_and_a_day_begins_at_nothing(redis_client: redis.Redis) -> None:
    at = [DAY_S * 20_000.5]
    one, other = spending(redis_client, 0.0003, at), spending(redis_client, 0.0003, at)
    one.add(Usage("m", 100, 50))
    assert (one.today(), other.is_over()) == (0.0002, False)
    other.add(Usage("m", 100, 0))
    assert (one.is_over(), other.is_over()) == (True, True)
    at[0] += DAY_S
    assert (one.today(), one.is_over()) == (0, False)


def test_without_a_ceiling_nothing_is_too_much(redis_client: redis.Redis) -> None:
    free = spending(redis_client, 0, [0.0])
    free.add(Usage("m", 10**9, 0))
    assert not free.is_over()


def test_an_answer_does_not_hang_on_what_it_cost() -> None:
    away = spending(redis.Redis(port=1), 1, [0.0])
    away.add(Usage("m", 1, 1))
    with pytest.raises(redis.RedisError):
        away.is_over()
