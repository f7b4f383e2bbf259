"""What a customer notices of conversations that are in trouble: one hangs, one fails, in one the customer floods us."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from bench.graphs import FAIL
from bench.product import Product
from bench.results import Figure, Result
from tests.stack import wait_until

_ROUNDS = 4
_HANGS_S = 2.5
"""Longer than a turn that fails takes until it has failed again."""
_LIMIT = 1.5


def measure(on: Product) -> list[Result]:
    """By turns, so that the machine's own noise is in both."""
    on.start_worker(TURN_ATTEMPTS="2")
    alone, beside = list[float](), list[float]()
    for _ in range(_ROUNDS):
        alone += _trips_alone(on)
        beside += _trips_beside_trouble(on)
    return [
        Result(
            "a conversation in trouble holds up no other",
            Figure(1000 * median(beside), "ms", f"a trip beside three in trouble, the median of {len(beside)}"),
            Figure(1000 * median(alone), "ms", f"without them, the median of {len(alone)}"),
            _LIMIT,
        )
    ]


def _trips_alone(on: Product) -> list[float]:
    end = time.monotonic() + _HANGS_S
    return _trips_until(lambda: time.monotonic() > end, on)


def _trips_beside_trouble(on: Product) -> list[float]:
    hanging, failing, flooded = on.customers.new(3)
    on.customers.write(hanging, str(_HANGS_S))
    on.customers.write(failing, FAIL)
    for _ in range(20):
        on.customers.write(flooded, "0.2")
    trips = _trips_until(lambda: hanging in on.customers.answered(), on)
    wait_until(lambda: failing in on.customers.handed_over(), what="the failing turn to be given up")
    return trips


def _trips_until(ended: Callable[[], bool], on: Product) -> list[float]:
    trips = []
    while not ended():
        trips.append(on.customers.trip_s("0"))
    return trips
