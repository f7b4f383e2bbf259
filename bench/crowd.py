"""Many customers who write at the same moment: all that a worker can think about at once."""

from __future__ import annotations

from statistics import median

from bench.product import THREADS, Product
from bench.results import Figure, Result

_MODEL_S = 4.0
"""So long that it shows whether all are thought about at once: the CPU of fifty turns alone takes 1 to 2 s."""
_ROUNDS = 3
_LIMIT = 2.0


def measure(on: Product) -> list[Result]:
    on.start_worker()
    rounds = [_all_are_answered_s(on) for _ in range(_ROUNDS)]
    whole = Figure(median(rounds), "s", f"until the last is answered, the median of {_ROUNDS}")
    return [
        Result(f"{THREADS} customers at once", whole, Figure(_MODEL_S, "s", "the model alone, for one of them"), _LIMIT)
    ]


def _all_are_answered_s(on: Product) -> float:
    ids = on.customers.new(THREADS)
    began_at = min(on.customers.write(id, str(_MODEL_S)) for id in ids)
    return on.customers.wait_for_answers(ids) - began_at
