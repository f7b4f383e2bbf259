"""How each action is done in Chatwoot: posted once, whatever happened to earlier tries. No Celery here."""

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
from tasks.ownership.asking import Asking
from tasks.ownership.handover import Handover
from tasks.ownership.listed import is_acted_on
from tasks.ownership.news import digest
from tasks.records import actions
from tasks.records.actions import (
    Action,
    Attached,
    OpenForPerson,
    PostMessage,
    ScheduleMessage,
    SetStatus,
    Unknown,
)
from tasks.recovery.restoration import Restoration
from tasks.runtime import failpoints
from tasks.runtime.clients import Clients, said_since
from tasks.runtime.counters import Counted, count
from tasks.sending.changes import arrange
from tasks.sending.elsewhere import Elsewhere
from tasks.sending.order import Order
from tasks.sending.replacement import Replacement

log = structlog.get_logger()


class StillInDoubt(Exception):
    """Chatwoot has answered, and nothing is to be seen of an earlier try, but it may still come true: look again."""

    def __init__(self) -> None:
        super().__init__("an earlier try may still come true")


class Suppressed(Exception):
    """People have taken the conversation over, or its customer is to be left alone: it was not said."""


class NoSilence(Suppressed):
    """The customer has written elsewhere: what was to be said to their silence was not. Nothing else is withheld."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How actions are done in this process."""

    mailbox: Mailbox
    clients: Clients
    handover: Handover
    restoration: Restoration
    order: Order
    elsewhere: Elsewhere
    replacement: Replacement | None = None
    """Where to go with a customer's conversation gone; None: nowhere."""
    looks_before: bool = False
    """Whether the conversation is looked at before anything is posted, not only what is the bot's turn to say."""

    def do(self, action: Action, sending: Sending, asking: Asking) -> int | None:
        """Do the action, unless an earlier try has done it. Whose the conversation is, Chatwoot is asked before.

        Returns the id of the public message that is there by now; None where it is in another conversation, too.

        Raises:
            ChatwootError: as the client raises it.
            StillInDoubt: nobody can tell yet whether it was done.
            StillOnItsWay: it would overtake what was said before.
            Suppressed: people have the conversation, or have ended it.
            NoSilence: the customer has written elsewhere.
            TurnLost: the outbox is another worker's by now.
        """
        try:
            return self._do(action, sending, sending.conversation_id, asking)
        except PermanentError as error:
            if not error.conversation_gone:
                raise
            count(Counted.CONVERSATION_MISSING)
            if self.replacement is None or action.customer is None:
                raise
            try:
                instead = self.replacement.conversation_for(
                    action.customer, gone=sending.conversation_id, for_people=not actions.is_the_bots_turn(action)
                )
            except NotFound:
                raise error from None  # the customer is gone, too
            if instead is None:
                raise
            log.warning("conversation_replaced", key=actions.shown_key(action.key), new_conversation_id=instead)
            self._do(action, sending, instead, None)
            count(Counted.RECREATED)
            return None

    def _do(self, action: Action, sending: Sending, conversation_id: int, asking: Asking | None) -> int | None:
        """`asking`: None where it is another conversation, found to be the bot's a moment ago.

        An earlier try may have said it before people took the conversation: that is looked for first.
        """
        is_to_be_suppressed = sending.owned_by_human and actions.is_the_bots_turn(action)
        if is_to_be_suppressed and not isinstance(action, PostMessage):
            raise Suppressed
        if not isinstance(action, PostMessage):
            self.restoration.require_to_be_done(action, can_be_seen=True)
        if isinstance(action, ScheduleMessage):
            self._schedule(action, sending.conversation_id)
        elif isinstance(action, SetStatus) and actions.opens(action):
            self.handover.hand_over(conversation_id, is_retry=sending.tries > 1)
            count(Counted.HANDOVERS)
        elif isinstance(action, OpenForPerson):
            self._open_for_person(action, sending)
        elif isinstance(action, Unknown):
            raise TransientError("another version of the program has written it")
        elif not isinstance(action, PostMessage):
            if actions.is_the_bots_turn(action):
                self._require_to_be_the_bots(action, sending, asking)
            arrange(self.clients, action, conversation_id)
        else:
            message_id = self._said_before(action, sending, conversation_id)
            if message_id is None:
                if is_to_be_suppressed:
                    raise Suppressed
                self.restoration.require_to_be_done(action, can_be_seen=self.clients.user is not None)
                message_id = self._say(action, sending, conversation_id, asking)
            return None if action.private else message_id
        return None

    def _say(self, action: PostMessage, sending: Sending, conversation_id: int, asking: Asking | None) -> int:
        if not action.private and conversation_id == sending.conversation_id:
            self.order.require_arrival(sending)
        self._require_silence(action, sending)
        if self.looks_before and not actions.is_the_bots_turn(action):
            self.clients.admin.conversation(conversation_id)
        with self.clients.rate_limit.posting(conversation_id):
            self._require_to_be_the_bots(action, sending, asking)
            with failpoints.around("post"):
                message_id = self._post(action, conversation_id)
        key = actions.shown_key(action.key)
        log.info("message_sent", key=key, message_id=message_id, tries=sending.tries, private=action.private)
        if not action.private:
            count(Counted.MESSAGES_SENT, "outreach" if actions.is_by_hand(action.key) else "reply")
        return message_id

    def _require_silence(self, action: PostMessage, sending: Sending) -> None:
        """In the customer's other conversations, where that was wanted."""
        since, customer = action.unless_newer_than, action.customer
        if since is None or customer is None:
            return
        if self.elsewhere.has_written(customer, since=since, but=sending.conversation_id):
            raise NoSilence

    def _require_to_be_the_bots(self, action: Action, sending: Sending, asking: Asking | None) -> None:
        """Right before the action: the outbox is this worker's still, and where it matters the conversation the bot's.

        Raises:
            ChatwootError: it could not be asked.
            Suppressed, TurnLost: as `do`.
        """
        is_the_bots_turn = actions.is_the_bots_turn(action)
        customer = action.customer if is_the_bots_turn else None
        if customer is not None and self.handover.policy.leaves_alone(customer.contact_id, None):
            raise Suppressed
        told = asking.news(sending) if asking is not None and is_the_bots_turn else None
        says = digest(action.content) if isinstance(action, PostMessage) and not action.private else ""
        # Resolved over what the customer has just written, that would be nobody's to answer.
        ends = isinstance(action, SetStatus) and action.status == "resolved"
        if self.mailbox.confirm(sending, news=told, says=says, unless_waiting=ends) and is_the_bots_turn:
            raise Suppressed

    def _open_for_person(self, action: OpenForPerson, sending: Sending) -> None:
        """Not where people have done something to it since: perhaps opened it, and given it back."""
        conversation = self.clients.conversation(sending.conversation_id)
        if conversation.status != "pending":
            return
        newest = [conversation.last_message] if conversation.last_message else []
        if self.clients.user is not None:
            newest = self.clients.user.messages(sending.conversation_id, after=action.word_id)
        if is_acted_on(action.word_id, newest):
            return
        self.handover.open(sending.conversation_id, is_retry=sending.tries > 1)
        log.info("opened_for_person")

    def _schedule(self, action: ScheduleMessage, conversation_id: int) -> None:
        delay_s = max(0.0, action.post.asked_at - time.time())
        post, unless = actions.dump(action.post), action.unless_newer_than
        self.mailbox.schedule(conversation_id, action.key, post, delay_s=delay_s, unless_newer_than=unless)

    def _is_first_try(self, action: PostMessage, sending: Sending) -> bool:
        return sending.tries == 1 and not action.look_first and not self.restoration.is_doubtful(action)

    def _post(self, action: PostMessage, conversation_id: int) -> int:
        marks = marker.written(action.key, version=self.clients.version(), at=action.asked_at)
        return self.clients.reply.send_message(
            conversation_id,
            action.content,
            private=action.private,
            content_type="input_select" if action.quick_replies else None,
            content_attributes={
                **marks.content_attributes,
                **answered.written(action.answers),
                **_rich_attributes(action),
            },
            external_created_at=marks.external_created_at,
            template_params=action.template_params,
            files=[_upload(file) for file in action.files],
        ).id

    def _said_before(self, action: PostMessage, sending: Sending, conversation_id: int) -> int | None:
        """The id of the message that an earlier try has made. Our own webhook has not told: `Sending.is_there`."""
        if self._is_first_try(action, sending):
            return None
        user, reply = self.clients.user, self.clients.reply
        found = said_since(user, reply, conversation_id, after=action.after, since=self.restoration.since(action))
        message_id = next((each.id for each in found if marker.carries(each.content_attributes, action.key)), None)
        if message_id is None and sending.doubt_s > 0:
            raise StillInDoubt
        return message_id


def _rich_attributes(action: PostMessage) -> dict[str, Any]:
    """What makes a text a quote, or a question with buttons."""
    attributes: dict[str, Any] = {}
    if action.in_reply_to:
        attributes["in_reply_to"] = action.in_reply_to
    if action.quick_replies:
        attributes["items"] = [{"title": reply, "value": reply} for reply in action.quick_replies]
    return attributes


def _upload(file: Attached) -> Upload:
    return Upload(file.name, base64.b64decode(file.content), file.content_type)
