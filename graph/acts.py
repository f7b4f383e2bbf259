"""What a turn does to the world, such as a booking, is done once: the records of it, and which call each belongs to.

A turn may be tried again, from its beginning or from a step that was saved. What a call then asks for is matched with
the records of its turn: of the same tool with the same arguments, one that no saved step contains, since such a step
does not run again, and that no other call of this attempt was given. Where there is none, it is another act.
docs/adr/0015-once.md; `graph/once.py` is what tools are written with.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Protocol

from langchain_core.runnables.config import var_child_runnable_config
from langgraph.checkpoint.serde.types import ERROR, INTERRUPT, RESUME
from langgraph.errors import GraphBubbleUp
from langgraph.runtime import get_runtime

ACTS = "__acts"
"""The key in a config's `configurable` under which an attempt's `Acts` may stand."""
SAVED = "acts"
"""The key in a checkpoint's metadata under which the ids of the acts stand that it contains."""
_UNFINISHED = (ERROR, INTERRUPT, RESUME)
"""What LangGraph keeps of a task that is to run again."""


@dataclass(frozen=True)
class Act:
    """The record of one act."""

    id: str
    """The same however often it is tried."""
    tool: str
    arguments: str
    """As JSON, in the order of their names."""
    words: str = field(repr=False)
    """What was to be done, for people."""
    messages: tuple[str, ...] = ()
    """The ids of what the customer said, in answer to which it was done."""
    task: str = ""
    """LangGraph's namespace of the task whose call it is."""
    result: str | None = field(default=None, repr=False)
    """What came of it, as `graph.once` packs it; None: it may or may not have been done."""

    @property
    def is_done(self) -> bool:
        return self.result is not None


class Book(Protocol):
    """Where the acts of a turn are recorded.

    Raises `MemoryAway` where that is not there. All of it is safe to repeat.
    """

    def read(self, messages: Collection[str]) -> Sequence[Act]:
        """The acts in answer to any of these messages, by whichever turn."""

    def intend(self, act: Act) -> Act:
        """Record it before it is done. Returns it with its result, should somebody have done it meanwhile.

        Raises:
            FencedOff: the turn is not this worker's any more: it must not act.
        """

    def did(self, act: Act, result: str) -> None:
        """It was done, whoever has the turn by now."""

    def did_not(self, act: Act) -> None:
        """For certain it was not, so it is forgotten; unless somebody else has taken it up."""


class InDoubt(GraphBubbleUp):
    """An earlier try may or may not have done it, and nobody can tell but people.

    The text is the tool's name, and nothing of what it was called with. No tool node, middleware or retry policy takes
    it for a failure of the tool's.
    """


class OutsideOfTurn(RuntimeError):
    """Called where its turn is not known, though one is being thought: nothing was done."""


@dataclass(frozen=True)
class _Place:
    """Where in the graph a call is made."""

    task: str
    bases: Mapping[str, str]
    """The checkpoint on which each graph around it has begun its step, by the graph's namespace."""
    attempts: Mapping[str, int]
    """Which attempt at each task around it this is, where a node has a retry policy."""


class Acts:
    """The acts of one attempt at a turn. Safe for threads."""

    def __init__(
        self,
        book: Book,
        answers: Sequence[str],
        *,
        knows: Collection[str] = (),
        before: str | None = None,
        saved: Iterable[str] = (),
    ) -> None:
        """`answers`: the ids of the messages that the turn answers; `knows`: of others that nobody has answered.

        `before`: the id of the checkpoint from before the turn, where the turn begins with this attempt; `saved`: else
        what the checkpoint contains from which it goes on.
        """
        self._book = book
        self._answers = frozenset(answers)
        self._messages = tuple(dict.fromkeys((*answers, *knows)))
        self._before = before
        self._records = {act.id: act for act in book.read(self._messages)}
        self._given: dict[str, _Place] = {}
        self._attempts: dict[str, int] = {}
        self._saved: dict[str, set[str]] = {"": set(saved)}
        self._finished: set[str] = set()
        self._trouble: Exception | None = None
        self._lock = threading.RLock()

    def begin(self, tool: str, arguments: str, words: str) -> tuple[Act, bool]:
        """The act that this call is about, recorded, and whether it is new: else it `is_done`, or it is in doubt.

        Raises:
            FencedOff, MemoryAway: as `Book.intend`; the turn ends with that, whatever its graph makes of it.
        """
        with self._lock, self._ending_the_turn():
            self.require_clear()
            place = self._place()
            found = next((act for act in self._free() if (act.tool, act.arguments) == (tool, arguments)), None)
            act = found or Act(uuid.uuid4().hex, tool, arguments, words)
            self._given[act.id] = place
            return self._intend(replace(act, task=place.task)), found is None

    def begin_again(self, act: Act) -> Act:
        """It was in doubt, and was not done. Raises as `begin`."""
        with self._lock, self._ending_the_turn():
            self.require_clear()
            return self._intend(act)

    def did(self, act: Act, result: str) -> None:
        with self._lock, self._ending_the_turn():
            self._records[act.id] = replace(act, result=result)
            self._book.did(act, result)

    def did_not(self, act: Act) -> None:
        """For certain."""
        with self._lock, self._ending_the_turn():
            self._given.pop(act.id, None)
            self._records.pop(act.id, None)
            self._book.did_not(act)

    def may_have(self, act: Act) -> None:
        """It raised: the next call of this kind is about it, too."""
        with self._lock:
            self._given.pop(act.id, None)

    def ask_people(self, act: Act, tool: str) -> InDoubt:
        """What to raise; the turn ends with it, whatever its graph makes of it."""
        with self._lock:
            self._trouble = InDoubt(tool)
            return self._trouble

    def require_clear(self) -> None:
        """Raise what ends the turn, if a tool has met that."""
        if self._trouble is not None:
            raise self._trouble

    def left(self) -> list[Act]:
        """Of what was done in answer to its messages, or may have been: what nothing in the finished turn is about."""
        kept = self._given.keys() | set().union(*self._saved.values()) | self._of_finished_tasks()
        ours = [act for act in self._records.values() if self._answers & set(act.messages)]
        return [act for act in ours if act.id not in kept or not act.is_done]

    # -- as the memory tells

    def goes_on(
        self, namespace: str, checkpoint: str | None, saved: Iterable[str], writes: Iterable[tuple[str, str]]
    ) -> None:
        """A graph's run begins, from this checkpoint of its if there is one.

        `writes`: the task and the channel of each that is pending there: these tasks have finished.
        """
        with self._lock:
            self._place()
            if checkpoint is not None and checkpoint != self._before:
                self._saved[namespace] = set(saved)
                self._finished.update(task for task, channel in writes if channel not in _UNFINISHED)

    def contained(self, namespace: str, checkpoint: str) -> list[str]:
        """The ids of the acts that this new checkpoint contains: those of the steps before it."""
        with self._lock:
            # Ids sort by time. A step's tasks begin on the checkpoint before it, and end before the one after it.
            given = {id for id, place in self._given.items() if place.bases.get(namespace, checkpoint) < checkpoint}
            return sorted(self._saved.get(namespace, set()) | given | self._of_finished_tasks())

    # -- inside

    def _intend(self, act: Act) -> Act:
        messages = tuple(dict.fromkeys((*act.messages, *self._messages)))
        kept = self._records[act.id] = self._book.intend(replace(act, messages=messages))
        return kept

    def _free(self) -> Iterator[Act]:
        kept = self._given.keys() | set().union(*self._saved.values()) | self._of_finished_tasks()
        return (act for act in self._records.values() if act.id not in kept)

    def _of_finished_tasks(self) -> set[str]:
        if not self._finished:
            return set()
        return {act.id for act in self._records.values() if self._finished & set(_tasks(act.task))}

    def _place(self) -> _Place:
        """Where the call is made. What earlier attempts at a node around it were given is free again."""
        config = (var_child_runnable_config.get() or {}).get("configurable", {})
        task = config.get("checkpoint_ns") or ""
        self._attempts[task] = _attempt_at_the_node()
        for id, given in list(self._given.items()):
            if any(attempt < self._attempts[around] for around, attempt in given.attempts.items()):
                del self._given[id]
        attempts = {around: self._attempts.setdefault(around, 1) for around in _around(task)}
        return _Place(task, config.get("checkpoint_map") or {}, attempts)

    @contextmanager
    def _ending_the_turn(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._trouble = self._trouble or error
            raise


def told(acts: Iterable[Act]) -> list[str]:
    """A sentence for people about each."""
    return [
        f"The bot has done {act.words}, and may not have told the customer so."
        if act.is_done
        else f"The bot may or may not have done {act.words}: please check."
        for act in acts
    ]


_AT_HAND: ContextVar[Acts | None] = ContextVar("acts", default=None)
_counting = threading.Lock()
_turns = 0


@contextmanager
def at_hand(acts: Acts | None) -> Iterator[None]:
    """While a graph is run: its tools find the acts of their turn, wherever LangGraph runs them.

    Raises:
        InDoubt, FencedOff, MemoryAway: what a tool has met, whatever the graph has made of it.
    """
    global _turns
    if acts is None:
        yield
        return
    with _counting:
        _turns += 1
    before = _AT_HAND.set(acts)
    try:
        yield
        acts.require_clear()
    except Exception:
        acts.require_clear()
        raise
    finally:
        _AT_HAND.reset(before)
        with _counting:
            _turns -= 1


def of_this_turn() -> Acts | None:
    """None: there is no turn, as in a test of a tool.

    Raises:
        OutsideOfTurn: a turn is being thought in this process, and it cannot be told whether this call belongs to it.
    """
    acts = _AT_HAND.get()
    if acts is None and _turns:
        raise OutsideOfTurn("start threads of your own with contextvars.copy_context().run, so that they know the turn")
    return acts


def _attempt_at_the_node() -> int:
    try:
        execution = get_runtime().execution_info
    except (KeyError, RuntimeError):  # called from no node
        return 1
    return execution.node_attempt if execution is not None else 1


def _around(namespace: str) -> list[str]:
    """The namespaces of a task and of those that it is within: `a:1|b:2` and `a:1`."""
    parts = namespace.split("|")
    return ["|".join(parts[:length]) for length in range(1, len(parts) + 1)]


def _tasks(namespace: str) -> list[str]:
    """The ids of a task and of those that it is within."""
    return [part.rpartition(":")[2] for part in namespace.split("|")]
