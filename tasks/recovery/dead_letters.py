"""What could not be thought or sent: kept, with its reason, for a person to look at, try again or discard."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from chatwoot.client import Client
from chatwoot.errors import NotFound, PermanentError
from chatwoot.messages import Message
from tasks.mailbox import Mailbox, NoSuchDeadLetter
from tasks.mailbox.doorbells import Doorbells
from tasks.ownership import answered
from tasks.records import actions, incoming
from tasks.records.actions import PostMessage
from tasks.records.dead_letter import THINKING, WRITING_FIRST, DeadLetter
from tasks.recovery.scan import each_done
from tasks.runtime.clients import said_since

log = structlog.get_logger()

_AFTER_A_FAILURE = re.compile(r"\.after-[0-9]+$")  # how the key of what a channel refused ends: undelivered.py


class AnsweredSince(Exception):
    """Somebody has answered the customer since: to send it now would be out of place. The text says who and when."""


class NothingLeft(Exception):
    """Only the reason was kept: the conversation is gone, or what failed is a file that Chatwoot has."""


@dataclass(frozen=True, kw_only=True)
class DeadLetters:
    """The dead letters of the account."""

    mailbox: Mailbox
    user: Client | None
    """With a user's token, to see whether somebody has answered. None where there is only a bot's."""
    reply: Client
    """Shows a bot the last message, since Chatwoot 4.14.2."""
    doorbells: Doorbells
    write: Callable[[dict[str, Any]], object]
    """Calls `tasks.send_message` with these arguments."""

    def all(self) -> Iterator[tuple[str, DeadLetter]]:
        """With their ids, the oldest first."""
        letters = [(record.id, DeadLetter.of(record)) for record in self.mailbox.dead_letters()]
        return iter(sorted(letters, key=lambda letter: letter[1].at))

    def find(self, id: str) -> DeadLetter:
        """
        Raises:
            NoSuchDeadLetter: there is none of this id.
        """
        for known, letter in self.all():
            if known == id:
                return letter
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
        letter = self.find(id)
        if letter.what == WRITING_FIRST:
            self._write_again(id, letter)
            return
        if not letter.content:
            raise NothingLeft(f"conversation {letter.conversation_id} is gone, or it was a file that only Chatwoot has")
        self._refuse_if_answered(letter)
        if letter.what == THINKING:
            messages = {incoming.load(text).id: text for text in json.loads(letter.content)}
            following = self.mailbox.requeue_messages(letter.conversation_id, id, messages)
        else:
            action = actions.dump(actions.renewed(actions.load(letter.content), time.time()))
            following = self.mailbox.requeue_action(letter.conversation_id, id, action)
        self._discard_alert(id, letter)
        self.doorbells.announce(letter.conversation_id, following)

    def tell_people_again(self) -> int:
        """Try again all that was to tell people that they are needed, and was refused. Returns how many.

        Where somebody has answered the customer since, it is left. One that fails stops no other. Safe to repeat.

        Raises:
            ChatwootError: of some it cannot be seen now whether people know; the others were tried.
        """
        untold = [id for id, letter in self.all() if letter.tells_people]
        # In any order: some conversations in which Chatwoot hangs are not always the first ones.
        turn = {conversation_id: random.random() for conversation_id in map(_conversation_id, untold)}
        untold.sort(key=lambda id: turn[_conversation_id(id)])
        return sum(each_done(untold, self._is_tried_again, conversation_id=_conversation_id))

    def _is_tried_again(self, id: str) -> bool:
        try:
            self.retry(id)
        except (AnsweredSince, NoSuchDeadLetter, PermanentError):
            return False
        log.info("people_told_again", conversation_id=_conversation_id(id))
        return True

    def _discard_alert(self, id: str, letter: DeadLetter) -> None:
        """People who could not be told that this had failed need not be told now; should it fail again, they are.

        Where only the opening failed they have read the note, and it stays.
        """
        about = _AFTER_A_FAILURE.sub(".undelivered", id)
        try:
            note = actions.load(self.find(f"{about}.note").content)
        except NoSuchDeadLetter:
            return
        if isinstance(note, PostMessage) and note.content.endswith(actions.TAKE_OVER):
            for alert in ("note", "open"):
                self.mailbox.discard(letter.conversation_id, f"{about}.{alert}")

    def discard(self, id: str) -> None:
        """
        Raises:
            NoSuchDeadLetter: there is none of this id.
        """
        letter = self.find(id)
        if not self.mailbox.discard(letter.conversation_id, id):
            raise NoSuchDeadLetter(id)

    def _write_again(self, id: str, letter: DeadLetter) -> None:
        # Twice, should it end in between, is once: by the letter's key.
        self.write(json.loads(letter.content))
        self.mailbox.discard(letter.conversation_id, id)

    def _refuse_if_answered(self, letter: DeadLetter) -> None:
        if answer := _answer(self._messages(letter), letter):
            who = answer.sender.kind if answer.sender else "somebody"
            raise AnsweredSince(f"conversation {letter.conversation_id}: {who} has answered since")

    def _messages(self, letter: DeadLetter) -> Sequence[Message]:
        """What was said since it failed, as far as our token may see it."""
        try:
            return said_since(self.user, self.reply, letter.conversation_id, after=letter.after, since=letter.at)
        except NotFound:
            raise
        except PermanentError:
            if self.user is not None:
                raise
            return []  # the operator has to look


def _conversation_id(id: str) -> int:
    return int(id.partition(".")[0])


def _answer(messages: Iterable[Message], letter: DeadLetter) -> Message | None:
    if letter.after is not None:
        return answered.answer_since(messages, letter.after)
    # Chatwoot tells whole seconds: what was said in the very second in which this failed may have come later.
    since = int(letter.at)
    return next((each for each in messages if answered.is_reply(each) and (each.created_at or 0) >= since), None)
