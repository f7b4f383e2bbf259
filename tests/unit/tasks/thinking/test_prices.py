"""What models cost."""

from __future__ import annotations

import pytest

from graph.usage import Usage
from settings import Settings, SettingsError
from tasks.thinking.prices import prices
from tests.stack import settings


@pytest.mark.parametrize(
    ("model", "cost"),
    [
        ("gpt-5-mini-2025-08-07", 2_250_000),
        ("gpt-5-2025-08-07", 11_250_000),
        ("mine", 3_000_000),
        ("gpt-4o", 7_000_000),
    ],
)
def test_a_million_in_and_out(model: str, cost: int) -> None:
    assert prices(["mine=1/2", "gpt-4o=3/4"]).cost(Usage(model, 1_000_000, 1_000_000)) == cost


def test_who_is_not_listed_costs_as_much_as_the_dearest() -> None:
    assert prices(["mine=1000/2000"]).cost(Usage("a-new-one", 1, 1)) == 3000


def test_a_part_of_a_millionth_is_one() -> None:
    assert prices([]).cost(Usage("gpt-5-nano", 1, 0)) == 1


@pytest.mark.parametrize("price", ["gpt-5", "gpt-5=1", "gpt-5=a/b", "=1/2", "gpt-5=-1/2"])
def test_what_is_no_price_is_said_at_start(price: str) -> None:
    with pytest.raises(SettingsError, match="MODEL_PRICES"):
        Settings.from_env({**settings("redis://r", "http://c"), "MODEL_PRICES": price})


def test_what_is_no_help_centre_is_said_at_start() -> None:
    with pytest.raises(SettingsError, match="HELP_CENTER_URL"):
        Settings.from_env({**settings("redis://r", "http://c"), "HELP_CENTER_URL": "https://chat.example.com/hc/shop"})
