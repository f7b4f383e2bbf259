"""What the scripts answer, as values. Times come in milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.mailbox.values import Sending, WakeSender, WakeThinker


def doorbell(answer: Sequence[Any], bell: str) -> WakeThinker:
    return WakeThinker(bell, answer[1] / 1000)


def following(answer: Sequence[Any], bell: str) -> WakeThinker | WakeSender | None:
    """What a stage's end leads to; a doorbell is the one that was offered."""
    if answer[0] == "ring":
        return doorbell(answer, bell)
    return WakeSender() if answer[0] == "send" else None


def taken_up(answer: Sequence[Any]) -> WakeThinker | WakeSender | None:
    """The same bell rings again."""
    if answer[0] == "ring":
        return WakeThinker(answer[1], 0)
    return WakeSender() if answer[0] == "send" else None


def sending(
    conversation_id: int,
    token: str,
    action: str,
    owned_by_human: int,
    number: int,
    is_there: int,
    tries: int = 1,
    doubt_ms: int = 0,
) -> Sending:
    return Sending(conversation_id, action, tries, token, doubt_ms / 1000, bool(owned_by_human), number, bool(is_there))
