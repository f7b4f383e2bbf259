"""One turn of a conversation: what the customer said goes into the graph, what the graph wants comes out."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, RemoveMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.types import Command, Durability, StateSnapshot

from graph import acts, history, loop, wants
from graph.acts import ACTS, SAVED, Act, Acts, Book
from graph.answers import Answers
from graph.checkpoint import FENCE, TURN, Fence
from graph.context import Conversation, filled
from graph.decisions import decided, in_words, question_of, waits_for_the_customer
from graph.loader import MESSAGES, Graph, is_async
from graph.media import FILES, Fetches, once_each
from graph.outcome import HandOver, Outcome, Reply
from graph.said import PERSON, Said, marked
from graph.store import Store

_NODES, _KNOWN, _UNTOLD, _ANSWERS, _CONTACT = "nodes", "known", "untold", "answers", "contact"
_LOST = (
    "The bot was waiting for what people decide here, and what it was about to do is lost: its memory has expired, or "
    "its graph was changed meanwhile. Please go on by hand."
)
_INTERRUPTS = "__interrupt__"
_NOT_REMEMBERED = ("deleted", "note", "sent")
"""A note is for the team, and for the graph that asked them."""


@dataclass(frozen=True)
class Thinker:
    """A graph, and how much of a conversation it sees.

    What belongs to a turn stands in the metadata of its checkpoints: its name; the ids of the messages that stay from
    before it, so that nothing older can ever be taken for its answer, however often it is tried; and what was said that
    the memory cannot take yet, since a tool call is still to be answered.
    """

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
        before = self.graph.get_state(place)
        whom = _with_contact(context, before)
        contact_id = whom.contact_id if whom is not None else None
        answers = self._answers(before, turn_id, said)
        its_acts = self._acts(before, turn_id, answers, earlier, book) if book is not None else None
        run = _Run(self._config(place), turn_id, self._nodes, [], self._context(whom), contact_id, answers, its_acts)
        if self._is_of(before, turn_id):
            run = replace(run, known=_known(before, said))
            return self._wanted(self._gone_on(before, run), run)
        waits = self._waits(before)
        if not said and not waits:
            return (HandOver(_LOST),) if resumes else ()
        new = sorted((*_untold(before), *earlier, *said), key=lambda each: each.place)
        staying = self._staying(before, new, said)
        run = replace(run, known=[*(str(message.id) for message in staying), *(each.id for each in new)])
        values = (self._resumed if waits else self._begun)(before, staying, new, run)
        lost = (HandOver(_LOST),) if resumes and not waits else ()
        return (*self._wanted(values, run), *lost)

    def acted(self, thread_id: str, turn_id: str, said: Sequence[Said], book: Book) -> list[Act]:
        """What the turn, whose attempts have failed, has done to the world, or may have."""
        before = self.graph.get_state({"configurable": {"thread_id": thread_id}})
        answers = self._answers(before, turn_id, said)
        return list(book.read(answers))

    def _answers(self, before: StateSnapshot, turn_id: str, said: Sequence[Said]) -> list[str]:
        """The ids of the messages that the turn answers; of one that goes on, also those that it answered before."""
        goes_on = self._is_of(before, turn_id) or self._waits(before)
        known = json.loads(_metadata(before).get(_ANSWERS, "[]")) if goes_on else []
        return list(dict.fromkeys([*known, *(each.id for each in said)]))

    def _acts(
        self, before: StateSnapshot, turn_id: str, answers: Sequence[str], earlier: Sequence[Said], book: Book
    ) -> Acts:
        unanswered = [each.id for each in earlier if each.by == "unanswered"]
        if self._is_of(before, turn_id) or self._waits(before):
            return Acts(book, answers, knows=unanswered, saved=_metadata(before).get(SAVED, ()))
        return Acts(book, answers, knows=unanswered, before=before.config["configurable"].get("checkpoint_id"))

    def _begun(
        self, before: StateSnapshot, staying: Sequence[BaseMessage], new: Sequence[Said], run: _Run
    ) -> Mapping[str, Any]:
        return self._run({MESSAGES: _update(before, staying, new), **wants.none_yet(self.graph)}, run)

    def _resumed(
        self, before: StateSnapshot, staying: Sequence[BaseMessage], new: Sequence[Said], run: _Run
    ) -> Mapping[str, Any]:
        """A human was to decide, and has given the conversation back; or the customer was asked, and has answered."""
        none_yet = wants.none_yet(self.graph)
        # Where the graph merely stopped, as it does before a node that is named so, that it goes on is the answer.
        old = _untold(before)
        fresh = [each for each in new if each not in old]  # what was said before it was asked is no answer
        resume: Any = {each.id: _answer_to(each.value, fresh) for each in before.interrupts} or None
        if not history.pending_calls(before.values.get(MESSAGES, [])):
            return self._run(Command(resume=resume, update={MESSAGES: _update(before, staying, new), **none_yet}), run)
        # A tool was to be approved: nothing may stand between its call and its answer.
        untold = run.with_untold(new)
        command: Command[Any] | None = Command(resume=resume, update=none_yet)
        if not resume and not none_yet:
            command = None  # LangGraph takes no command that says nothing
        self._run(command, untold, until="next step")
        return self._gone_on(self.graph.get_state(run.place), untold)

    def _gone_on(self, state: StateSnapshot, run: _Run) -> Mapping[str, Any]:
        """The turn from its last checkpoint to its end; what is untold is told as soon as the memory can take it."""
        untold = _untold(state)
        while untold and state.next and not self._waits(state) and history.pending_calls(state.values[MESSAGES]):
            self._run(None, run.with_untold(untold), until="next step")
            state = self.graph.get_state(run.place)
        if self._waits(state):
            return {**state.values, _INTERRUPTS: state.interrupts}
        sent = marked(state.values[MESSAGES], _sent(untold)) if untold else []
        update = {MESSAGES: [*_forgotten(state, untold), *sent, *_told(untold)]}
        if untold and state.next:
            return self._run(Command(update=update), run)
        if untold:
            self.graph.update_state(run.config, update)
        return self._run(None, run) if state.next else state.values

    def _run(
        self, input: dict[str, Any] | Command[Any] | None, run: _Run, *, until: Literal["next step", "end"] = "end"
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

    def _with_fenced_store(self, run: _Run) -> Graph:
        fence = run.place["configurable"].get(FENCE)
        if fence is None or not isinstance(self.graph.store, Store):
            return self.graph
        return self.graph.copy(update={"store": self.graph.store.fenced(fence)})

    @cached_property
    def _is_async(self) -> bool:
        return is_async(self.graph)

    def _wanted(self, values: Mapping[str, Any], run: _Run) -> Outcome:
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

    def _staying(self, before: StateSnapshot, new: Sequence[Said], said: Sequence[Said]) -> list[BaseMessage]:
        """What stays of the memory: not what is gone from the conversation, what is said again, and what is too old."""
        messages = before.values.get(MESSAGES, [])
        gone = {each.id for each in new if each.by == "deleted"} | _said_in_vain(before, said)
        left = [message for message in messages if message.id not in gone]
        if self._waits(before) and history.pending_calls(messages):
            return left  # trimmed another time: the call that waits must not be torn from its answer
        coming = sum(each.by not in _NOT_REMEMBERED for each in new)
        return history.trimmed(history.mended(left), max(0, self.history_limit - coming))

    def _is_of(self, state: StateSnapshot, turn_id: str) -> bool:
        """Whether this turn was begun before, and by this graph: another one cannot go on where it stopped."""
        metadata = _metadata(state)
        return (metadata.get(TURN), metadata.get(_NODES)) == (turn_id, self._nodes)

    def _context(self, conversation: Conversation | None) -> Any:
        schema = self.graph.context_schema
        return filled(schema, conversation) if schema is not None and conversation is not None else None

    def _config(self, place: RunnableConfig) -> RunnableConfig:
        own = (self.graph.config or {}).get("recursion_limit")
        return {**place, "recursion_limit": own or self.recursion_limit}

    @property
    def _nodes(self) -> str:
        return " ".join(sorted(self.graph.nodes))


@dataclass(frozen=True)
class _Run:
    """How the graph is run for a turn."""

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
        configurable = {**self.place["configurable"], ACTS: self.acts}
        return {
            **self.place,
            "configurable": configurable,
            "metadata": {TURN: self.turn_id, _NODES: self.nodes, **metadata},
        }

    def with_untold(self, untold: Sequence[Said]) -> _Run:
        return replace(self, untold=tuple(asdict(each) for each in untold if each.by != "note"))


def _known(state: StateSnapshot, said: Sequence[Said]) -> list[str]:
    """The ids of what stays from before the turn; where an earlier version began it, what stands before its input."""
    kept = _metadata(state).get(_KNOWN)
    if kept is not None:
        return list(json.loads(kept))
    messages: Sequence[BaseMessage] = state.values.get(MESSAGES, [])
    ids = {each.id for each in said}
    begin = max((index + 1 for index, each in enumerate(messages) if each.id in ids or each.type == "human"), default=0)
    return [str(message.id) for message in messages[:begin]]


def _with_contact(context: Conversation | None, before: StateSnapshot) -> Conversation | None:
    """What goes on with what people decided may have nobody's word to tell whose it is: the turn before it knew."""
    if context is None or context.contact_id is not None:
        return context
    return replace(context, contact_id=_metadata(before).get(_CONTACT))


def _answer_to(asked: Any, new: Sequence[Said]) -> Any:
    """What the graph's `interrupt` returns."""
    if waits_for_the_customer(asked):
        return "\n".join(each.text for each in new if each.by == "customer")
    public = "\n".join(each.text for each in new if each.by == "person")
    return decided(asked, [each.text for each in new if each.by == "note"], public)


def _untold(state: StateSnapshot) -> list[Said]:
    return [Said(**each) for each in json.loads(_metadata(state).get(_UNTOLD, "[]"))]


def _metadata(state: StateSnapshot) -> Mapping[str, Any]:
    return dict(state.metadata or {})


def _told(new: Sequence[Said]) -> list[BaseMessage]:
    return [each.as_message() for each in new if each.by not in _NOT_REMEMBERED]


def _sent(new: Sequence[Said]) -> list[Said]:
    return [each for each in new if each.by == "sent"]


def _forgotten(state: StateSnapshot, new: Sequence[Said]) -> list[RemoveMessage]:
    messages: Sequence[BaseMessage] = state.values.get(MESSAGES, [])
    gone = {each.id for each in new if each.by == "deleted"}
    if not any(message.id in gone for message in messages):
        return []
    staying = set(map(id, history.trimmed([each for each in messages if each.id not in gone], len(messages))))
    return [RemoveMessage(id=str(message.id)) for message in messages if id(message) not in staying]


def _update(before: StateSnapshot, staying: Sequence[BaseMessage], new: Sequence[Said]) -> list[BaseMessage]:
    """What the `add_messages` reducer makes of what was before: what stays, and what is new."""
    messages = before.values.get(MESSAGES, [])
    kept = set(map(id, staying))
    sent = {message.id: message for message in marked(staying, _sent(new))}
    told = history.opened(_told(new)) if all(message.type == "system" for message in staying) else _told(new)
    if [id(message) for message in messages if id(message) in kept] == list(map(id, staying)):
        gone = [RemoveMessage(id=message.id) for message in messages if id(message) not in kept]
        return [*gone, *sent.values(), *told]
    return [RemoveMessage(id=REMOVE_ALL_MESSAGES), *(sent.get(each.id, each) for each in staying), *told]


def _said_in_vain(before: StateSnapshot, said: Sequence[Said]) -> set[str | None]:
    """What is said again, since its answer was withheld or failed, and the answers that nobody has heard."""
    messages = before.values.get(MESSAGES, [])
    again = {each.id for each in said}
    first = next((index for index, message in enumerate(messages) if message.id in again), len(messages))
    unheard = [each for each in messages[first:] if isinstance(each, AIMessage) and each.name != PERSON]
    if any(message.type == "human" and message.id not in again for message in messages[first:]):
        unheard = []  # the conversation has gone on since
    return {message.id for message in messages if message.id in again} | {message.id for message in unheard}
