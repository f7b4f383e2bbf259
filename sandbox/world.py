"""What the stand-in knows: Chatwoot's records, kept in memory behind one lock."""

import secrets
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count
from typing import Any

from sandbox.version import Version

Json = dict[str, Any]


def token() -> str:
    """A random secret as Chatwoot makes them: 24 characters."""
    return secrets.token_urlsafe(18)


class MessageType(IntEnum):
    """Chatwoot writes the number in lists and in nested messages, the name at the top of webhooks."""

    INCOMING = 0
    OUTGOING = 1
    ACTIVITY = 2
    TEMPLATE = 3

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(slots=True)
class Account:
    id: int
    name: str
    keep_pending_on_bot_failure: bool = False


@dataclass(slots=True)
class User:
    id: int
    name: str
    email: str
    role: str
    access_token: str
    pubsub_token: str = field(default_factory=token)

    @property
    def is_administrator(self) -> bool:
        return self.role == "administrator"


@dataclass(slots=True)
class AgentBot:
    id: int
    name: str
    outgoing_url: str | None
    description: str | None = None
    access_token: str = field(default_factory=token)
    secret: str = field(default_factory=token)
    created_at: float = field(default_factory=time.time)


@dataclass(slots=True)
class Inbox:
    """A channel. `settings` holds what no bot reads, as its REST body shows it."""

    id: int
    channel_id: int
    name: str
    channel_type: str
    settings: Json = field(default_factory=dict)
    webhook_url: str | None = None
    secret: str = field(default_factory=token)
    agent_bot_id: int | None = None
    member_ids: set[int] = field(default_factory=set)
    created_at: float = field(default_factory=time.time)
    updated_at: float = field(default_factory=time.time)

    @property
    def is_api(self) -> bool:
        return self.channel_type == "Channel::Api"

    @property
    def is_whatsapp(self) -> bool:
        return self.channel_type == "Channel::Whatsapp"

    @property
    def is_email(self) -> bool:
        return self.channel_type == "Channel::Email"

    @property
    def provider(self) -> str | None:
        provider: str | None = self.settings.get("provider")
        return provider

    @property
    def keeps_one_conversation(self) -> bool:
        return bool(self.settings.get("lock_to_single_conversation"))


@dataclass(slots=True)
class Contact:
    id: int
    name: str = ""
    email: str | None = None
    phone_number: str | None = None
    identifier: str | None = None
    blocked: bool = False
    additional_attributes: Json = field(default_factory=dict)
    custom_attributes: Json = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    """Shown nowhere but where they are asked for."""
    last_activity_at: float | None = None
    created_at: float = field(default_factory=time.time)
    updated_at: float = field(default_factory=time.time)


@dataclass(slots=True)
class ContactInbox:
    """A contact's address in an inbox: (inbox, source_id) is unique."""

    id: int
    contact_id: int
    inbox_id: int
    source_id: str
    created_at: float = field(default_factory=time.time)
    hmac_verified: bool = False
    pubsub_token: str = field(default_factory=token)


@dataclass(slots=True)
class Attachment:
    """`details` are the keys that a location or a contact card has instead of a file's."""

    id: int
    message_id: int
    file_type: str
    filename: str = ""
    content_type: str = ""
    data: bytes = b""
    details: Json = field(default_factory=dict)
    transcript: str = ""
    """Of what was said in it: Chatwoot has it made after it has told of the message."""


Sender = Contact | User | AgentBot


@dataclass(slots=True)
class Message:
    id: int
    conversation_id: int
    inbox_id: int
    message_type: MessageType
    content: str | None
    sender: Sender | None = None
    template: str | None = None
    """The text before Liquid was rendered (Chatwoot: processed_message_content)."""
    private: bool = False
    content_type: str = "text"
    content_attributes: Json = field(default_factory=dict)
    additional_attributes: Json = field(default_factory=dict)
    source_id: str | None = None
    status: str = "sent"
    arrival: int | None = None
    """As the how many-th it came to anybody's phone, the customer's own counted. None: it is on none."""
    attachments: list[Attachment] = field(default_factory=list)
    created_at: float = field(default_factory=time.time)
    updated_at: float = field(default_factory=time.time)

    @property
    def is_activity(self) -> bool:
        return self.message_type is MessageType.ACTIVITY

    @property
    def is_incoming(self) -> bool:
        return self.message_type is MessageType.INCOMING


@dataclass(slots=True)
class Conversation:
    """`id` is what Chatwoot calls display_id: the one that URLs and webhooks use."""

    id: int
    inbox_id: int
    contact_id: int
    contact_inbox_id: int
    status: str = "open"
    assignee_id: int | None = None
    assignee_agent_bot_id: int | None = None
    team_id: int | None = None
    label_list: list[str] = field(default_factory=list)
    cached_label_list: str | None = None
    additional_attributes: Json = field(default_factory=dict)
    custom_attributes: Json = field(default_factory=dict)
    priority: str | None = None
    snoozed_until: float | None = None
    waiting_since: float | None = None
    first_reply_created_at: float | None = None
    agent_last_seen_at: float | None = None
    assignee_last_seen_at: float | None = None
    contact_last_seen_at: float | None = None
    created_at: float = field(default_factory=time.time)
    updated_at: float = field(default_factory=time.time)
    last_activity_at: float = field(default_factory=time.time)
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    messages: list[Message] = field(default_factory=list)


@dataclass(slots=True)
class Team:
    id: int
    name: str
    description: str | None = None
    allow_auto_assign: bool = True
    created_at: float = field(default_factory=time.time)


@dataclass(slots=True)
class Webhook:
    id: int
    url: str
    subscriptions: list[str]
    name: str | None = None
    inbox_id: int | None = None
    secret: str = field(default_factory=token)


@dataclass(slots=True)
class Article:
    """Of a help centre, published. `content` is Markdown."""

    id: int
    portal: str
    """Its slug."""
    locale: str
    category_id: int
    title: str
    content: str
    description: str = ""
    created_at: float = field(default_factory=time.time)


class World:
    """All records by id. Whoever reads or writes holds `lock`.

    The first conversation and the first message are number `first_id`; all else is counted from 1.
    """

    def __init__(self, *, version: Version, first_id: int = 1) -> None:
        self.lock = threading.RLock()
        self.version = version
        self.base_url = ""
        self.account = Account(1, "Peluquería Sol")
        self.users: dict[int, User] = {}
        self.bots: dict[int, AgentBot] = {}
        self.inboxes: dict[int, Inbox] = {}
        self.contacts: dict[int, Contact] = {}
        self.contact_inboxes: dict[int, ContactInbox] = {}
        self.conversations: dict[int, Conversation] = {}
        self.messages: dict[int, Message] = {}
        self.attachments: dict[int, Attachment] = {}
        self.teams: dict[int, Team] = {}
        self.webhooks: dict[int, Webhook] = {}
        self.articles: dict[int, Article] = {}
        self._sequences = {"conversation": count(first_id), "message": count(first_id)}

    def next_id(self, kind: str) -> int:
        return next(self._sequences.setdefault(kind, count(1)))

    def next_conversation_id(self) -> int:
        """The next display id that no conversation was given by hand."""
        number = self.next_id("conversation")
        while number in self.conversations:
            number = self.next_id("conversation")
        return number

    def owner_of(self, access_token: str) -> User | AgentBot | None:
        owners: list[User | AgentBot] = [*self.users.values(), *self.bots.values()]
        return next((owner for owner in owners if owner.access_token == access_token), None)

    def contact_where(self, test: Callable[[Contact], bool]) -> Contact | None:
        return next((contact for contact in self.contacts.values() if test(contact)), None)

    def addresses_of(self, contact: Contact) -> list[ContactInbox]:
        return [link for link in self.contact_inboxes.values() if link.contact_id == contact.id]

    def address(self, inbox: Inbox, source_id: str) -> ContactInbox | None:
        links = self.contact_inboxes.values()
        return next((x for x in links if x.inbox_id == inbox.id and x.source_id == source_id), None)

    def conversations_of(self, contact: Contact) -> list[Conversation]:
        return [c for c in self.conversations.values() if c.contact_id == contact.id]

    def inbox_of(self, conversation: Conversation) -> Inbox:
        return self.inboxes[conversation.inbox_id]

    def contact_of(self, conversation: Conversation) -> Contact:
        return self.contacts[conversation.contact_id]

    def bots_of(self, conversation: Conversation) -> list[AgentBot]:
        """Who is told about the conversation: its bot assignee and its inbox's bot, once each."""
        ids = (conversation.assignee_agent_bot_id, self.inbox_of(conversation).agent_bot_id)
        return [self.bots[bot_id] for bot_id in dict.fromkeys(ids) if bot_id in self.bots]

    def forget_conversation(self, conversation: Conversation) -> None:
        del self.conversations[conversation.id]
        for message in conversation.messages:
            self.messages.pop(message.id, None)
