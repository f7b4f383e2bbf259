"""What is to be done in Chatwoot, as it stands in a conversation's outbox: frozen values that survive as JSON.

The mailbox's scripts read one thing of that JSON: `key` (lua/_steps.lua, `head`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, get_args

from pydantic import Discriminator, Field, Tag

from chatwoot import liquid
from chatwoot.conversations import Status
from tasks.records.codec import Codec

BY_HAND = "by-hand."
"""How the keys of what no customer's message asked for begin."""
TAKE_OVER = "Please take over."
"""How a note ends that tells people of a failure, unlike one of a graph's own."""


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
class _Action:
    key: str
    """Unique in the conversation. Read by lua/_steps.lua, too."""
    asked_at: float
    """Unix seconds."""
    customer: Customer | None = None
    """None: of no customer that we know of, such as an operator's."""


@dataclass(frozen=True, kw_only=True)
class PostMessage(_Action):
    """Post a message. Not to be repeated blindly: Chatwoot makes a message of every call.

    Its key travels with the message, so that it can be found.
    """

    act: Literal["post"] = "post"
    content: str = field(repr=False)
    private: bool = False
    quick_replies: tuple[str, ...] = ()
    in_reply_to: int | None = None
    files: tuple[Attached, ...] = ()
    template_params: Mapping[str, Any] | None = field(default=None, repr=False, hash=False)
    """An approved WhatsApp template: the only thing that may be said outside the 24-hour window."""
    said_as: tuple[str, ...] = ()
    """The ids of the AI messages in the graph's memory that this is, or is a part of. What was put off, or sent by
    hand, is none."""
    answers: tuple[int, ...] = ()
    """The ids of the customer's messages that this answers, oldest first."""
    ignores_takeover: Annotated[bool, Field(alias="by_hand")] = False
    """An operator wants it said, whoever has the conversation."""
    unless_newer_than: int | None = None
    """The id of a message: not if the customer has written a newer one by then, in another conversation of the inbox.
    In this one the mailbox sees to it."""
    look_first: bool = False
    """It may be there already: an earlier life of this action ended in doubt."""
    is_put_off: bool = False
    """Said a while after its turn."""
    first_asked_at: float = 0.0
    """When that was asked for; 0: it had none."""

    @property
    def after(self) -> int | None:
        """The id of an older message, if one is known: where to begin looking."""
        return self.answers[-1] if self.answers else None

    @property
    def since(self) -> float:
        """Before this it cannot have been said."""
        return self.first_asked_at or self.asked_at


@dataclass(frozen=True, kw_only=True)
class ScheduleMessage(_Action):
    """Post a message later: when it is asked for. May be repeated."""

    act: Literal["put_off"] = "put_off"
    post: PostMessage
    unless_newer_than: int | None = None
    """The id of a message: not if the customer has written a newer one by then."""


@dataclass(frozen=True, kw_only=True)
class SetStatus(_Action):
    """Set the conversation's status. May be repeated."""

    act: Literal["set_status"] = "set_status"
    status: Status


@dataclass(frozen=True, kw_only=True)
class OpenForPerson(_Action):
    """Open a pending conversation in which a person has written, unless something was done to it since."""

    act: Literal["open_for_person"] = "open_for_person"
    word_id: int
    """Of the person's message."""


@dataclass(frozen=True, kw_only=True)
class Assign(_Action):
    """Assign the conversation to a team or to a person: one of them. May be repeated."""

    act: Literal["assign"] = "assign"
    team_id: int | None = None
    assignee_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class ChangeLabels(_Action):
    """Add and remove labels; the others stay. May be repeated."""

    act: Literal["change_labels"] = "change_labels"
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MergeAttributes(_Action):
    """Set custom attributes; the others stay. May be repeated."""

    act: Literal["merge_attributes"] = "merge_attributes"
    values: Mapping[str, Any] = field(repr=False, hash=False)


@dataclass(frozen=True, kw_only=True)
class Unknown(_Action):
    """What another version of the program asked for. A worker of that version may know what it is."""

    act: str = "unknown"


Action = PostMessage | ScheduleMessage | SetStatus | OpenForPerson | Assign | ChangeLabels | MergeAttributes | Unknown
_NAMES = frozenset(kind.act for kind in get_args(Action))


def _tag(value: Any) -> str:
    """By which of the types a value is written or read; of another version's new ones only the key is understood."""
    found: Any = value.get("act") if isinstance(value, Mapping) else value.act
    return found if found in _NAMES else Unknown.act


_UNION: Any = reduce(or_, (Annotated[kind, Tag(kind.act)] for kind in get_args(Action)))
_CODEC = Codec[Action](Annotated[_UNION, Discriminator(_tag)])
dump, load = _CODEC.dump, _CODEC.load


def note_to_team(key: str, text: str, asked_at: float, customer: Customer | None = None) -> PostMessage:
    """A private note. It may quote whoever it likes: Chatwoot renders notes, too, and here they are kept from that."""
    return PostMessage(key=key, content=liquid.escaped(text), asked_at=asked_at, private=True, customer=customer)


def alert(key: str, note: str, asked_at: float, customer: Customer | None = None) -> list[Action]:
    """Tell the humans: a private note, and the conversation opened for them."""
    return [
        note_to_team(f"{key}.note", note, asked_at, customer),
        SetStatus(key=f"{key}.open", status="open", asked_at=asked_at, customer=customer),
    ]


def open_for_person(word_id: int, asked_at: float) -> OpenForPerson:
    return OpenForPerson(key=f"word.{word_id}.open", asked_at=asked_at, word_id=word_id)


def is_by_hand(key: str | None) -> bool:
    """Whether a message with this key was sent by hand, or by a program of the team's, not by a graph."""
    return key is not None and key.startswith(BY_HAND)


def shown_key(key: str) -> str:
    """For the log: what somebody chose as a key may hold a phone number."""
    if not is_by_hand(key):
        return key
    return BY_HAND + hashlib.sha256(key.encode(errors="replace")).hexdigest()[:12]


def is_said_to_the_customer(action: Action) -> bool:
    """Whether it is, or may be."""
    return isinstance(action, Unknown) or (isinstance(action, PostMessage) and not action.private)


def answers_a_turn(action: Action) -> bool:
    return isinstance(action, PostMessage) and bool(action.answers)


def is_the_bots_turn(action: Action) -> bool:
    """Whether it is something that the bot must not do once people have taken the conversation over."""
    if isinstance(action, PostMessage):
        return not (action.private or action.ignores_takeover)
    return isinstance(action, Assign | ScheduleMessage) or (isinstance(action, SetStatus) and action.status != "open")


def opens(action: Action) -> bool:
    """Whether it gives the conversation to people, who have it from then on, whatever Chatwoot's status says to us."""
    return isinstance(action, SetStatus) and action.status == "open"


def tells_people(action: Action) -> bool:
    """Whether it is how people learn that they are needed: a note to them, or the conversation opened for them."""
    return opens(action) or (isinstance(action, PostMessage) and action.private)


def renewed(action: Action, asked_at: float) -> Action:
    """The same action, asked for again."""
    if isinstance(action, PostMessage):
        again = replace(action, asked_at=asked_at, first_asked_at=action.since, unless_newer_than=None)
        return replace(again, look_first=True, ignores_takeover=True)
    return replace(action, asked_at=asked_at)
