"""How each act is done in Chatwoot: posted once, whatever happened to earlier tries. No Celery here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from chatwoot import marker
from chatwoot.client import Client
from chatwoot.messages import Message
from tasks import answered, crash_points
from tasks.acts import Act, Post, SetStatus
from tasks.mailbox import Mailbox, Sending

log = structlog.get_logger()


class StillInDoubt(Exception):
    """Nothing is to be seen of an earlier try, but it may still come true: look again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__("an earlier try may still come true")
        self.seconds = seconds


@dataclass(frozen=True)
class Desk:
    """The two hands that we have in Chatwoot."""

    speaker: Client
    """Posts: as the agent bot where there is one."""
    reader: Client | None
    """Lists messages, finds contacts: a user's token. None where there is only a bot's."""
    version: Callable[[], str]
    """Chatwoot's; which marks a message can carry depends on it. Raises `ChatwootError`."""
    in_flight: threading.BoundedSemaphore
    """Chatwoot only gets slower with more at once."""


@dataclass(frozen=True)
class Doer:
    """How acts are done in this process."""

    mailbox: Mailbox
    desk: Desk

    def do(self, act: Act, sending: Sending) -> None:
        """Do the act, unless an earlier try has done it.

        Raises:
            ChatwootError: as the client raises it.
            StillInDoubt: nobody can tell yet whether it was done.
        """
        if isinstance(act, SetStatus):
            self.desk.speaker.set_status(sending.conversation_id, act.status)
        elif self._is_first_try(act, sending) or self._is_missing(act, sending):
            with self.desk.in_flight, crash_points.around("post"):
                message_id = self._post(act, sending.conversation_id)
            log.info("message_sent", key=act.key, message_id=message_id, tries=sending.tries, private=act.private)

    def _is_first_try(self, act: Post, sending: Sending) -> bool:
        return sending.tries == 1 and not act.look_first

    def _post(self, act: Post, conversation_id: int) -> int:
        marks = marker.written(act.key, version=self.desk.version(), at=act.asked_at)
        return self.desk.speaker.send_message(
            conversation_id,
            act.content,
            private=act.private,
            content_attributes={**marks.content_attributes, **answered.written(act.answers)},
            external_created_at=marks.external_created_at,
        ).id

    def _is_missing(self, act: Post, sending: Sending) -> bool:
        if self._is_there(act, sending.conversation_id):
            return False
        if sending.doubt_s > 0:
            raise StillInDoubt(sending.doubt_s)
        return True

    def _is_there(self, act: Post, conversation_id: int) -> bool:
        """Whether an earlier try has made the message: our own webhook may have said so, else Chatwoot is asked."""
        if self.mailbox.was_seen(conversation_id, act.key):
            return True
        reader = self.desk.reader
        found: Sequence[Message | None]
        if reader is not None:
            found = reader.messages(conversation_id, after=act.after)
        else:
            conversation = self.desk.speaker.conversation(conversation_id)
            found = [conversation.last_message, conversation.last_non_activity_message]
        return any(message and marker.carries(message.content_attributes, act.key) for message in found)
