"""Webhooks as typed values: account webhooks, an API inbox's and an agent bot's have the same bodies.

Webhooks come in any order, twice, late or never, and their conversation is a snapshot from when they were built, which
may be later than the event. Every key may be missing in some version of Chatwoot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from chatwoot import marker, people
from chatwoot.about import About, WithAbout, about
from chatwoot.attachments import Attachment, attachments
from chatwoot.messages import MessageType, message_type
from chatwoot.reading import identifier, items, mapping, moment, text
from chatwoot.wording import Wording


@dataclass(frozen=True, kw_only=True)
class ConversationEvent(WithAbout):
    """What every webhook tells about its conversation."""

    account_id: int | None
    """None in some conversation events before 4.14.2."""
    conversation_id: int
    """The number that the dashboard shows and that API calls use."""
    inbox_id: int | None
    conversation_status: str | None
    conversation_updated_at: float | None
    """Unix seconds with a fraction: of two webhooks the one with the greater tells the newer state."""
    assignee: people.Assignee | None
    waiting_since: float | None
    channel: str | None
    """Such as "Channel::Whatsapp"."""
    contact_id: int | None
    contact_source_id: str | None = field(repr=False)
    """The contact's own in this inbox: see `Client.create_conversation`."""
    contact_is_blocked: bool
    about: About = field(repr=False)

    @property
    def is_assigned_to_person(self) -> bool:
        return self.assignee is not None and self.assignee.kind == "user"


@dataclass(frozen=True, kw_only=True)
class MessageEvent(ConversationEvent, Wording):
    """What a webhook tells about its message."""

    account_id: int
    message_id: int
    content: str | None = field(repr=False)
    """None where there are only attachments."""
    content_type: str | None
    message_type: MessageType | None
    is_private: bool
    created_at: float | None
    """Unix seconds."""
    source_id: str | None
    """The channel's own id: two messages with the same one are one message, delivered twice."""
    sender: people.Sender | None
    attachments: tuple[Attachment, ...]
    status: str | None
    """sent, delivered, read or failed; None where the webhook does not tell."""
    campaign_id: int | None
    template_params: Mapping[str, Any] | None = field(repr=False, hash=False)
    """Of an approved WhatsApp template, as it was posted."""
    content_attributes: Mapping[str, Any] = field(repr=False, hash=False)

    @property
    def our_key(self) -> str | None:
        return text(self.content_attributes.get(marker.OUR_KEY))

    @property
    def is_note(self) -> bool:
        return self.is_private

    @property
    def is_incoming(self) -> bool:
        return self.message_type == "incoming" and not self.is_private

    @property
    def is_outgoing(self) -> bool:
        """The customer sees it, and it is none of Chatwoot's own templates."""
        return self.message_type == "outgoing" and not self.is_private

    @property
    def is_template(self) -> bool:
        """Written by Chatwoot itself: greetings, surveys, and what automation rules and campaigns send."""
        return self.message_type == "template" or (self.is_outgoing and self.is_sent_by_itself)

    @property
    def is_from_person(self) -> bool:
        """A member of the team wrote to the customer: in Chatwoot, or on the business's own phone (no sender then).

        So does a program with a user's token, ours too: `is_ours` first.
        """
        return self.is_outgoing and not self.is_sent_by_itself and (self.sender is None or self.sender.kind == "user")

    @property
    def is_failed(self) -> bool:
        """We, or someone on our side, wrote it, and it did not reach the customer."""
        return self.is_outgoing and (self.status == "failed" or self.external_error is not None)

    @property
    def is_delivered(self) -> bool:
        return self.is_outgoing and self.status in ("delivered", "read")

    @property
    def lacks_a_transcript(self) -> bool:
        """A voice note. Where Chatwoot transcribes them, `message_updated` brings its words a few seconds later."""
        return any(each.kind == "audio" and not each.transcript for each in self.attachments)

    @property
    def is_unsupported(self) -> bool:
        """The customer sent what Chatwoot cannot show; the content is a sentence of Chatwoot's that says so."""
        return bool(self.content_attributes.get("is_unsupported"))

    @property
    def is_sender_blocked(self) -> bool:
        return self.contact_is_blocked or (self.sender is not None and self.sender.is_blocked)

    @property
    def is_sent_by_itself(self) -> bool:
        """A campaign, or an automation rule, has sent it."""
        return self.campaign_id is not None or self.is_automatic

    def is_ours(self, key_name: str = marker.OUR_KEY) -> bool:
        """It carries our key, whoever its sender is."""
        return self.message_type != "incoming" and marker.is_marked(self.content_attributes, key_name)


@dataclass(frozen=True, kw_only=True)
class MessageCreated(MessageEvent):
    """A message was stored: a customer's, ours, a person's, another bot's, a note, a template."""

    @property
    def is_from_customer(self) -> bool:
        return self.is_incoming


@dataclass(frozen=True, kw_only=True)
class MessageUpdated(MessageEvent):
    """Something about a message changed, and the webhook does not name it: sent, failed, deleted, answered…"""

    @property
    def is_from_customer(self) -> bool:
        """The customer chose a quick reply or filled in a form: no message is created for it."""
        return self.is_outgoing and not self.is_deleted and bool(self.submitted_values)


@dataclass(frozen=True)
class Change:
    """An attribute's value before and after. None: not set."""

    previous: Any = field(repr=False, hash=False)
    current: Any = field(repr=False, hash=False)


@dataclass(frozen=True, kw_only=True)
class ConversationUpdated(ConversationEvent):
    """Attributes of the conversation changed. Bots get it since 4.13."""

    changes: Mapping[str, Change] = field(hash=False)
    """By Chatwoot's names: status, assignee_id, assignee_agent_bot_id, team_id, label_list, waiting_since, …"""


@dataclass(frozen=True, kw_only=True)
class ConversationStatusChanged(ConversationEvent):
    """The status is another one now; from which, the webhook does not tell. Bots get it since 4.13."""


@dataclass(frozen=True, kw_only=True)
class ConversationOpened(ConversationEvent):
    """The status is *open* now. Only bots get it."""


@dataclass(frozen=True, kw_only=True)
class ConversationResolved(ConversationEvent):
    """The status is *resolved* now. Only bots get it."""


@dataclass(frozen=True, kw_only=True)
class ConversationCreated(ConversationEvent):
    """A conversation began. Its first message has a webhook of its own, which may come earlier."""


Event: TypeAlias = MessageCreated | MessageUpdated | ConversationEvent


def parse(payload: Mapping[str, Any]) -> Event | None:
    """The webhook as a value; None for kinds that say nothing to us, and where ids are missing. Never raises."""
    name = text(payload.get("event"))
    if name in _MESSAGE_EVENTS:
        return _message_event(_MESSAGE_EVENTS[name], payload)
    if name == "conversation_updated":
        return _conversation_event(
            lambda **told: ConversationUpdated(**told, changes=_changes(payload.get("changed_attributes"))), payload
        )
    if name in _CONVERSATION_EVENTS:
        return _conversation_event(_CONVERSATION_EVENTS[name], payload)
    return None


_MESSAGE_EVENTS: dict[str | None, type[MessageCreated] | type[MessageUpdated]] = {
    "message_created": MessageCreated,
    "message_updated": MessageUpdated,
}
_CONVERSATION_EVENTS: dict[str | None, type[ConversationEvent]] = {
    "conversation_status_changed": ConversationStatusChanged,
    "conversation_opened": ConversationOpened,
    "conversation_resolved": ConversationResolved,
    "conversation_created": ConversationCreated,
}


def _message_event(
    kind: type[MessageCreated] | type[MessageUpdated], payload: Mapping[str, Any]
) -> MessageCreated | MessageUpdated | None:
    conversation, more = mapping(payload.get("conversation")), mapping(payload.get("additional_attributes"))
    message_id = identifier(payload.get("id"))
    account_id = identifier(mapping(payload.get("account")).get("id"))
    conversation_id = identifier(conversation.get("id"))
    if message_id is None or account_id is None or conversation_id is None:
        return None
    return kind(
        **_about(conversation) | {"inbox_id": _inbox_id(payload, conversation)},
        account_id=account_id,
        conversation_id=conversation_id,
        message_id=message_id,
        content=text(payload.get("content")),
        content_type=text(payload.get("content_type")),
        message_type=message_type(payload.get("message_type")),
        is_private=payload.get("private") is True,
        created_at=moment(payload.get("created_at")),
        source_id=text(payload.get("source_id")),
        sender=people.sender(payload.get("sender")),
        attachments=attachments(payload.get("attachments")),
        status=_status_of(message_id, conversation),
        campaign_id=identifier(more.get("campaign_id")),
        template_params=mapping(more.get("template_params")) or None,
        content_attributes=mapping(payload.get("content_attributes")),
    )


def _conversation_event(
    make: Callable[..., ConversationEvent], conversation: Mapping[str, Any]
) -> ConversationEvent | None:
    if (conversation_id := identifier(conversation.get("id"))) is None:
        return None
    return make(**_about(conversation), account_id=_account_id(conversation), conversation_id=conversation_id)


def _about(conversation: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of ConversationEvent, but for the ids that make an event usable."""
    meta = mapping(conversation.get("meta"))
    contact = mapping(meta.get("sender"))
    contact_inbox = mapping(conversation.get("contact_inbox"))
    return {
        "inbox_id": identifier(conversation.get("inbox_id")),
        "conversation_status": text(conversation.get("status")),
        "conversation_updated_at": moment(conversation.get("updated_at")),
        "assignee": people.assignee(meta),
        "waiting_since": moment(conversation.get("waiting_since")),
        "channel": text(conversation.get("channel")),
        "contact_id": identifier(contact.get("id")) or identifier(contact_inbox.get("contact_id")),
        "contact_source_id": text(contact_inbox.get("source_id")),
        "contact_is_blocked": contact.get("blocked") is True,
        "about": about(conversation),
    }


def _account_id(conversation: Mapping[str, Any]) -> int | None:
    told = identifier(mapping(conversation.get("account")).get("id"))
    in_messages = [identifier(message.get("account_id")) for message in items(conversation.get("messages"))]
    return next((found for found in [told, *in_messages] if found is not None), None)


def _inbox_id(payload: Mapping[str, Any], conversation: Mapping[str, Any]) -> int | None:
    return identifier(conversation.get("inbox_id")) or identifier(mapping(payload.get("inbox")).get("id"))


def _status_of(message_id: int, conversation: Mapping[str, Any]) -> str | None:
    """A message event has no status of its own; the conversation's last message has one, and may be another message."""
    messages = items(conversation.get("messages"))
    return next((text(message.get("status")) for message in messages if message.get("id") == message_id), None)


def _changes(value: object) -> dict[str, Change]:
    """From Chatwoot's list of objects with one key each."""
    return {
        name: Change(mapping(change).get("previous_value"), mapping(change).get("current_value"))
        for changed in items(value)
        for name, change in changed.items()
    }
