"""The bridge to a user's graph: the only place where what Chatwoot says meets what LangGraph hears."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import structlog

from chatwoot.about import About
from chatwoot.channels import channel
from chatwoot.storage import Fetched, NotFetched, Storage
from chatwoot.wording import Kind
from graph import acts
from graph.checkpoint import Fence, FencedOff, Memory
from graph.context import Conversation
from graph.loader import Graph
from graph.outcome import Outcome
from graph.said import Said
from graph.schemas import MESSAGES
from graph.store import Store
from graph.thinking import Configured, Thinker
from graph.usage import told
from tasks.mailbox import Mailbox, Turn, TurnLost
from tasks.records import incoming
from tasks.records.incoming import Incoming
from tasks.thinking.acts import ActsInMailbox
from tasks.thinking.ears import Ears
from tasks.thinking.spending import Spending
from tasks.thinking.turn import name_of

log = structlog.get_logger()

_LAST = sys.maxsize
_ABOUT = frozenset(each.name for each in fields(About))
"""Another version may have written more."""
_EDIT = ".edit."


def bridge_to(
    configured: Configured,
    *,
    offered: Mapping[str, Any],
    storage: Storage,
    ears: Ears | None,
    account_id: int,
    most_attempts: int,
    memory: Memory,
    store: Store,
    mailbox: Mailbox,
    spending: Spending | None = None,
) -> Bridge:
    """How turns are thought by the graph of the settings.

    Raises:
        GraphError, Exception: as `Thinker.of`.
    """
    thinker = Thinker.of(configured, memory, store, offered=offered, files=partial(_fetched, storage))
    return Bridge(thinker, memory, mailbox, account_id, most_attempts, ears, spending)


@dataclass(frozen=True)
class Bridge:
    """A graph and its memory, as turns know them."""

    thinker: Thinker
    memory: Memory
    mailbox: Mailbox
    account_id: int
    most_attempts: int
    ears: Ears | None = None
    spending: Spending | None = None

    def think(self, turn: Turn, messages: Sequence[Incoming]) -> Outcome:
        """As `tasks.thinking.turn.Thinks`."""
        before = [incoming.load(text) for text in turn.earlier]
        if self.ears is not None:
            messages = self.ears.all_heard(messages, is_first_try=turn.attempt == 1 < self.most_attempts)
        earlier = [_said(message) for message in before]
        thread = self.mailbox.thread(turn.conversation_id)
        if any(each.by == "deleted" for each in earlier):
            earlier += _edits(self.thinker.graph, thread, earlier)
        unanswered = [each for each in earlier if each.by == "unanswered"]
        if unanswered and turn.attempt == self.most_attempts:
            # It may be these that the model refuses, again: the last attempt does without them.
            self.undo(turn, messages)
            earlier = [each for each in earlier if each not in unanswered]
        with _lost_with_the_fence(turn), told(self.spending.add) if self.spending else nullcontext():
            return self.thinker.think(
                thread,
                name_of(turn, messages),
                [_said(message) for message in messages],
                earlier=earlier,
                resumes=bool(turn.resumes),
                context=self._context(turn, [*before, *messages]),
                fence=self._fence(turn),
                book=ActsInMailbox(self.mailbox, turn),
            )

    def undo(self, turn: Turn, messages: Sequence[Incoming]) -> None:
        """As `tasks.thinking.turn.Thinks`."""
        with _lost_with_the_fence(turn):
            thread = self.mailbox.thread(turn.conversation_id)
            self.memory.restore(thread, name_of(turn, messages), fence=self._fence(turn))

    def acted(self, turn: Turn, messages: Sequence[Incoming]) -> list[str]:
        """As `tasks.thinking.turn.Thinks`."""
        said = [_said(message) for message in messages]
        thread, book = self.mailbox.thread(turn.conversation_id), ActsInMailbox(self.mailbox, turn)
        return acts.told(self.thinker.acted(thread, name_of(turn, messages), said, book))

    def _context(self, turn: Turn, told: Sequence[Incoming]) -> Conversation:
        """As the newest message tells of it; of a turn that goes on, the newest that was said while people had it."""
        customers = [each for each in told if each.about] or [each for each in told if each.contact_id]
        newest = customers[-1] if customers else Incoming(0, "")
        hours = channel(newest.channel).window_hours
        return Conversation(
            account_id=self.account_id,
            conversation_id=turn.conversation_id,
            inbox_id=newest.inbox_id,
            channel=newest.channel,
            contact_id=newest.contact_id,
            window_open_until=newest.written_at + hours * 3600 if hours and newest.written_at else None,
            subject=newest.subject,
            handed_back=bool(turn.resumes) or any(each.by == "person" for each in told),
            **{name: value for name, value in newest.about.items() if name in _ABOUT},
        )

    def _fence(self, turn: Turn) -> Fence:
        return Fence(self.mailbox.state_key(turn.conversation_id), "token", turn.token)


def _fetched(storage: Storage, url: str) -> Fetched:
    try:
        return storage.fetch(url)
    except NotFetched as error:
        log.warning("file_not_fetched", why=str(error))
        raise


@contextmanager
def _lost_with_the_fence(turn: Turn) -> Iterator[None]:
    try:
        yield
    except FencedOff as error:
        raise TurnLost(turn.conversation_id) from error


def _said(message: Incoming) -> Said:
    quoted = f"chatwoot:{message.in_reply_to}" if message.in_reply_to else None
    # A choice has the id of the message in which it was made, and an edit that of the message which it edits: the graph
    # may know both; and they are later than all else.
    is_choice, is_edit = message.kind == Kind.CHOICE, bool(message.edit)
    more = ".choice" if is_choice else f"{_EDIT}{message.edit}" if is_edit else ""
    return Said(
        f"chatwoot:{message.id}{more}",
        message.text,
        message.by,
        message.attachments,
        quoted,
        kind=message.kind,
        subject=message.subject,
        place=_LAST if is_choice or is_edit else message.id,
    )


def _edits(graph: Graph, thread: str, told: Sequence[Said]) -> list[Said]:
    """What is gone with the messages that were deleted: their edits, which the graph knows by ids of their own."""
    gone = {each.id for each in told if each.by == "deleted"}
    known = graph.get_state({"configurable": {"thread_id": thread}}).values.get(MESSAGES, [])
    ids = [each.id for each in known if each.id is not None]
    return [Said(id, "", "deleted") for id in ids if _EDIT in id and id.partition(_EDIT)[0] in gone]
