"""What the scripts answer, as values. Times come in milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.mailbox.values import Ring, Send, Sending


def doorbell(answer: Sequence[Any], bell: str) -> Ring:
    return Ring(bell, answer[1] / 1000)


def following(answer: Sequence[Any], bell: str) -> Ring | Send | None:
    """What a stage's end leads to; a doorbell is the one that was offered."""
    if answer[0] == "ring":
        return doorbell(answer, bell)
    return Send() if answer[0] == "send" else None


def taken_up(answer: Sequence[Any]) -> Ring | Send | None:
    """The same bell rings again."""
    if answer[0] == "ring":
        return Ring(answer[1], 0)
    return Send() if answer[0] == "send" else None


def sending(
    conversation_id: int,
    token: str,
    act: str,
    with_people: int,
    number: int,
    is_there: int,
    tries: int = 1,
    doubt_ms: int = 0,
) -> Sending:
    return Sending(conversation_id, act, tries, token, doubt_ms / 1000, bool(with_people), number, bool(is_there))
