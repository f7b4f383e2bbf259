"""The graph: does it load here, and, only if asked, does its model answer?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from settings import Settings
from tasks.diagnosis.findings import Check, Wrong
from tasks.thinking.offered import offered_to_graphs

if TYPE_CHECKING:
    from graph.thinking import Thinker

GRAPH = "graph"
_HELLO = "Hello"


class OfGraph:
    def __init__(self, settings: Settings, *, asks_the_model: bool) -> None:
        self._settings = settings
        self._asks = asks_the_model
        self._thinker: Thinker | None = None

    def checks(self) -> list[Check]:
        model = [Check("model", self._model, (GRAPH,))] if self._asks else []
        return [Check(GRAPH, self._loads), *model]

    def _loads(self) -> str:
        from langgraph.checkpoint.memory import InMemorySaver
        from langgraph.store.memory import InMemoryStore

        from graph.loader import GraphError
        from graph.missing import place_of
        from graph.thinking import Thinker

        settings = self._settings
        try:
            self._thinker = Thinker.of(settings, InMemorySaver(), InMemoryStore(), offered=offered_to_graphs(settings))
        except GraphError as error:
            raise Wrong(f"correct the graph: {error}") from None
        except Exception as error:  # noqa: BLE001 - somebody's own code, which may do anything
            raise Wrong(f"correct the graph: GRAPH={settings.graph}: {place_of(error)}") from None
        return settings.graph

    def _model(self) -> str:
        """One turn as a customer begins it, remembered by nobody. Its words are not shown."""
        from graph.context import Conversation
        from graph.missing import missing, place_of
        from graph.said import Said

        assert self._thinker is not None, "it has loaded"
        about = Conversation(account_id=self._settings.chatwoot_account_id, conversation_id=0)
        began = time.monotonic()
        try:
            self._thinker.think("doctor", "m1", [Said("chatwoot:1", _HELLO, "customer", place=1)], context=about)
        except Exception as error:  # noqa: BLE001 - somebody's own code, and their model's
            why = missing(error) or place_of(error)
            raise Wrong(f"look at the model's key, quota and address: a turn ended with {why}") from None
        return f"a turn took {time.monotonic() - began:.1f} s"
