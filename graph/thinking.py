"""One turn of a conversation: what the customer said goes into the graph, what the graph wants comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, RemoveMessage, trim_messages
from langchain_core.runnables import RunnableConfig
from langgraph.types import Durability, StateSnapshot

from graph.checkpoint import FENCE, Fence
from graph.loader import MESSAGES, Graph
from graph.outcome import Outcome, Reply

_RECURSION_LIMIT = 25  # LangGraph's own default is 10007: a graph that loops would run for minutes
_TURN, _NODES = "turn", "nodes"


@dataclass(frozen=True)
class Said:
    """One message of the customer."""

    id: str
    """The same at each attempt, so that saying it again adds nothing to the memory."""
    text: str


@dataclass(frozen=True)
class Thinker:
    """A graph, and how much of a conversation it sees."""

    graph: Graph
    history_limit: int
    durability: Durability = "exit"
    """With "exit" the memory is saved once, at the end of a turn; with "sync" after each step."""

    def think(self, thread_id: str, turn_id: str, said: Sequence[Said], *, fence: Fence | None = None) -> Outcome:
        """Run the graph on what was said, and return what it wants.

        Safe to repeat with the same `turn_id` and the same messages: a turn that had ended is not run again, one that
        was cut short goes on from its last checkpoint.

        Raises:
            FencedOff: the turn is not this worker's any more; the memory is untouched.
            Exception: whatever the graph raises.
        """
        config: RunnableConfig = {
            "configurable": {"thread_id": thread_id, FENCE: fence},
            "metadata": {_TURN: turn_id, _NODES: self._nodes},
            "recursion_limit": _RECURSION_LIMIT,
        }
        before = self.graph.get_state(config)
        if self._is_of(before, turn_id):
            messages = self._messages(None, config) if before.next else before.values[MESSAGES]
        else:
            spoken = [HumanMessage(each.text, id=each.id) for each in said]
            messages = self._messages([*self._too_old(before, len(said)), *spoken], config)
        return _wanted(messages, said)

    def _messages(self, new: Sequence[BaseMessage] | None, config: RunnableConfig) -> list[BaseMessage]:
        result: dict[str, Any] = self.graph.invoke(new and {MESSAGES: new}, config, durability=self.durability)
        return list(result[MESSAGES])

    def _is_of(self, state: StateSnapshot, turn_id: str) -> bool:
        """Whether this turn was begun before, and by this graph: another one cannot go on where it stopped."""
        metadata = state.metadata or {}
        return (metadata.get(_TURN), metadata.get(_NODES)) == (turn_id, self._nodes)

    @property
    def _nodes(self) -> str:
        return " ".join(sorted(self.graph.nodes))

    def _too_old(self, before: StateSnapshot, coming: int) -> list[RemoveMessage]:
        """What the memory drops before this turn. It begins with a customer's message, so that no tool call is torn."""
        messages = before.values.get(MESSAGES, [])
        kept = trim_messages(
            messages,
            strategy="last",
            token_counter=len,
            max_tokens=max(0, self.history_limit - coming),
            start_on="human",
        )
        return [RemoveMessage(id=message.id) for message in messages[: len(messages) - len(kept)]]


def _wanted(messages: Sequence[BaseMessage], said: Sequence[Said]) -> Outcome:
    """A reply for each thing that the graph said since the customer did."""
    ids = {each.id for each in said}
    last = max((index for index, message in enumerate(messages) if message.id in ids), default=-1)
    answers = [message for message in messages[last + 1 :] if isinstance(message, AIMessage)]
    return tuple(Reply(message.text) for message in answers if message.text.strip())
