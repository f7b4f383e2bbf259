"""The graph does as the customer says."""

from __future__ import annotations

import time

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from bench import graphs
from graph.loader import load
from graph.outcome import Reply
from graph.said import Said
from graph.thinking import Thinker


@pytest.fixture
def thinker() -> Thinker:
    return Thinker(load("bench.graphs:graph", InMemorySaver()), 40)


def test_it_takes_as_long_as_the_customer_wrote(thinker: Thinker) -> None:
    began = time.monotonic()
    assert thinker.think("t", "1", [Said("10", "0.1")]) == (Reply("0.1 s"),)
    assert time.monotonic() - began >= 0.1


def test_it_fails_where_it_is_told_to(thinker: Thinker) -> None:
    with pytest.raises(graphs.ToldToFail):
        thinker.think("t", "1", [Said("10", graphs.FAIL)])
