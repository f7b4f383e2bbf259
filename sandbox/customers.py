"""The customer's side: what arrives through a channel, as the real channel makes contacts and conversations of it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from sandbox import emails, errors
from sandbox.contacts import Contacts, phone_source_id
from sandbox.conversations import Conversations
from sandbox.drafts import Draft, File
from sandbox.events import Events
from sandbox.messages import Messages
from sandbox.world import Contact, ContactInbox, Conversation, Inbox, Json, Message, MessageType, World


@dataclass(frozen=True)
class Writing:
    """What a customer sends. Where: a conversation, or an inbox (the first that is none of the API's), as whoever has
    the phone number, the identifier or the e-mail address."""

    content: str | None = None
    conversation_id: int | None = None
    phone_number: str | None = None
    identifier: str | None = None
    """A group's, as bridges to WhatsApp write it: 120363040000000000@g.us."""
    email: str | None = None
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
        address = self._known_address(contact, inbox) or (writing.email if inbox.is_email else None)
        link = self._contacts.address(contact, inbox, address)
        conversation, begins = self._conversation(contact, inbox, link, emails.of(writing.content_attributes))
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
            content_type=_content_type(inbox, writing),
            source_id=writing.source_id or _new_source_id(inbox, writing),
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
        phone_number = writing.phone_number or None
        known_by = {
            "phone_number": phone_number,
            "identifier": writing.identifier or None,
            "email": writing.email.lower() if writing.email else None,
        }
        contact = self._contact_with(known_by)
        if contact is None and phone_number:
            contact = self._contact_at(inbox, phone_source_id(inbox, phone_number))
        return contact or self._contacts.create(
            {"name": writing.name or _name(known_by), "additional_attributes": _attributes(writing, inbox), **known_by}
        )

    def _contact_with(self, known_by: dict[str, str | None]) -> Contact | None:
        given = [(name, value) for name, value in known_by.items() if value]
        return self._world.contact_where(lambda each: any(getattr(each, name) == value for name, value in given))

    def _contact_at(self, inbox: Inbox, source_id: str) -> Contact | None:
        link = self._world.address(inbox, source_id)
        return self._world.contacts[link.contact_id] if link else None

    def _known_address(self, contact: Contact, inbox: Inbox) -> str | None:
        links = (link for link in self._world.addresses_of(contact) if link.inbox_id == inbox.id)
        return next((link.source_id for link in links), None)

    def _conversation(
        self, contact: Contact, inbox: Inbox, link: ContactInbox, email: Json
    ) -> tuple[Conversation, bool]:
        """The one that the channel goes on with, or a new one (then True)."""
        if inbox.is_email:
            return self._correspondence(contact, inbox, link, email)
        last = self._conversations.last_at(link)
        goes_on = last is not None and (
            inbox.keeps_one_conversation or inbox.channel_type == "Channel::WebWidget" or last.status != "resolved"
        )
        if last is not None and goes_on:
            return last, False
        return self._conversations.begin(contact, inbox, link, {}), True

    def _correspondence(
        self, contact: Contact, inbox: Inbox, link: ContactInbox, email: Json
    ) -> tuple[Conversation, bool]:
        theirs = self._world.conversations_of(contact)
        answered = next((each for each in theirs if emails.answers(email, each)), None)
        if answered is not None:
            return answered, False
        about = {"additional_attributes": emails.conversation_attributes(email, time.time())}
        return self._conversations.begin(contact, inbox, link, about), True


def _name(known_by: dict[str, str | None]) -> str:
    """Of whom the channel does not name."""
    by = next(filter(None, known_by.values()), "Customer")
    return by.partition("@")[0] if by == known_by["email"] else by


def _attributes(writing: Writing, inbox: Inbox) -> Json:
    if not inbox.is_email or not writing.email:
        return {}
    return emails.contact_attributes(writing.email, emails.of(writing.content_attributes).get("message_id"))


def _content_type(inbox: Inbox, writing: Writing) -> str:
    is_email = inbox.is_email or "email" in writing.content_attributes
    return "incoming_email" if is_email else writing.content_type


def _new_source_id(inbox: Inbox, writing: Writing) -> str | None:
    if inbox.is_email:
        return emails.of(writing.content_attributes).get("message_id") or f"{uuid4().hex}@example.com"
    return f"wamid.{uuid4().hex}" if inbox.is_whatsapp else None
