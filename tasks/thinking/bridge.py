"""The bridge to a user's graph: the only place where what Chatwoot says meets what LangGraph hears."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Literal

from chatwoot.wording import Kind
from graph.checkpoint import Fence, FencedOff, Memory
from graph.loader import MESSAGES, Graph, durability_for, load
from graph.outcome import Outcome
from graph.said import Said
from graph.thinking import Thinker
from tasks.mailbox import Mailbox, Turn, TurnLost
from tasks.records import incoming
from tasks.records.incoming import Incoming
from tasks.thinking.turn import Think, name_of

_LAST = sys.maxsize
_EDIT = ".edit."


def bridge_to(
    spec: str,
    *,
    model: str,
    prompt: str,
    history_limit: int,
    durability: Literal["auto", "exit", "sync"],
    memory: Memory,
    mailbox: Mailbox,
) -> Think:
    """How a turn is thought by the graph that `spec` names.

    Raises:
        GraphError: the graph cannot be loaded.
    """
    graph = load(spec, memory, model=model, prompt=prompt)
    thinker = Thinker(graph, history_limit, durability if durability != "auto" else durability_for(graph))

    def think(turn: Turn, messages: Sequence[Incoming]) -> Outcome:
        earlier = [_said(incoming.load(text)) for text in turn.earlier]
        if any(each.by == "deleted" for each in earlier):
            earlier += _edits(graph, mailbox.thread(turn.conversation_id), earlier)
        said = [_said(message) for message in messages]
        thread, name = mailbox.thread(turn.conversation_id), name_of(turn, messages)
        fence = Fence(mailbox.state_key(turn.conversation_id), "token", turn.token)
        try:
            return thinker.think(thread, name, said, earlier=earlier, fence=fence)
        except FencedOff as error:
            raise TurnLost(turn.conversation_id) from error

    return think


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
