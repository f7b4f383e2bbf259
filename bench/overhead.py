"""What the product adds to the model."""

from __future__ import annotations

from statistics import median

from bench.product import Product
from bench.results import Figure, Result

_MODEL_S = 1.0
_TRIPS = 10
_LIMIT = 1.15


def measure(on: Product) -> list[Result]:
    on.start_worker()
    trips = [on.customers.trip_s(str(_MODEL_S)) for _ in range(_TRIPS)]
    whole = Figure(median(trips), "s", f"from writing to the posted answer, the median of {_TRIPS}")
    return [Result("nothing noticeable on top of the model", whole, Figure(_MODEL_S, "s", "the model alone"), _LIMIT)]
