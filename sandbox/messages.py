"""Messages: stored, told of, sent on their channel; and what each does to its conversation."""

import mimetypes
import time
from collections.abc import Callable
from typing import Any

from sandbox import channels, emails, errors, liquid
from sandbox.changes import change, describe, in_column_order
from sandbox.contacts import as_id
from sandbox.conversations import Actor, Conversations
from sandbox.drafts import Draft, File
from sandbox.events import Events
from sandbox.lag import Lag
from sandbox.world import (
    AgentBot,
    Attachment,
    Conversation,
    Inbox,
    Json,
    Message,
    MessageType,
    Sender,
    User,
    World,
)

_PER_MINUTE = 200
DELETED = "This message was deleted"
_STATUSES = ("sent", "delivered", "read", "failed")


class Messages:
    """`later` runs what Chatwoot leaves to a job, after so many seconds: handing a message on to its channel."""

    def __init__(
        self,
        world: World,
        events: Events,
        conversations: Conversations,
        later: Callable[[Callable[[], None], float], None],
        lag: Lag,
    ) -> None:
        self._world = world
        self._events = events
        self._conversations = conversations
        self._later = later
        self._lag = lag

    def find(self, conversation: Conversation, message_id: Any) -> Message:
        message = self._world.messages.get(as_id(message_id))
        if message is None or message.conversation_id != conversation.id:
            raise errors.not_found()
        return message

    def create(
        self, conversation: Conversation, draft: Draft, sender: Sender | None, actor: Actor, *, begins: bool = False
    ) -> Message:
        """Store a message and tell of it and of all that follows from it.

        With `begins` the conversation is new too: one transaction, so it is told of first.
        """
        self._check_flood(conversation)
        message = self._stored(conversation, draft, sender)
        if message.is_incoming:
            self._arrive(message)
        if begins:
            self._conversations.told(conversation)
        if message.is_incoming:
            self._conversations.reopen(conversation, actor)
        self._events.message_created(message)
        self._count_waiting(conversation, message, begins=begins)
        if message.is_incoming:
            self._touch_contact(conversation)
            self._greet(conversation)
        self._send_on_channel(conversation, message)
        return message

    def delete(self, message: Message) -> None:
        self._update(message, content=DELETED, template=DELETED, content_attributes={"deleted": True})
        message.attachments = []

    def edit(self, message: Message, content: str) -> None:
        """The customer has changed it, on a channel that tells of that."""
        self._update(message, content=content, template=content)

    def transcribe(self, message: Message, transcript: str) -> None:
        """A machine has listened to what the customer said."""
        for attachment in message.attachments:
            if attachment.file_type == "audio":
                attachment.transcript = transcript
        self._events.message_updated(message)

    def choose(self, message: Message, title: str) -> None:
        """The customer has chosen one of the quick replies that were sent to them: no message is made for it."""
        offered = message.content_attributes.get("items") or []
        chosen = [item for item in offered if item.get("title") == title]
        self._update(message, content_attributes=message.content_attributes | {"submitted_values": chosen})

    def set_status(self, message: Message, status: str, external_error: str | None = None) -> None:
        """As the channel reports it; of what is so already nothing is told."""
        if status not in _STATUSES:
            raise errors.broken()
        attributes = dict(message.content_attributes)
        attributes.pop("external_error", None)
        if status == "failed":
            attributes["external_error"] = external_error
        self._update(message, status=status, content_attributes=attributes)

    def retry(self, message: Message) -> None:
        """Twice an update, and at 4.15.1 all content_attributes are gone."""
        if message.status != "failed":
            return
        self._update(message, status="sent", content_attributes=message.content_attributes | {"external_error": None})
        self._update(message, content_attributes={})
        self._send_on_channel(self._world.conversations[message.conversation_id], message)

    def _check_flood(self, conversation: Conversation) -> None:
        since = time.time() - 60
        if len(conversation.messages) >= _PER_MINUTE and conversation.messages[-_PER_MINUTE].created_at > since:
            raise errors.unprocessable("Validation failed: Too many messages")

    def _stored(self, conversation: Conversation, draft: Draft, sender: Sender | None) -> Message:
        incoming = draft.message_type is MessageType.INCOMING
        rendered = draft.content
        if not incoming:
            rendered = liquid.render(self._world, conversation, sender, draft.content)
        message = Message(
            self._world.next_id("message"),
            conversation.id,
            conversation.inbox_id,
            draft.message_type,
            rendered,
            sender=sender,
            template=_unprocessed(draft),
            private=draft.private,
            content_type=draft.content_type,
            content_attributes=self._with_quoted(draft.content_attributes),
            additional_attributes=draft.additional_attributes,
            source_id=draft.source_id,
        )
        message.attachments = [self._attached(message, file) for file in draft.files]
        self._conversations.store(conversation, message)
        return message

    def _with_quoted(self, attributes: Json) -> Json:
        """A quoted message's id brings the channel's own id of it along."""
        quoted = self._world.messages.get(as_id(attributes.get("in_reply_to")))
        return attributes if quoted is None else attributes | {"in_reply_to_external_id": quoted.source_id}

    def _attached(self, message: Message, file: File) -> Attachment:
        content_type = file.content_type or mimetypes.guess_type(file.filename)[0] or ""
        family = content_type.partition("/")[0]
        file_type = file.file_type or (family if family in ("image", "audio", "video") else "file")
        attachment = Attachment(
            self._world.next_id("attachment"),
            message.id,
            file_type,
            file.filename,
            content_type,
            file.data,
            file.details,
        )
        self._world.attachments[attachment.id] = attachment
        return attachment

    def _count_waiting(self, conversation: Conversation, message: Message, *, begins: bool) -> None:
        """Who waits since when: a customer's message begins it, a public reply ends it (contract, "who waits")."""
        values = self._after_message(conversation, message)
        if not values:
            return
        # Building the webhook has loaded the labels, so this write stores their cache as well.
        if conversation.cached_label_list is None:
            values["cached_label_list"] = ""
        changed = change(conversation, **values)
        if changed and begins:
            changed = in_column_order([*changed, describe("display_id", None, conversation.id)])
        self._events.conversation_changed(conversation, changed)

    def _after_message(self, conversation: Conversation, message: Message) -> Json:
        if message.private or message.message_type is MessageType.TEMPLATE:
            return {}
        if message.is_incoming:
            return {"waiting_since": message.created_at} if conversation.waiting_since is None else {}
        by_person = isinstance(message.sender, User)
        by_bot = isinstance(message.sender, AgentBot) and self._world.version.bot_reply_ends_waiting
        values: Json = {}
        if by_person and conversation.first_reply_created_at is None:
            values["first_reply_created_at"] = message.created_at
        if (by_person or by_bot) and conversation.waiting_since is not None:
            values["waiting_since"] = None
        return values

    def _touch_contact(self, conversation: Conversation) -> None:
        contact = self._world.contact_of(conversation)
        self._events.contact_updated(contact, change(contact, last_activity_at=time.time()))

    def _greet(self, conversation: Conversation) -> None:
        """The inbox's greeting, once, after the conversation's first message."""
        settings = self._world.inbox_of(conversation).settings
        said = [message for message in conversation.messages if not message.is_activity]
        if not settings.get("greeting_enabled") or len(said) != 1:
            return
        greeting = Draft(settings.get("greeting_message"), MessageType.TEMPLATE)
        greeted = self._stored(conversation, greeting, None)
        self._events.message_created(greeted)
        self._send_on_channel(conversation, greeted)

    def _send_on_channel(self, conversation: Conversation, message: Message) -> None:
        """What has a source_id already is taken for the channel's own and never sent."""
        sent = message.message_type in (MessageType.OUTGOING, MessageType.TEMPLATE)
        if not sent or message.private:
            return
        if not channels.hands_on(self._world.inbox_of(conversation)):
            self._arrive(message)
        elif message.source_id is None:
            self._later(
                lambda: self._hand_on(message.id), self._lag.of_a_message_s(with_files=bool(message.attachments))
            )

    def _hand_on(self, message_id: int) -> None:
        message = self._world.messages.get(message_id)
        if message is None:
            return
        conversation = self._world.conversations[message.conversation_id]
        if why_not := channels.refusal(self._world, conversation, message):
            self.set_status(message, "failed", why_not)
            return
        self._arrive(message)
        inbox = self._world.inbox_of(conversation)
        self._update(message, source_id=channels.new_id(inbox, conversation, message))

    def _arrive(self, message: Message) -> None:
        message.arrival = self._world.next_id("arrival")

    def _update(self, message: Message, **values: Any) -> None:
        if all(getattr(message, name) == value for name, value in values.items()):
            return
        for name, value in values.items():
            setattr(message, name, value)
        message.updated_at = time.time()
        self._events.message_updated(message)


def _unprocessed(draft: Draft) -> str | None:
    """Of an e-mail what it quotes is left out."""
    email = emails.of(draft.content_attributes)
    return emails.without_quotes(email) if email and draft.content_type == "incoming_email" else draft.content


def check_incoming_allowed(inbox: Inbox, draft: Draft) -> None:
    """Through the API customers write in API inboxes only; elsewhere through their channel."""
    if draft.message_type is MessageType.INCOMING and not inbox.is_api:
        raise errors.unprocessable("Incoming messages are only allowed in Api inboxes")
