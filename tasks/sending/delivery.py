"""How each act is done in Chatwoot: posted once, whatever happened to earlier tries. No Celery here."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from typing import Any

import structlog

from chatwoot import marker
from chatwoot.attachments import Upload
from chatwoot.errors import NotFound, PermanentError, TransientError
from tasks.mailbox import Mailbox, Sending
from tasks.ownership import answered
from tasks.ownership.handover import HandingOver
from tasks.records import actions
from tasks.records.actions import Act, Attached, Post, PutOff, SetStatus, Unknown
from tasks.runtime import failpoints
from tasks.runtime.clients import Desk, said_lately
from tasks.runtime.counters import Counted, count
from tasks.sending.changes import arrange
from tasks.sending.replacement import Replacement

log = structlog.get_logger()


class StillInDoubt(Exception):
    """Nothing is to be seen of an earlier try, but it may still come true: look again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__("an earlier try may still come true")
        self.seconds = seconds


class Withheld(Exception):
    """People have taken the conversation over: it was not said."""


@dataclass(frozen=True)
class Doer:
    """How acts are done in this process."""

    mailbox: Mailbox
    desk: Desk
    handing_over: HandingOver
    replacement: Replacement | None = None
    """Where to go with a customer's conversation gone; None: nowhere."""
    looks_before: bool = False
    """Whether the conversation is looked at before anything is posted: a call more for each message."""

    def do(self, act: Act, sending: Sending) -> None:
        """Do the act, unless an earlier try has done it.

        Raises:
            ChatwootError: as the client raises it.
            StillInDoubt: nobody can tell yet whether it was done.
            Withheld: people were quicker.
            TurnLost: the outbox is another worker's by now.
        """
        try:
            self._do(act, sending, sending.conversation_id)
        except PermanentError as error:
            if not error.conversation_gone:
                raise
            count(Counted.CONVERSATION_MISSING)
            if self.replacement is None or act.customer is None:
                raise
            try:
                instead = self.replacement.conversation_for(
                    act.customer, gone=sending.conversation_id, for_people=not actions.is_the_bots_turn(act)
                )
            except NotFound:
                raise error from None  # the customer is gone, too
            if instead is None:
                raise
            log.warning("conversation_replaced", key=actions.shown_key(act.key), new_conversation_id=instead)
            self._do(act, sending, instead)
            count(Counted.RECREATED)

    def _do(self, act: Act, sending: Sending, conversation_id: int) -> None:
        if isinstance(act, PutOff):
            self._put_off(act, sending.conversation_id)
        elif isinstance(act, SetStatus) and actions.opens(act):
            self.handing_over.hand_over(conversation_id, is_retry=sending.tries > 1)
            count(Counted.HANDOVERS)
        elif isinstance(act, Unknown):
            raise TransientError("another version of the program has written it")
        elif not isinstance(act, Post):
            arrange(self.desk, act, conversation_id)
        elif self._is_first_try(act, sending) or self._is_missing(act, sending, conversation_id):
            self._say(act, sending, conversation_id)

    def _say(self, act: Post, sending: Sending, conversation_id: int) -> None:
        if self.looks_before:
            self.desk.keeper.conversation(conversation_id)
        with self.desk.pace.posting(conversation_id):
            is_with_people = self.mailbox.confirm(sending)
            if is_with_people and actions.is_the_bots_turn(act):
                raise Withheld
            with failpoints.around("post"):
                message_id = self._post(act, conversation_id)
        key = actions.shown_key(act.key)
        log.info("message_sent", key=key, message_id=message_id, tries=sending.tries, private=act.private)
        if not act.private:
            count(Counted.MESSAGES_SENT, "agent" if actions.is_by_hand(act.key) else "webhook")

    def _put_off(self, act: PutOff, conversation_id: int) -> None:
        delay_s = max(0.0, act.post.asked_at - time.time())
        post, unless = actions.dump(act.post), act.unless_newer_than
        self.mailbox.put_off(conversation_id, act.key, post, delay_s=delay_s, unless_newer_than=unless)

    def _is_first_try(self, act: Post, sending: Sending) -> bool:
        return sending.tries == 1 and not act.look_first

    def _post(self, act: Post, conversation_id: int) -> int:
        marks = marker.written(act.key, version=self.desk.version(), at=act.asked_at)
        return self.desk.speaker.send_message(
            conversation_id,
            act.content,
            private=act.private,
            content_type="input_select" if act.quick_replies else None,
            content_attributes={**marks.content_attributes, **answered.written(act.answers), **_dressing(act)},
            external_created_at=marks.external_created_at,
            template_params=act.template_params,
            files=[_upload(file) for file in act.files],
        ).id

    def _is_missing(self, act: Post, sending: Sending, conversation_id: int) -> bool:
        if self._is_there(act, conversation_id):
            return False
        if sending.doubt_s > 0:
            raise StillInDoubt(sending.doubt_s)
        return True

    def _is_there(self, act: Post, conversation_id: int) -> bool:
        """Whether an earlier try has made the message. Our own webhook has not said so: `Sending.is_there`."""
        found = said_lately(self.desk.reader, self.desk.speaker, conversation_id, after=act.after)
        return any(marker.carries(message.content_attributes, act.key) for message in found)


def _dressing(act: Post) -> dict[str, Any]:
    """What makes a text a quote, or a question with buttons."""
    dressing: dict[str, Any] = {}
    if act.in_reply_to:
        dressing["in_reply_to"] = act.in_reply_to
    if act.quick_replies:
        dressing["items"] = [{"title": reply, "value": reply} for reply in act.quick_replies]
    return dressing


def _upload(file: Attached) -> Upload:
    return Upload(file.name, base64.b64decode(file.content), file.content_type)
