"""One turn of a conversation: what the customer said goes into the graph, what the graph wants comes out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, RemoveMessage, trim_messages
from langchain_core.runnables import RunnableConfig
from langgraph.types import Command, Durability, StateSnapshot

from graph import wants
from graph.checkpoint import FENCE, Fence
from graph.loader import MESSAGES, Graph
from graph.outcome import HandOver, Outcome, Reply
from graph.said import PERSON, Said

_RECURSION_LIMIT = 25  # LangGraph's own default is 10007: a graph that loops would run for minutes
_TURN, _NODES = "turn", "nodes"


@dataclass(frozen=True)
class Thinker:
    """A graph, and how much of a conversation it sees."""

    graph: Graph
    history_limit: int
    durability: Durability = "exit"
    """With "exit" the memory is saved once, at the end of a turn; with "sync" after each step."""

    def think(
        self,
        thread_id: str,
        turn_id: str,
        said: Sequence[Said],
        *,
        earlier: Sequence[Said] = (),
        fence: Fence | None = None,
    ) -> Outcome:
        """Run the graph on what was said, and return what it wants.

        `earlier` was said before, while people had the conversation: it goes into the memory and is not answered. Where
        nothing else was `said`, only a graph that waits for people goes on.

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
            return _wanted(self._run(None, config) if before.next else before.values, said)
        known = {message.id for message in before.values.get(MESSAGES, [])}
        if not said and not before.interrupts:
            return ()
        return _wanted(self._run(self._input(before, said, earlier), config), said, known)

    def _run(self, input: dict[str, Any] | Command[Any] | None, config: RunnableConfig) -> dict[str, Any]:
        values: dict[str, Any] = self.graph.invoke(input, config, durability=self.durability)
        return values

    def _input(
        self, before: StateSnapshot, said: Sequence[Said], earlier: Sequence[Said]
    ) -> dict[str, Any] | Command[Any]:
        in_order = sorted((*earlier, *said), key=lambda each: each.place)
        new = [each.as_message() for each in in_order if each.by != "deleted"]
        gone = {each.id for each in earlier if each.by == "deleted"} | _said_in_vain(before, said)
        update = {MESSAGES: [*self._dropped(before, len(new), gone), *new], **wants.none_yet(self.graph)}
        if before.interrupts:
            # A human was to decide, and has given the conversation back: what people said is the answer, never what the
            # customer did.
            decision = "\n".join(each.text for each in earlier if each.by == "person")
            return Command(resume={each.id: decision for each in before.interrupts}, update=update)
        return update

    def _is_of(self, state: StateSnapshot, turn_id: str) -> bool:
        """Whether this turn was begun before, and by this graph: another one cannot go on where it stopped."""
        metadata = state.metadata or {}
        return (metadata.get(_TURN), metadata.get(_NODES)) == (turn_id, self._nodes)

    @property
    def _nodes(self) -> str:
        return " ".join(sorted(self.graph.nodes))

    def _dropped(self, before: StateSnapshot, coming: int, gone: Collection[str | None]) -> list[RemoveMessage]:
        """What leaves the memory before this turn: what is gone from the conversation, and what is too old.

        What stays begins with a customer's message, so that no tool call is torn from its answer.
        """
        messages = [message for message in before.values.get(MESSAGES, []) if message.id not in gone]
        kept = trim_messages(
            messages,
            strategy="last",
            token_counter=len,
            max_tokens=max(0, self.history_limit - coming),
            start_on="human",
        )
        staying = {message.id for message in kept}
        return [RemoveMessage(id=each.id) for each in before.values.get(MESSAGES, []) if each.id not in staying]


def _said_in_vain(before: StateSnapshot, said: Sequence[Said]) -> set[str | None]:
    """What is said again, since its answer was withheld or failed, and the answers that nobody has heard."""
    messages = before.values.get(MESSAGES, [])
    again = {each.id for each in said}
    first = next((index for index, message in enumerate(messages) if message.id in again), len(messages))
    unheard = [each for each in messages[first:] if isinstance(each, AIMessage) and each.name != PERSON]
    if any(message.type == "human" and message.id not in again for message in messages[first:]):
        unheard = []  # the conversation has gone on since
    return {message.id for message in messages if message.id in again} | {message.id for message in unheard}


def _wanted(values: Mapping[str, Any], said: Sequence[Said], known: Collection[str | None] = ()) -> Outcome:
    """A reply for each thing that the graph said since the customer did; a human, where the graph waits for one.

    What was `known` before the turn is none of it: an old message that is asked again stands before its later answers.
    """
    messages: Sequence[BaseMessage] = values[MESSAGES]
    ids = {each.id for each in said}
    # A graph may have removed what the customer said, by a summary, say: then all that is new answers it.
    after = max((index + 1 for index, message in enumerate(messages) if message.id in ids), default=0)
    new = [message for message in messages[after:] if message.id not in known]
    answers = [each for each in new if isinstance(each, AIMessage) and each.name != PERSON]
    replies = tuple(Reply(message.text) for message in answers if message.text.strip())
    interrupts = tuple(HandOver(str(each.value), waits=True) for each in values.get("__interrupt__", ()))
    return wants.outcome(replies, (*wants.wants_of(values), *interrupts))
