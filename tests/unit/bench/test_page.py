"""docs/benchmarks.md."""

from __future__ import annotations

from bench import page
from bench.results import HEAD, Figure, Result


def test_it_says_where_and_how_long_and_what() -> None:
    line = Result("a turn", Figure(2, "ms", "an old one"), Figure(1, "ms", "a new one"))
    text = page.text([line], "2 cores", 85.4)
    assert "2 cores" in text
    assert "in 85 s" in text
    assert text.endswith(f"{HEAD}{line}\n")
