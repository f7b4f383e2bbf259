"""The bridge to a user's graph: the only place where what Chatwoot says meets what LangGraph hears."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Literal

from chatwoot.wording import Kind
from graph.checkpoint import Fence, FencedOff, Memory
from graph.loader import durability_for, load
from graph.outcome import Outcome
from graph.said import Said
from graph.thinking import Thinker
from tasks.mailbox import Mailbox, Turn, TurnLost
from tasks.records import incoming
from tasks.records.incoming import Incoming
from tasks.thinking.turn import Think, name_of

_LAST = sys.maxsize


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
    # A choice has the id of the message in which it was made, which the graph may know; and it is later than all else.
    is_choice = message.kind == Kind.CHOICE
    return Said(
        f"chatwoot:{message.id}.choice" if is_choice else f"chatwoot:{message.id}",
        message.text,
        message.by,
        message.attachments,
        quoted,
        kind=message.kind,
        subject=message.subject,
        place=_LAST if is_choice else message.id,
    )
