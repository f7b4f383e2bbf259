"""What the table says, and which lines fail a run."""

from __future__ import annotations

import pytest

from bench.results import Figure, Result


def result(measured: float, compared: float, limit: float | None) -> Result:
    return Result("a turn", Figure(measured, "ms", "an old one"), Figure(compared, "ms", "a new one"), limit)


@pytest.mark.parametrize(("measured", "is_ok"), [(10.0, True), (15.0, True), (15.1, False)])
def test_a_ratio_may_be_as_great_as_its_limit(measured: float, is_ok: bool) -> None:
    assert result(measured, 10, 1.5).is_ok is is_ok


def test_what_has_no_limit_is_only_told() -> None:
    told = result(1000, 1, None)
    assert told.is_ok
    assert str(told).endswith("| 1000.00 |  |  |")


def test_a_line_of_the_table() -> None:
    assert str(result(12.345, 10, 1.5)) == "| a turn | 12.3 ms: an old one | 10 ms: a new one | 1.23 | 1.5 | yes |"


def test_what_is_too_much_stands_out() -> None:
    assert (
        str(result(2816.4, 10, 1.5)) == "| a turn | 2,816 ms: an old one | 10 ms: a new one | 281.64 | 1.5 | **no** |"
    )
