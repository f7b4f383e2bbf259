"""What the scripts answer, as values. Times come in milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.mailbox.values import OnItsWay, Sending, Turn, WakeSender, WakeThinker


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


def revised(answer: Sequence[Any]) -> WakeThinker | WakeSender | None:
    """A doorbell is the one that was offered, or rings again."""
    return doorbell(answer, answer[2]) if answer[0] == "ring" else following(answer, "")


def turn(
    conversation_id: int,
    token: str,
    number: int,
    attempt: int,
    turns_this_hour: int,
    resumes: str,
    awaits: str,
    heard: str,
    looked: int,
    newest: int,
    away_ms: int,
    overran: int,
    earlier: int,
    *messages: str,
) -> Turn:
    """`earlier`: how many of the messages were said earlier."""
    return Turn(
        conversation_id,
        number,
        attempt,
        token,
        messages[earlier:],
        messages[:earlier],
        turns_this_hour,
        resumes,
        awaits,
        heard == "1",
        heard == "due",
        looked,
        newest,
        away_ms / 1000,
        overran,
    )


def sending(
    conversation_id: int,
    token: str,
    action: str,
    is_silenced: int,
    number: int,
    there: int,
    looked: int,
    overtakes: str,
    on_its_way: int,
    on_its_way_ms: int,
    tries: int = 1,
    doubt_ms: int = 0,
    asked_ms: int = -1,
) -> Sending:
    return Sending(
        conversation_id,
        action,
        tries,
        token,
        doubt_ms / 1000,
        bool(is_silenced),
        number,
        there != 0,
        there if there > 0 else None,
        looked,
        overtakes == "1" if overtakes else None,
        OnItsWay(on_its_way, on_its_way_ms / 1000) if on_its_way else None,
        asked_ms / 1000 if asked_ms >= 0 else None,
    )
