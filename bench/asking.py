"""What asking Chatwoot costs, and how long after its answer the bot speaks: so long nobody can know better."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from bench.product import Product
from bench.results import Figure, Result
from sandbox.journal import Request

_TRIPS = 100


@dataclass(frozen=True)
class _Turns:
    trips_ms: Sequence[float]
    calls: float
    """To Chatwoot, a turn."""
    windows_ms: Sequence[float]
    """From the answer to the last asking until the post has arrived."""


def measure(on: Product) -> list[Result]:
    late, always = _turns(on, "late"), _turns(on, "always")
    return [
        Result(
            "asking before it thinks: calls of a turn",
            Figure(always.calls, "calls", "LOOK_BEFORE_THINKING=always"),
            Figure(late.calls, "calls", "late, while webhooks come in time"),
        ),
        Result(
            "asking before it thinks: a trip",
            Figure(median(always.trips_ms), "ms", f"always, the median of {_TRIPS}"),
            Figure(median(late.trips_ms), "ms", "late"),
        ),
        Result(
            "what is left of the window",
            Figure(_late(always.windows_ms), "ms", "from Chatwoot's answer to the post's arrival, the 99th percentile"),
            Figure(median(always.windows_ms), "ms", f"the median of {len(always.windows_ms)}"),
        ),
    ]


def _turns(on: Product, look: str) -> _Turns:
    worker = on.start_worker(LOOK_BEFORE_THINKING=look)
    sandbox = on.customers.desk.sandbox
    on.customers.trip_s("0")
    sandbox.forget_requests()
    trips = [1000 * on.customers.trip_s("0") for _ in range(_TRIPS)]
    calls = sandbox.requests
    worker.stop()
    return _Turns(trips, len(calls) / _TRIPS, list(_windows(calls)))


def _windows(calls: Sequence[Request]) -> Iterator[float]:
    asked: dict[str, float] = {}
    for call in calls:
        if call.method == "GET" and call.ended_at is not None:
            asked[call.path] = call.ended_at
        elif call.method == "POST":
            yield 1000 * (call.at - asked[call.path.removesuffix("/messages")])


def _late(windows: Sequence[float]) -> float:
    return quantiles(windows, n=100)[98]
