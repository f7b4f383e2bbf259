"""After each test what a graph remembers is what every model would accept; tests/conftest.py asks it of Redis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from graph.outcome import Outcome
from graph.thinking import Thinker
from tests.memory import refused


@pytest.fixture(autouse=True)
def _models_would_take_it(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    think, run = Thinker.think, []

    def noted(self: Thinker, thread_id: str, *args: Any, **kwargs: Any) -> Outcome:
        run.append((self.graph, thread_id))
        return think(self, thread_id, *args, **kwargs)

    monkeypatch.setattr(Thinker, "think", noted)
    yield
    for graph, thread_id in run:
        values = graph.get_state({"configurable": {"thread_id": thread_id}}).values
        assert refused(values.get("messages", [])) == []
