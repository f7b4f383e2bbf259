"""What models cost: US dollars for a million tokens, in and out, by the beginning of a model's name.

`prices.json` is a help that ages, as its providers listed them in 2025: MODEL_PRICES says what is true.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from graph.usage import Usage

log = structlog.get_logger()

Price = tuple[float, float]


@dataclass(frozen=True)
class Prices:
    """A model without a price costs as much as the dearest: a ceiling must not be passed because a name is new."""

    table: Mapping[str, Price]

    def cost(self, usage: Usage) -> int:
        """In millionths of a dollar, rounded up. What a provider charges less for, as cached input, counts in full."""
        price_in, price_out = self._of(usage.model)
        return math.ceil(usage.input_tokens * price_in + usage.output_tokens * price_out)

    def _of(self, model: str) -> Price:
        named = [name for name in self.table if model.startswith(name)]
        if named:
            return self.table[max(named, key=len)]
        log.warning("model_without_a_price", model=model)
        return max(self.table.values())


def prices(own: Iterable[str]) -> Prices:
    """The table, and in its place where they name the same the shop's own, each as "gpt-5-mini=0.25/2"."""
    listed = json.loads(Path(__file__).with_name("prices.json").read_text())
    return Prices({name: (float(a), float(b)) for name, (a, b) in listed.items()} | dict(map(_price, own)))


def _price(text: str) -> tuple[str, Price]:
    name, _, amounts = text.partition("=")
    price_in, _, price_out = amounts.partition("/")
    return name, (float(price_in), float(price_out))
