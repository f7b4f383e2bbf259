"""What a turn wants, said by value: the graph calls nothing, `tasks` does it. docs/graphs.md: how a graph says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_MOST_FILE_BYTES = 5_000_000
_MOST_LATER_S = 29 * 24 * 3600


class BadWant(ValueError):
    """A graph wants what cannot be. The text names the want and says why, and does not repeat its values."""


@dataclass(frozen=True)
class File:
    """A file for the customer. It waits in Redis until it is sent: keep it small.

    Raises:
        BadWant: more than 5 MB, or no bytes.
    """

    name: str
    content: bytes = field(repr=False)
    content_type: str = "application/octet-stream"

    def __post_init__(self) -> None:
        if not isinstance(self.content, bytes | str):
            raise BadWant(f"file: its content is no bytes, but {type(self.content).__name__}")
        if len(self.content) > _MOST_FILE_BYTES:
            raise BadWant(f"a file of {len(self.content)} bytes; at most {_MOST_FILE_BYTES} can be sent")


@dataclass(frozen=True)
class Reply:
    """Say this to the customer: one message, or several where it is too long for the channel."""

    text: str = field(repr=False)
    quick_replies: tuple[str, ...] = ()
    """Answers to choose from, as buttons or a list where the channel has them."""
    in_reply_to: int | None = None
    """The Chatwoot id of the message that this one quotes."""
    files: tuple[File, ...] = ()
    said_as: tuple[str, ...] = field(default=(), compare=False)
    """The ids of the AI messages in the memory that it is. A graph need not fill it."""


@dataclass(frozen=True)
class Later:
    """Say this to the customer in a while: a reminder, or a question whether they are still there.

    Raises:
        BadWant: more than 29 days from now, or not in the future.
    """

    text: str = field(repr=False)
    after_s: float
    """Seconds from the end of the turn."""
    unless_they_write: bool = False
    """Not if the customer has written again by then."""

    def __post_init__(self) -> None:
        if not 0 < self.after_s <= _MOST_LATER_S:
            raise BadWant("later: after_s: in the future, and within 29 days")


@dataclass(frozen=True)
class HandOver:
    """A human shall go on with this conversation."""

    reason: str
    """For the human, in a private note. Never the customer's words or a stack trace."""
    team_id: int | None = None
    assignee_id: int | None = None
    closing: str | None = field(default=None, repr=False)
    """The last thing that the bot says to the customer, if anything."""
    waits: bool = False
    """The graph has stopped at an `interrupt`: what the human says decides how it goes on."""


@dataclass(frozen=True)
class Note:
    """Tell the humans, in a private note."""

    text: str = field(repr=False)


@dataclass(frozen=True)
class Labels:
    """Add and remove these labels; the conversation keeps its others."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attributes:
    """Set these custom attributes of the conversation; it keeps its others."""

    values: Mapping[str, Any] = field(repr=False, hash=False)


@dataclass(frozen=True)
class Resolve:
    """The conversation is finished."""


@dataclass(frozen=True)
class Silence:
    """Say nothing this time, whatever the turn's messages say. All else that is wanted is done."""

    reason: str
    """For the log: never the customer's words."""


Want = Reply | Later | HandOver | Note | Labels | Attributes | Resolve | Silence
Outcome = tuple[Want, ...]
"""In the order in which it is to happen. Empty: stay silent."""
