"""Celery messages that make a worker look, by the tasks' names: who rings need not know who answers.

Any of them may be lost, late or double: the mailbox knows what is to be done (docs/adr/0001-mailbox.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from celery import chain, signature

from tasks.mailbox import WakeSender, WakeThinker
from tasks.runtime import failpoints


@dataclass(frozen=True)
class Doorbells:
    """How a conversation is brought to a worker's attention."""

    ring: Callable[[int, WakeThinker], None]
    send: Callable[[int], None]

    def announce(self, conversation_id: int, following: WakeThinker | WakeSender | None) -> bool:
        """Have a worker look at what follows, if anything does."""
        if isinstance(following, WakeThinker):
            self.ring(conversation_id, following)
        elif isinstance(following, WakeSender):
            self.send(conversation_id)
        return following is not None


def ring(conversation_id: int, doorbell: WakeThinker) -> None:
    """Have a worker look at the conversation, and then at its outbox."""
    bell = {"conversation_id": conversation_id, "bell": doorbell.bell}
    answer = signature("tasks.process_message", kwargs=bell)
    reply = signature("tasks.send_reply", kwargs={"conversation_id": conversation_id})
    with failpoints.around("ring"):
        chain(answer, reply).apply_async(countdown=doorbell.delay_s)


def send(conversation_id: int) -> None:
    """Have a worker look at the conversation's outbox."""
    signature("tasks.send_reply", kwargs={"conversation_id": conversation_id}).apply_async()


def look(*, delay_s: float) -> None:
    """Have a worker ask Chatwoot for what nobody was told of."""
    signature("tasks.reconcile").apply_async(countdown=delay_s)


def write(letter: dict[str, Any]) -> None:
    """Have a worker write to somebody first: `letter` holds the arguments of `tasks.send_message`."""
    signature("tasks.send_message", kwargs=letter).apply_async()


over_celery = Doorbells(ring, send)
