"""What became of what customers wrote, counted from what Chatwoot has stored. The echo graph's replies say which
messages they answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.desk import Desk

_ECHO = "Echo: "


@dataclass(frozen=True)
class Tally:
    """The texts of one or more conversations."""

    sent: int = 0
    answered_once: int = 0
    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    out_of_order: tuple[str, ...] = ()
    """Answered after something that was written later."""

    @property
    def is_clean(self) -> bool:
        return self.answered_once == self.sent and not (self.lost or self.doubled or self.out_of_order)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.sent + other.sent,
            self.answered_once + other.answered_once,
            self.lost + other.lost,
            self.doubled + other.doubled,
            self.out_of_order + other.out_of_order,
        )


def answered(replies: Sequence[str]) -> list[str]:
    """The customer's texts in the order in which they were answered: a burst is answered as one."""
    return [text for reply in replies for text in reply.removeprefix(_ECHO).split("\n")]


def tally(written: Sequence[str], replies: Sequence[str]) -> Tally:
    """Of one conversation. `written` in the order in which it was written; each text once."""
    told = answered(replies)
    times = Counter(told)
    places = {text: place for place, text in enumerate(written)}
    late, newest = list[str](), -1
    for text in told:
        place = places.get(text, -1)
        if place < newest:
            late.append(text)
        newest = max(newest, place)
    return Tally(
        sent=len(written),
        answered_once=sum(times[text] == 1 for text in written),
        lost=tuple(text for text in written if not times[text]),
        doubled=tuple(text for text in times if times[text] > 1),
        out_of_order=tuple(late),
    )


def of_conversation(desk: Desk, conversation_id: int) -> Tally:
    return tally(desk.written(conversation_id), desk.replies(conversation_id))
