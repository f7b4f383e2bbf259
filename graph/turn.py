"""What belongs to a turn, as it stands in the metadata of its checkpoints.

Its name; the graph's nodes; the ids of the messages that stay from before it, so that nothing older can ever be taken
for its answer, however often it is tried; what was said that the memory cannot take yet, since a tool call is still to
be answered; the ids of the messages that it answers; and whose they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig
from langgraph.types import StateSnapshot

from graph.acts import ACTS, SAVED, Acts
from graph.checkpoint import TURN
from graph.said import Said
from graph.schemas import MESSAGES

_NODES, _KNOWN, _UNTOLD, _ANSWERS, _CONTACT = "nodes", "known", "untold", "answers", "contact"


@dataclass(frozen=True)
class Run:
    """How a graph is run for a turn."""

    place: RunnableConfig
    turn_id: str
    nodes: str
    known: list[str]
    context: Any
    contact_id: int | None
    answers: list[str]
    acts: Acts | None
    untold: tuple[dict[str, Any], ...] = ()

    @property
    def config(self) -> RunnableConfig:
        # LangGraph keeps plain values of it only.
        lists = {_KNOWN: self.known, _UNTOLD: self.untold, _ANSWERS: self.answers}
        metadata: dict[str, Any] = {name: json.dumps(values) for name, values in lists.items()}
        if self.contact_id is not None:
            metadata[_CONTACT] = self.contact_id
        return {
            **self.place,
            "configurable": {**self.place["configurable"], ACTS: self.acts},
            "metadata": {TURN: self.turn_id, _NODES: self.nodes, **metadata},
        }

    def with_untold(self, untold: Sequence[Said]) -> Run:
        return replace(self, untold=tuple(asdict(each) for each in untold if each.by != "note"))


@dataclass(frozen=True)
class Found:
    """A conversation's memory as a turn, or another attempt at it, finds it."""

    state: StateSnapshot

    @property
    def messages(self) -> Sequence[BaseMessage]:
        found: Sequence[BaseMessage] = self.state.values.get(MESSAGES, [])
        return found

    @property
    def untold(self) -> list[Said]:
        return [Said(**each) for each in json.loads(self._metadata.get(_UNTOLD, "[]"))]

    @property
    def answers(self) -> list[str]:
        return list(json.loads(self._metadata.get(_ANSWERS, "[]")))

    @property
    def acts(self) -> Sequence[str]:
        """The ids of those that are saved in it."""
        found: Sequence[str] = self._metadata.get(SAVED, ())
        return found

    @property
    def checkpoint_id(self) -> str | None:
        """None: nothing is remembered."""
        id: str | None = self.state.config["configurable"].get("checkpoint_id")
        return id

    @property
    def contact_id(self) -> int | None:
        return self._metadata.get(_CONTACT)

    def is_of(self, turn_id: str, nodes: str) -> bool:
        """Whether this turn was begun before, and by this graph: another one cannot go on where it stopped."""
        return (self._metadata.get(TURN), self._metadata.get(_NODES)) == (turn_id, nodes)

    def known(self, said: Sequence[Said]) -> list[str]:
        """The ids of what stays from before the turn.

        Where an earlier version began it, that is what stands before its input.
        """
        kept = self._metadata.get(_KNOWN)
        if kept is not None:
            return list(json.loads(kept))
        ids = {each.id for each in said}
        begins = (at + 1 for at, each in enumerate(self.messages) if each.id in ids or each.type == "human")
        return [str(message.id) for message in self.messages[: max(begins, default=0)]]

    @property
    def _metadata(self) -> Mapping[str, Any]:
        return dict(self.state.metadata or {})
