"""What is to be done in Chatwoot, as it stands in a conversation's outbox: frozen values that survive as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, TypeVar

from chatwoot.conversations import Status

BY_HAND = "by-hand."
"""How the keys of what no customer's message asked for begin."""


@dataclass(frozen=True)
class Customer:
    """Who is to be reached, should the conversation be gone by then."""

    contact_id: int
    inbox_id: int
    source_id: str | None = field(default=None, repr=False)
    """The contact's own in this inbox."""


@dataclass(frozen=True)
class Attached:
    """A file, to be sent with a message."""

    name: str
    content: str = field(repr=False)
    """Base64."""
    content_type: str


@dataclass(frozen=True, kw_only=True)
class _Act:
    key: str
    """Unique in the conversation."""
    asked_at: float
    """Unix seconds."""
    customer: Customer | None = None
    """None: of no customer that we know of, such as an operator's."""


@dataclass(frozen=True, kw_only=True)
class Post(_Act):
    """Post a message. Not to be repeated blindly: Chatwoot makes a message of every call.

    Its key travels with the message, so that it can be found.
    """

    content: str = field(repr=False)
    private: bool = False
    quick_replies: tuple[str, ...] = ()
    in_reply_to: int | None = None
    files: tuple[Attached, ...] = ()
    template_params: Mapping[str, Any] | None = field(default=None, repr=False, hash=False)
    """An approved WhatsApp template: the only thing that may be said outside the 24-hour window."""
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


@dataclass(frozen=True, kw_only=True)
class PutOff(_Act):
    """Post a message later: when it is asked for. May be repeated."""

    post: Post
    unless_newer_than: int | None = None
    """The id of a message: not if the customer has written a newer one by then."""


@dataclass(frozen=True, kw_only=True)
class SetStatus(_Act):
    """Set the conversation's status. May be repeated."""

    status: Status


@dataclass(frozen=True, kw_only=True)
class Assign(_Act):
    """Assign the conversation to a team or to a person: one of them. May be repeated."""

    team_id: int | None = None
    assignee_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class ChangeLabels(_Act):
    """Add and remove labels; the others stay. May be repeated."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MergeAttributes(_Act):
    """Set custom attributes; the others stay. May be repeated."""

    values: Mapping[str, Any] = field(repr=False, hash=False)


@dataclass(frozen=True, kw_only=True)
class Unknown(_Act):
    """What another version of the program asked for. A worker of that version may know what it is."""


A = TypeVar("A", bound=_Act)
Act = Post | PutOff | SetStatus | Assign | ChangeLabels | MergeAttributes | Unknown
_KINDS: dict[str, type[Act]] = {
    "post": Post,
    "put_off": PutOff,
    "set_status": SetStatus,
    "assign": Assign,
    "change_labels": ChangeLabels,
    "merge_attributes": MergeAttributes,
    "unknown": Unknown,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def name(act: Act) -> str:
    return _NAMES[type(act)]


def dump(act: Act) -> str:
    # ASCII: what a model wrote may hold half a surrogate pair, which has no UTF-8.
    return json.dumps({"act": name(act), **asdict(act)})


def load(text: str) -> Act:
    """What `dump` made, also by another version of the program: unknown fields are passed over."""
    given: dict[str, Any] = json.loads(text)
    return _made(_KINDS.get(given["act"], Unknown), given)


def _made(kind: type[A], given: Mapping[str, Any]) -> A:
    known = {each.name for each in fields(kind)}
    return kind(**{name: _frozen(name, value) for name, value in given.items() if name in known})


def _frozen(name: str, value: Any) -> Any:
    if name == "customer" and value is not None:
        return Customer(**value)
    if name == "post":
        return _made(Post, value)
    if name == "files":
        return tuple(Attached(**each) for each in value)
    return tuple(value) if isinstance(value, list) else value


def alert(key: str, note: str, asked_at: float, customer: Customer | None = None) -> list[Act]:
    """Tell the humans: a private note, and the conversation opened for them."""
    return [
        Post(key=f"{key}.note", content=note, asked_at=asked_at, private=True, customer=customer),
        SetStatus(key=f"{key}.open", status="open", asked_at=asked_at, customer=customer),
    ]


def is_by_hand(key: str | None) -> bool:
    """Whether a message with this key was sent by hand, or by a program of the team's, not by a graph."""
    return key is not None and key.startswith(BY_HAND)


def shown_key(key: str) -> str:
    """For the log: what somebody chose as a key may hold a phone number."""
    if not is_by_hand(key):
        return key
    return f"{BY_HAND}{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def is_said_to_the_customer(act: Act) -> bool:
    """Whether it is, or may be."""
    return isinstance(act, Unknown) or (isinstance(act, Post) and not act.private)


def answers_a_turn(act: Act) -> bool:
    return isinstance(act, Post) and bool(act.answers)


def is_the_bots_turn(act: Act) -> bool:
    """Whether it is something that the bot must not do once people have taken the conversation over."""
    if isinstance(act, Post):
        return not (act.private or act.by_hand)
    return isinstance(act, Assign | PutOff) or (isinstance(act, SetStatus) and act.status != "open")


def opens(act: Act) -> bool:
    """Whether it gives the conversation to people, who have it from then on, whatever Chatwoot's status says to us."""
    return isinstance(act, SetStatus) and act.status == "open"


def tells_people(act: Act) -> bool:
    """Whether it is how people learn that they are needed: a note to them, or the conversation opened for them."""
    return opens(act) or (isinstance(act, Post) and act.private)


def renewed(act: Act, asked_at: float) -> Act:
    """The same act, asked for again."""
    if isinstance(act, Post):
        return replace(act, asked_at=asked_at, look_first=True, by_hand=True)
    return replace(act, asked_at=asked_at)
