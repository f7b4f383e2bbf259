"""The customer's side: what arrives through a channel, as the real channel makes contacts and conversations of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from sandbox import errors
from sandbox.contacts import Contacts, phone_source_id
from sandbox.conversations import Conversations
from sandbox.drafts import Draft, File
from sandbox.events import Events
from sandbox.messages import Messages
from sandbox.world import Contact, ContactInbox, Conversation, Inbox, Json, Message, MessageType, World


@dataclass(frozen=True)
class Writing:
    """What a customer sends. Where: a conversation, or a phone number in an inbox (the first that has phones)."""

    content: str | None = None
    conversation_id: int | None = None
    phone_number: str | None = None
    inbox_id: int | None = None
    name: str | None = None
    files: Sequence[File] = ()
    source_id: str | None = None
    content_attributes: Json = field(default_factory=dict)
    content_type: str = "text"
    """incoming_email, voice_call, sticker…"""


class Customers:
    def __init__(
        self, world: World, events: Events, contacts: Contacts, conversations: Conversations, messages: Messages
    ) -> None:
        self._world = world
        self._events = events
        self._contacts = contacts
        self._conversations = conversations
        self._messages = messages

    def write(self, writing: Writing) -> Message:
        """Store the message and tell of it. WhatsApp delivering one source_id twice makes one message of it."""
        if writing.conversation_id is not None:
            conversation = self._conversations.find(writing.conversation_id)
            return self._write_in(conversation, writing, begins=False)
        inbox = self._inbox(writing)
        contact = self._contact(writing, inbox)
        link = self._contacts.address(contact, inbox, self._known_address(contact, inbox))
        conversation, begins = self._conversation(contact, inbox, link)
        return self._write_in(conversation, writing, begins=begins)

    def type(self, conversation: Conversation, *, on: bool) -> None:
        self._events.typing(conversation, self._world.contact_of(conversation), on=on, private=False)

    def _write_in(self, conversation: Conversation, writing: Writing, *, begins: bool) -> Message:
        inbox = self._world.inbox_of(conversation)
        twin = self._twin(conversation, writing.source_id) if inbox.is_whatsapp else None
        if twin is not None:
            return twin
        draft = Draft(
            content=writing.content,
            message_type=MessageType.INCOMING,
            content_attributes=writing.content_attributes,
            content_type="incoming_email" if "email" in writing.content_attributes else writing.content_type,
            source_id=writing.source_id or _new_source_id(inbox),
            files=tuple(writing.files),
        )
        contact = self._world.contact_of(conversation)
        return self._messages.create(conversation, draft, contact, None, begins=begins)

    def _twin(self, conversation: Conversation, source_id: str | None) -> Message | None:
        if source_id is None:
            return None
        return next((m for m in conversation.messages if m.source_id == source_id), None)

    def _inbox(self, writing: Writing) -> Inbox:
        inboxes = self._world.inboxes
        if writing.inbox_id is not None:
            inbox = inboxes.get(writing.inbox_id)
        else:
            inbox = next((each for each in inboxes.values() if not each.is_api), None)
            inbox = inbox or next(iter(inboxes.values()), None)
        if inbox is None:
            raise errors.not_found()
        return inbox

    def _contact(self, writing: Writing, inbox: Inbox) -> Contact:
        phone_number = writing.phone_number
        contact = None
        if phone_number:
            contact = self._world.contact_where(lambda each: each.phone_number == phone_number)
            contact = contact or self._contact_at(inbox, phone_source_id(inbox, phone_number))
        return contact or self._contacts.create(
            {"name": writing.name or phone_number or "Customer", "phone_number": phone_number}
        )

    def _contact_at(self, inbox: Inbox, source_id: str) -> Contact | None:
        link = self._world.address(inbox, source_id)
        return self._world.contacts[link.contact_id] if link else None

    def _known_address(self, contact: Contact, inbox: Inbox) -> str | None:
        links = (link for link in self._world.addresses_of(contact) if link.inbox_id == inbox.id)
        return next((link.source_id for link in links), None)

    def _conversation(self, contact: Contact, inbox: Inbox, link: ContactInbox) -> tuple[Conversation, bool]:
        """The one that the channel goes on with, or a new one (then True)."""
        last = self._conversations.last_at(link)
        goes_on = last is not None and (
            inbox.keeps_one_conversation or inbox.channel_type == "Channel::WebWidget" or last.status != "resolved"
        )
        if last is not None and goes_on:
            return last, False
        return self._conversations.begin(contact, inbox, link, {}), True


def _new_source_id(inbox: Inbox) -> str | None:
    return f"wamid.{uuid4().hex}" if inbox.is_whatsapp else None
