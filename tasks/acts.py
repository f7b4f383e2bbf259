"""What is to be done in Chatwoot, as it stands in a conversation's outbox: frozen values that survive as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from chatwoot.conversations import Status


@dataclass(frozen=True)
class Post:
    """Post a message. Not to be repeated blindly: Chatwoot makes a message of every call."""

    key: str
    """Unique in the conversation; travels with the message, so that it can be found."""
    content: str = field(repr=False)
    asked_at: float
    """Unix seconds."""
    private: bool = False
    answers: tuple[int, ...] = ()
    """The ids of the customer's messages that this answers, oldest first."""
    by_hand: bool = False
    """An operator wants it said, whoever has the conversation."""
    look_first: bool = False
    """It may be there already: an earlier life of this act ended in doubt."""

    @property
    def after(self) -> int | None:
        """The id of an older message, if one is known: where to begin looking."""
        return self.answers[-1] if self.answers else None


@dataclass(frozen=True)
class SetStatus:
    """Set the conversation's status. May be repeated."""

    key: str
    status: Status
    asked_at: float


Act = Post | SetStatus
_KINDS: dict[str, type[Act]] = {"post": Post, "set_status": SetStatus}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def name(act: Act) -> str:
    return _NAMES[type(act)]


def dump(act: Act) -> str:
    return json.dumps({"act": name(act), **asdict(act)}, ensure_ascii=False)


def load(text: str) -> Act:
    fields: dict[str, Any] = json.loads(text)
    if "answers" in fields:
        fields["answers"] = tuple(fields["answers"])
    return _KINDS[fields.pop("act")](**fields)


def alert(key: str, note: str, asked_at: float) -> list[Act]:
    """Tell the humans: a private note, and the conversation opened for them."""
    return [
        Post(key=f"{key}.note", content=note, asked_at=asked_at, private=True),
        SetStatus(key=f"{key}.open", status="open", asked_at=asked_at),
    ]


def is_the_bots_turn(act: Act) -> bool:
    """Whether it is something that the bot must not do once people have taken the conversation over."""
    if isinstance(act, Post):
        return not (act.private or act.by_hand)
    return isinstance(act, SetStatus) and act.status != "open"


def opens(act: Act) -> bool:
    """Whether it gives the conversation to people, who have it from then on, whatever Chatwoot's status says to us."""
    return isinstance(act, SetStatus) and act.status == "open"


def renewed(act: Act, asked_at: float) -> Act:
    """The same act, asked for again."""
    if isinstance(act, Post):
        return replace(act, asked_at=asked_at, look_first=True, by_hand=True)
    return replace(act, asked_at=asked_at)
