"""What the mailbox is told and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Timing:
    """How long the mailbox waits for what, in seconds."""

    quiet_s: float = 1.0
    """A burst is over after so much quiet."""
    most_quiet_s: float = 4.0
    """A customer who goes on writing is answered after so long all the same."""
    lease_s: float = 20.0
    """A worker that has not been heard of for so long has lost its turn."""
    grace_s: float = 5.0
    """A doorbell that is so late is rung again; then twice as late, and so on."""
    most_grace_s: float = 60.0
    doubt_s: float = 15.0
    """So long Chatwoot may go on storing a message whose connection broke, once it answers: its rack-timeout."""
    transcript_s: float = 5.0
    """So long a turn waits for Chatwoot's transcript of a voice note; 0: it does not."""


@dataclass(frozen=True)
class WakeThinker:
    """A doorbell that must be rung, so that a worker looks at the conversation."""

    bell: str
    delay_s: float


@dataclass(frozen=True)
class Accepted:
    """What became of a message that came in."""

    is_new: bool
    """False: it was seen before, and dropped."""
    doorbell: WakeThinker | None
    """To be rung. None: one was rung already, or somebody is at it."""


@dataclass(frozen=True)
class Word:
    """A person of the team wrote to the customer, in public."""

    id: int
    at: int
    said: str
    """A digest of the text, by which our own words are known when they come back as a person's."""


@dataclass(frozen=True, kw_only=True)
class News:
    """What Chatwoot has told about whose a conversation is: news may come in any order, late, and again.

    Times are milliseconds of Chatwoot's own clock.
    """

    at: int | None = None
    """When the conversation's state was as `signs` and `over` say. None: no state was told."""
    signs: tuple[str, ...] = ()
    """What in it shows it as people's: "assigned:<user id>", "paused", "status:<status>"."""
    over: bool = False
    """It is resolved."""
    present: Mapping[str, int] = field(default_factory=dict, hash=False)
    """Signs that came, and when exactly."""
    gone: Mapping[str, int] = field(default_factory=dict, hash=False)
    """Kinds of signs ("assigned", "paused", "status") that went, and when exactly."""
    back: int = 0
    """When it was given back by that."""
    all: int = 0
    """When it was given back by an act that counts whatever signs are left."""
    words: tuple[Word, ...] = ()
    handed: int | None = None
    """When the bot handed it over. -1: just now, which is not known by Chatwoot's clock yet, but by ours."""
    handed_by: int | None = None
    """By our own clock."""


NO_NEWS = News()


@dataclass(frozen=True)
class Listed:
    """A message in Chatwoot's own list, for a turn to know."""

    id: int
    message: str
    """As in `Mailbox.accept`."""
    source_id: str = ""
    is_answered: bool = False
    """A customer's, and somebody has answered it: to be known, or, where `message` is empty, not even that."""
    word: Word | None = None
    """A person's."""
    is_note: bool = False
    """A person's, in private."""
    opens: str = ""
    """What is to be done in Chatwoot if it is a person's, and news."""

    @property
    def by(self) -> Literal["person", "note", "answered", "customer"]:
        if self.word is not None:
            return "person"
        return "note" if self.is_note else "answered" if self.is_answered else "customer"


Whose = Literal["customers", "note", "others"]
"""A message of the customer's; the team's private note; what was said to the customer by others than people and us."""


@dataclass(frozen=True)
class Lapse:
    """When people's silence cancels what a graph has left to them to decide."""

    after_s: float = 0.0
    """0: never."""
    action: str = ""
    """What is then to be done in Chatwoot. Its key is the turn's name and `.lapsed`, by which the mailbox knows it."""


NO_LAPSE = Lapse()


@dataclass(frozen=True)
class LeftToPeople:
    """The turn has ended unthought: people have the conversation. `next`: what must follow."""

    next: WakeThinker | WakeSender | None


@dataclass(frozen=True)
class NotYet:
    """The customer is still writing: come back after so long."""

    seconds: float


@dataclass(frozen=True)
class Turn:
    """A conversation's turn, held by one worker."""

    conversation_id: int
    number: int
    attempt: int
    """1, or more where an earlier holder failed or died."""
    token: str
    messages: tuple[str, ...]
    """As accepted, oldest first. The same ones at each attempt."""
    earlier: tuple[str, ...] = ()
    """What was said while people had the conversation, oldest first: to be known, not answered."""
    turns_this_hour: int = 1
    resumes: str = ""
    """The name of a turn whose graph waits for what people decide: they have, and nobody else is to be answered."""
    awaits: str = ""
    """The name of that turn, also where there are messages to be answered."""
    is_heard: bool = False
    """Chatwoot's own list was read for it: `messages` are all that waits."""
    is_to_be_heard: bool = False
    """It must be: people have given the conversation back, and more may wait than is known."""
    looked: int = 0
    """The id up to which the conversation's list was ever read; 0: never."""
    newest: int = 0
    """The greatest id of a customer's message that has come in: of what is edited or chosen the id is an older one."""
    away_s: float = 0.0
    """For how long what its graph needs, such as its model, has been away."""
    overran: int = 0
    """How many of the earlier attempts took too long."""


@dataclass(frozen=True)
class OnItsWay:
    """A public message of ours that its channel has neither taken nor refused, as far as we were told."""

    message_id: int
    seconds: float
    """For how long we have known that Chatwoot has it."""


@dataclass(frozen=True)
class Sending:
    """The head of a conversation's outbox, to be done by one worker."""

    conversation_id: int
    action: str
    tries: int
    """1 at the first try. More: somebody may have done it already."""
    token: str
    doubt_s: float = 0.0
    """For how long an earlier try may still come true, although nothing is to be seen of it; 0: it cannot."""
    owned_by_human: bool = False
    """People have taken the conversation over, or ended it: nothing more is to be said to the customer."""
    number: int = 0
    """How many actions of the conversation were settled before this one."""
    is_there: bool = False
    """Our own webhook has told us of it: it is done, whatever we know of doing it."""
    there: int | None = None
    """The id of the public message that it is then."""
    looked: int = 0
    """The id up to which the conversation's list was ever read; 0: never."""
    overtakes: bool | None = None
    """Whether of two messages of ours the second may reach the customer first; None: the channel is not known."""
    on_its_way: OnItsWay | None = None
    """The newest of ours, where it has not arrived."""
    asked_s: float | None = None
    """So long before it was taken up Chatwoot was last asked whose the conversation is; None: not for this outbox."""


@dataclass(frozen=True)
class WakeSender:
    """There is something in the outbox."""


@dataclass(frozen=True)
class Figures:
    """How an account's mailboxes stand."""

    dead_letters: int
    unfinished: int
    """Conversations that are not idle, or have something scheduled."""
    overdue_s: float
    """For how long the oldest has been past its deadline; 0: none is. What is taken up has a new one."""
    unanswered_s: float = 0.0
    """For how long the customer has waited for the bot who has waited longest; 0: nobody does."""


@dataclass(frozen=True)
class DeadLetterRecord:
    """What could not be thought or sent: an id, and the record as JSON."""

    id: str = ""
    record: str = ""


NO_DEAD_LETTER = DeadLetterRecord()


class NoSuchDeadLetter(KeyError):
    """It was retried or discarded meanwhile, or never was."""


class TurnLost(Exception):
    """The turn is another worker's by now. What this one thought must be dropped."""
