"""One turn of a conversation: what the customer said goes into the graph, what the graph wants comes out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, Protocol, Self

from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.store.base import BaseStore
from langgraph.types import Command, Durability, StateSnapshot

from graph import acts, history, loop, telling, wants
from graph.acts import Act, Acts, Book
from graph.answers import Answers
from graph.checkpoint import FENCE, Fence, MemoryAway
from graph.context import Conversation, filled
from graph.decisions import decided, in_words, question_of, waits_for_the_customer
from graph.loader import Graph, durability_for, is_async, load
from graph.media import FILES, Fetches, once_each
from graph.outcome import HandOver, Outcome, Reply
from graph.said import Said
from graph.schemas import MESSAGES
from graph.store import Store
from graph.turn import Found, Run

_LOST = (
    "The bot was waiting for what people decide here, and what it was about to do is lost: its memory has expired, or "
    "its graph was changed meanwhile. Please go on by hand."
)
_INTERRUPTS = "__interrupt__"


class Configured(Protocol):
    """What the settings say of a graph."""

    @property
    def graph(self) -> str: ...
    @property
    def graph_durability(self) -> Literal["auto", "exit", "sync"]: ...
    @property
    def history_limit(self) -> int: ...
    @property
    def speakers(self) -> Collection[str]: ...
    @property
    def recursion_limit(self) -> int: ...


@dataclass(frozen=True)
class Thinker:
    """A graph, and how much of a conversation it sees."""

    graph: Graph
    history_limit: int
    durability: Durability = "exit"
    """With "exit" the memory is saved once, at the end of a turn; with "sync" after each step."""
    speakers: Collection[str] = ()
    """The names of those whose messages are said to the customer; none: all are."""
    recursion_limit: int = 25
    """Steps of a turn, where the graph's own config names no limit. LangGraph's default is 10007: a graph that loops
    would run for minutes."""

    files: Fetches | None = None
    """For models that see: what customers sent, by its URL."""

    @classmethod
    def of(
        cls,
        configured: Configured,
        checkpointer: BaseCheckpointSaver[Any],
        store: BaseStore,
        *,
        offered: Mapping[str, Any],
        files: Fetches | None = None,
    ) -> Self:
        """The one of the settings. `offered`: what a function that makes the graph may ask for, by name.

        Raises:
            GraphError: the graph cannot be loaded.
            Exception: whatever else its module raises.
        """
        graph = load(configured.graph, checkpointer, store, **offered)
        durability = configured.graph_durability
        return cls(
            graph,
            configured.history_limit,
            durability if durability != "auto" else durability_for(graph),
            speakers=configured.speakers,
            recursion_limit=configured.recursion_limit,
            files=files,
        )

    def think(
        self,
        thread_id: str,
        turn_id: str,
        said: Sequence[Said],
        *,
        earlier: Sequence[Said] = (),
        resumes: bool = False,
        context: Conversation | None = None,
        fence: Fence | None = None,
        book: Book | None = None,
    ) -> Outcome:
        """Run the graph on what was said, and return what it wants.

        `earlier` was said before, while people had the conversation: it goes into the memory and is not answered. Where
        nothing else was `said`, only a graph that waits for people goes on; `resumes`: it is expected to. `context`:
        for a graph that asks for one. `book`: where what its tools do once is recorded.

        Safe to repeat with the same `turn_id` and the same messages: a turn that had ended is not run again, one that
        was cut short goes on from its last checkpoint.

        Raises:
            FencedOff: the turn is not this worker's any more; the memory is untouched.
            NothingSaid: the customer would hear nothing, and the graph does not say that this is meant.
            InDoubt: an earlier attempt may have acted, and only people can tell.
            Exception: whatever the graph raises.
        """
        files = once_each(self.files) if self.files else None
        place: RunnableConfig = {"configurable": {"thread_id": thread_id, FENCE: fence, FILES: files}}
        before = self._found(place)
        whom = _with_contact(context, before)
        contact_id = whom.contact_id if whom is not None else None
        answers = self._answers(before, turn_id, said)
        its_acts = self._acts(before, turn_id, answers, earlier, book) if book is not None else None
        run = Run(self._config(place), turn_id, self._nodes, [], self._context(whom), contact_id, answers, its_acts)
        if before.is_of(turn_id, self._nodes):
            run = replace(run, known=before.known(said))
            return self._wanted(self._gone_on(before, run), run)
        waits = self._waits(before.state)
        if not said and not waits:
            return (HandOver(_LOST),) if resumes else ()
        new = sorted((*before.untold, *earlier, *said), key=lambda each: each.place)
        staying = self._staying(before, new, said)
        run = replace(run, known=[*(str(message.id) for message in staying), *(each.id for each in new)])
        values = (self._resumed if waits else self._begun)(before, staying, new, run)
        lost = (HandOver(_LOST),) if resumes and not waits else ()
        return (*self._wanted(values, run), *lost)

    def acted(self, thread_id: str, turn_id: str, said: Sequence[Said], book: Book) -> list[Act]:
        """What the turn, whose attempts have failed, has done to the world, or may have."""
        try:
            answers = self._answers(self._found({"configurable": {"thread_id": thread_id}}), turn_id, said)
        except MemoryAway:
            raise
        except Exception:  # noqa: BLE001 - the memory may be the very reason why it is given up
            answers = [each.id for each in said]
        return list(book.read(answers))

    def _found(self, place: RunnableConfig) -> Found:
        return Found(self.graph.get_state(place))

    def _goes_on(self, before: Found, turn_id: str) -> bool:
        """A turn that was cut short, or one that waited for what people decide."""
        return before.is_of(turn_id, self._nodes) or self._waits(before.state)

    def _answers(self, before: Found, turn_id: str, said: Sequence[Said]) -> list[str]:
        """The ids of the messages that the turn answers; of one that goes on, also those that it answered before."""
        known = before.answers if self._goes_on(before, turn_id) else []
        return list(dict.fromkeys([*known, *(each.id for each in said)]))

    def _acts(self, before: Found, turn_id: str, answers: Sequence[str], earlier: Sequence[Said], book: Book) -> Acts:
        unanswered = [each.id for each in earlier if each.by == "unanswered"]
        if self._goes_on(before, turn_id):
            return Acts(book, answers, knows=unanswered, saved=before.acts)
        return Acts(book, answers, knows=unanswered, before=before.checkpoint_id)

    def _begun(self, before: Found, staying: Sequence[BaseMessage], new: Sequence[Said], run: Run) -> Mapping[str, Any]:
        told = telling.begun(before.messages, staying, new)
        return self._run({MESSAGES: told, **wants.none_yet(self.graph)}, run)

    def _resumed(
        self, before: Found, staying: Sequence[BaseMessage], new: Sequence[Said], run: Run
    ) -> Mapping[str, Any]:
        """A human was to decide, and has given the conversation back; or the customer was asked, and has answered."""
        none_yet = wants.none_yet(self.graph)
        # Where the graph merely stopped, as it does before a node that is named so, that it goes on is the answer.
        old = before.untold
        fresh = [each for each in new if each not in old]  # what was said before it was asked is no answer
        resume: Any = {each.id: _answer_to(each.value, fresh) for each in before.state.interrupts} or None
        if not history.pending_calls(before.messages):
            told = telling.begun(before.messages, staying, new)
            return self._run(Command(resume=resume, update={MESSAGES: told, **none_yet}), run)
        # A tool was to be approved: nothing may stand between its call and its answer.
        untold = run.with_untold(new)
        command: Command[Any] | None = Command(resume=resume, update=none_yet)
        if not resume and not none_yet:
            command = None  # LangGraph takes no command that says nothing
        self._run(command, untold, until="next step")
        return self._gone_on(self._found(run.place), untold)

    def _gone_on(self, found: Found, run: Run) -> Mapping[str, Any]:
        """The turn from its last checkpoint to its end; what is untold is told as soon as the memory can take it."""
        untold, state = found.untold, found.state
        while untold and state.next and not self._waits(state) and history.pending_calls(state.values[MESSAGES]):
            self._run(None, run.with_untold(untold), until="next step")
            state = self.graph.get_state(run.place)
        if self._waits(state):
            return {**state.values, _INTERRUPTS: state.interrupts}
        update = {MESSAGES: telling.added(state.values.get(MESSAGES, []), untold)}
        if untold and state.next:
            return self._run(Command(update=update), run)
        if untold:
            self.graph.update_state(run.config, update)
        return self._run(None, run) if state.next else state.values

    def _run(
        self, input: dict[str, Any] | Command[Any] | None, run: Run, *, until: Literal["next step", "end"] = "end"
    ) -> Mapping[str, Any]:
        how: dict[str, Any] = {
            "context": run.context,
            "durability": self.durability,
            "interrupt_after": "*" if until == "next step" else None,
        }
        graph = self._with_fenced_store(run)
        with acts.at_hand(run.acts):
            values: dict[str, Any] = (
                loop.run(graph.ainvoke(input, run.config, **how))
                if self._is_async
                else graph.invoke(input, run.config, **how)
            )
        return values

    def _with_fenced_store(self, run: Run) -> Graph:
        fence = run.place["configurable"].get(FENCE)
        if fence is None or not isinstance(self.graph.store, Store):
            return self.graph
        return self.graph.copy(update={"store": self.graph.store.fenced(fence)})

    @cached_property
    def _is_async(self) -> bool:
        return is_async(self.graph)

    def _wanted(self, values: Mapping[str, Any], run: Run) -> Outcome:
        """A reply for each thing that the graph said in this turn; a human, where the graph waits for one."""
        known = set(run.known)
        answers = Answers([each for each in values.get(MESSAGES, []) if each.id not in known], self.speakers)
        asked = [each.value for each in values.get(_INTERRUPTS, ())]
        questions = [Reply(question_of(each)) for each in asked if waits_for_the_customer(each)]
        waits = [HandOver(in_words(each), waits=True) for each in asked if not waits_for_the_customer(each)]
        if self._stops and not waits and self._waits(state := self.graph.get_state(run.place)):
            waits = [HandOver(f"The graph stops before {', '.join(state.next)}.", waits=True)]
        left = run.acts.left() if run.acts is not None and not asked and not waits else []
        told = [HandOver(" ".join(acts.told(left)))] if left else []
        outcome = wants.outcome((*answers.replies, *questions), (*wants.wants_of(values), *waits, *told))
        if not self._may_be_silent:
            answers.require_any(outcome)
        return outcome

    def _waits(self, state: StateSnapshot) -> bool:
        """For what people decide: at an `interrupt`, or before or after a node that is named so."""
        if state.interrupts or not state.next:
            return bool(state.interrupts)
        return bool(self.graph.interrupt_after_nodes) or any(map(self._stops_before, state.next))

    def _stops_before(self, node: str) -> bool:
        return "*" in self.graph.interrupt_before_nodes or node in self.graph.interrupt_before_nodes

    @property
    def _stops(self) -> bool:
        """By `interrupt_before` or `interrupt_after`."""
        return bool(self.graph.interrupt_before_nodes or self.graph.interrupt_after_nodes)

    @property
    def _may_be_silent(self) -> bool:
        """It says so itself: `graph.with_config(metadata={"may_be_silent": True})`."""
        return bool(((self.graph.config or {}).get("metadata") or {}).get("may_be_silent"))

    def _staying(self, before: Found, new: Sequence[Said], said: Sequence[Said]) -> list[BaseMessage]:
        """What stays of the memory: not what is gone from the conversation, what is said again, and what is too old."""
        messages = before.messages
        gone = {each.id for each in new if each.by == "deleted"} | telling.in_vain(messages, said)
        left = [message for message in messages if message.id not in gone]
        if self._waits(before.state) and history.pending_calls(messages):
            return left  # trimmed another time: the call that waits must not be torn from its answer
        return history.trimmed(history.mended(left), max(0, self.history_limit - telling.coming(new)))

    def _context(self, conversation: Conversation | None) -> Any:
        schema = self.graph.context_schema
        return filled(schema, conversation) if schema is not None and conversation is not None else None

    def _config(self, place: RunnableConfig) -> RunnableConfig:
        own = (self.graph.config or {}).get("recursion_limit")
        return {**place, "recursion_limit": own or self.recursion_limit}

    @property
    def _nodes(self) -> str:
        return " ".join(sorted(self.graph.nodes))


def _with_contact(context: Conversation | None, before: Found) -> Conversation | None:
    """What goes on with what people decided may have nobody's word to tell whose it is: the turn before it knew."""
    if context is None or context.contact_id is not None:
        return context
    return replace(context, contact_id=before.contact_id)


def _answer_to(asked: Any, new: Sequence[Said]) -> Any:
    """What the graph's `interrupt` returns."""
    if waits_for_the_customer(asked):
        return "\n".join(each.text for each in new if each.by == "customer")
    public = "\n".join(each.text for each in new if each.by == "person")
    return decided(asked, [each.text for each in new if each.by == "note"], public)
