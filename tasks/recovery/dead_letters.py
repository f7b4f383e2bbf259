"""What could not be thought or sent: kept, with its reason, for a person to look at, try again or discard."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import structlog

from chatwoot.client import Client
from chatwoot.errors import NotFound, PermanentError
from chatwoot.events import MessageEvent
from chatwoot.messages import Message
from tasks.mailbox import DeadLetter, Mailbox, NoSuchDeadLetter
from tasks.mailbox.doorbells import Doorbells
from tasks.ownership import answered
from tasks.records import actions, incoming
from tasks.records.actions import Post
from tasks.runtime.clients import said_lately
from tasks.runtime.counters import Counted, count

log = structlog.get_logger()

THINKING = "thinking"
WRITING_FIRST = "writing_first"


@dataclass(frozen=True)
class Grave:
    """One thing that did not get done."""

    conversation_id: int
    what: str
    """`thinking`, `writing_first`, or the act that could not be done: `post`, `set_status`."""
    reason: str
    """For an operator: what Chatwoot or the graph's failure was called. Never the customer's words."""
    attempts: int
    at: float
    """Unix seconds."""
    content: str = field(repr=False)
    """The customer's messages or the act, as JSON, so that it can be tried again. Empty: it cannot be."""
    after: int | None = None
    """The id of the message that it answers, or that failed: what is said later has a greater one. None: not known."""

    @property
    def tells_people(self) -> bool:
        is_act = self.what not in (THINKING, WRITING_FIRST) and self.content
        return bool(is_act) and actions.tells_people(actions.load(self.content))

    @classmethod
    def of(cls, letter: DeadLetter) -> Grave:
        return cls(**json.loads(letter.record))


class AnsweredSince(Exception):
    """Somebody has answered the customer since: to send it now would be out of place. The text says who and when."""


class NothingLeft(Exception):
    """Only the reason was kept: the conversation is gone, or what failed is a file that Chatwoot has."""


def bury(name: str, grave: Grave) -> DeadLetter:
    """The dead letter of a grave; `name` is unique in its conversation."""
    return DeadLetter(f"{grave.conversation_id}.{name}", json.dumps(asdict(grave), ensure_ascii=False))


def bury_undelivered(mailbox: Mailbox, event: MessageEvent) -> None:
    """Keep a message of ours that Chatwoot has stored and the channel refuses: once, however often we are told.

    Trying it again posts a new one: the old one stands in the conversation, and says that it failed. One with files
    can be sent again in Chatwoot only, which has them.
    """
    ours = event.our_key or f"message-{event.message_id}"
    again = Post(
        key=f"{ours}.after-{event.message_id}",
        content=event.content or "",
        asked_at=time.time(),
        by_hand=True,
        template_params=event.template_params,
    )
    reason = f"not delivered: {event.external_error or event.status}"
    grave = Grave(
        event.conversation_id,
        actions.name(again),
        reason,
        1,
        again.asked_at,
        "" if event.attachments else actions.dump(again),
        after=event.message_id,
    )
    if mailbox.bury(event.conversation_id, bury(again.key, grave), mark=f"failed:{event.message_id}"):
        count(Counted.DEAD_LETTERS, "delivery")
        log.error("message_not_delivered", conversation_id=event.conversation_id, message_id=event.message_id)


@dataclass(frozen=True)
class DeadLetters:
    """The dead letters of the account."""

    mailbox: Mailbox
    client: Client | None
    """With a user's token, to see whether somebody has answered. None where there is only a bot's."""
    speaker: Client
    """Shows a bot the last message, since Chatwoot 4.14.2."""
    doorbells: Doorbells
    write: Callable[[dict[str, Any]], object]
    """Calls `tasks.send_message` with these arguments."""

    def all(self) -> Iterator[tuple[str, Grave]]:
        """Ids and graves, the oldest first."""
        letters = [(letter.id, Grave.of(letter)) for letter in self.mailbox.dead_letters()]
        return iter(sorted(letters, key=lambda letter: letter[1].at))

    def find(self, id: str) -> Grave:
        """
        Raises:
            NoSuchDeadLetter: there is none of this id.
        """
        for known, grave in self.all():
            if known == id:
                return grave
        raise NoSuchDeadLetter(id)

    def retry(self, id: str) -> None:
        """Put what failed back where it was, and have a worker look. It leaves the dead letters in the same step.

        With a bot's token alone only the last message shows whether somebody has answered; before Chatwoot 4.14.2
        nothing does, and it is tried all the same.

        Raises:
            NoSuchDeadLetter: there is none of this id.
            NothingLeft: it is not kept.
            AnsweredSince: a person, or a newer turn of ours, has answered the customer.
            ChatwootError: whether somebody has answered cannot be seen now.
        """
        grave = self.find(id)
        if grave.what == WRITING_FIRST:
            self._write_again(id, grave)
            return
        if not grave.content:
            raise NothingLeft(f"conversation {grave.conversation_id} is gone, or it was a file that only Chatwoot has")
        self._refuse_if_answered(grave)
        if grave.what == THINKING:
            messages = {incoming.load(text).id: text for text in json.loads(grave.content)}
            following = self.mailbox.exhume_messages(grave.conversation_id, id, messages)
        else:
            act = actions.dump(actions.renewed(actions.load(grave.content), time.time()))
            following = self.mailbox.exhume_act(grave.conversation_id, id, act)
        self.doorbells.announce(grave.conversation_id, following)

    def tell_people_again(self) -> int:
        """Try again all that was to tell people that they are needed, and was refused. Returns how many.

        Where somebody has answered the customer since, it is left. Safe to repeat.

        Raises:
            TransientError: Chatwoot cannot be asked now.
        """
        untold = [id for id, grave in self.all() if grave.tells_people]
        return sum(map(self._is_tried_again, untold))

    def _is_tried_again(self, id: str) -> bool:
        try:
            self.retry(id)
        except (AnsweredSince, NoSuchDeadLetter, PermanentError):
            return False
        log.info("people_told_again", conversation_id=int(id.partition(".")[0]))
        return True

    def discard(self, id: str) -> None:
        """
        Raises:
            NoSuchDeadLetter: there is none of this id.
        """
        grave = self.find(id)
        if not self.mailbox.discard(grave.conversation_id, id):
            raise NoSuchDeadLetter(id)

    def _write_again(self, id: str, grave: Grave) -> None:
        # Twice, should it end in between, is once: by the letter's key.
        self.write(json.loads(grave.content))
        self.mailbox.discard(grave.conversation_id, id)

    def _refuse_if_answered(self, grave: Grave) -> None:
        if answer := _answer(self._messages(grave), grave):
            who = answer.sender.kind if answer.sender else "somebody"
            raise AnsweredSince(f"conversation {grave.conversation_id}: {who} has answered since")

    def _messages(self, grave: Grave) -> Sequence[Message]:
        """What was said lately, as far as our token may see it."""
        try:
            return said_lately(self.client, self.speaker, grave.conversation_id, after=grave.after)
        except NotFound:
            raise
        except PermanentError:
            if self.client is not None:
                raise
            return []  # the operator has to look


def _answer(messages: Iterable[Message], grave: Grave) -> Message | None:
    if grave.after is not None:
        return answered.answer_since(messages, grave.after)
    # Chatwoot tells whole seconds: what was said in the very second in which this failed may have come later.
    since = int(grave.at)
    return next((each for each in messages if answered.is_reply(each) and (each.created_at or 0) >= since), None)
