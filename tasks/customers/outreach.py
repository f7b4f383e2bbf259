"""Write to somebody first: find, or make, the contact and the conversation, once for each message. No Celery here."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import structlog

from chatwoot.channels import overtakes
from chatwoot.client import Client
from chatwoot.contacts import Contact
from chatwoot.conversations import Conversation
from chatwoot.errors import NotFound, OutcomeUnknown, PermanentError, TransientError
from chatwoot.inboxes import Inbox
from chatwoot.phones import one_form, written_forms
from tasks.customers.claims import Claim, Placement, RecipientClaims
from tasks.customers.index import ContactIndex
from tasks.mailbox import Mailbox
from tasks.records import actions, arguments
from tasks.records.actions import PostMessage
from tasks.records.dead_letter import WRITING_FIRST, DeadLetter
from tasks.runtime.counters import Counted, count

log = structlog.get_logger()

_OVER = "resolved"
_NO_CONVERSATION = 0
_WINDOW = (
    "outside WhatsApp's 24-hour window a customer is reached by an approved template only: "
    'give template_params, like {"name": "order_update", "language": "es"}'
)


class Undeliverable(Exception):
    """The message cannot be sent, and trying again would not help. It is a dead letter. The text is for operators."""


@dataclass(frozen=True, kw_only=True)
class FirstMessage:
    """A message to somebody who need not have written to us."""

    phone_number: str = field(repr=False)
    content: str = field(repr=False)
    """With a template: its text with everything filled in, for the agents to read."""
    key: str
    """Said once to this number from this inbox, however often it is asked for."""
    inbox_id: int
    name: str | None = field(default=None, repr=False)
    """Of a contact that has to be made."""
    template_params: Mapping[str, Any] | None = field(default=None, repr=False)

    def checked(self) -> FirstMessage:
        """The same, with the phone number as Chatwoot stores it.

        Raises:
            arguments.InvalidArguments: something in it makes no sense.
        """
        if self.name is not None:
            arguments.require_text(self.name, "name")
        return FirstMessage(
            phone_number=arguments.require_phone_number(self.phone_number),
            content=arguments.require_text(self.content, "content"),
            key=arguments.require_key(self.key),
            inbox_id=arguments.require_id(self.inbox_id, "inbox_id"),
            name=self.name,
            template_params=arguments.require_template(self.template_params),
        )

    @property
    def id(self) -> str:
        """The same key may be used for several people, and in several inboxes."""
        return f"{self.inbox_id}.{self.key}"


@dataclass(frozen=True, kw_only=True)
class Outreach:
    """How we write to people who have not written to us."""

    client: Client
    """With a user's token: a bot's may not look at contacts."""
    mailbox: Mailbox
    claims: RecipientClaims
    index: ContactIndex
    most_retry_s: float
    _inboxes: dict[int, Inbox] = field(default_factory=dict)

    def write(self, message: FirstMessage) -> int:
        """Put the message into its conversation's outbox; contact and conversation are made if missing.

        Safe to repeat, also at the same time on several workers. Returns the conversation's id.

        Raises:
            arguments.InvalidArguments, Undeliverable: refused before anything was posted, and kept as a dead letter.
            Busy: another worker is at it.
            TransientError, OutcomeUnknown: repeat the whole, it looks first.
        """
        try:
            message = message.checked()
            place = self._place(message)
        except (arguments.InvalidArguments, Undeliverable) as error:
            keep_undeliverable(self.mailbox, message, str(error))
            raise
        template = message.template_params if place.with_template else None
        action = PostMessage(
            key=f"{actions.BY_HAND}{message.key}",
            content=message.content,
            asked_at=time.time(),
            ignores_takeover=True,
            template_params=None if template is None else dict(template),
        )
        self.mailbox.enqueue(place.conversation_id, action.key, actions.dump(action))
        return place.conversation_id

    def _place(self, message: FirstMessage) -> Placement:
        claim = self.claims.claim(one_form(message.phone_number), message.id)
        if isinstance(claim, Placement):
            return claim
        with self._held(claim):
            conversation = self._conversation(message, claim)
            if not conversation.can_reply and message.template_params is None:
                raise Undeliverable(_WINDOW)
            self.index.add(conversation.id, contact_id=conversation.contact_id, phone_number=message.phone_number)
            if (overtaking := overtakes(conversation.channel)) is not None:
                self.mailbox.know_channel(conversation.id, overtakes=overtaking)
            return self.claims.place(claim, Placement(conversation.id, with_template=not conversation.can_reply))

    @contextmanager
    def _held(self, claim: Claim) -> Iterator[None]:
        try:
            with self._translate_errors(claim):
                yield
        except Undeliverable:
            self.claims.forget_message(claim)  # tried anew, it has all its time again
            raise
        finally:
            self.claims.let_go(claim)

    @contextmanager
    def _translate_errors(self, claim: Claim) -> Iterator[None]:
        """What Chatwoot refuses for good, or fails to do for long, is undeliverable."""
        try:
            yield
        except NotFound as error:
            raise Undeliverable(f"there is no such inbox in the account: {error}") from error
        except PermanentError as error:
            raise Undeliverable(str(error)) from error
        except (TransientError, OutcomeUnknown) as error:
            if claim.age_s < self.most_retry_s:
                raise
            raise Undeliverable(f"given up: {error}") from error

    def _conversation(self, message: FirstMessage, claim: Claim) -> Conversation:
        """The contact's unresolved conversation in the inbox, else a new one."""
        contact = self._contact(message.phone_number)
        known = [] if contact is None else self._known(contact)
        # The one with the newest activity stands first. In a bot's inbox an unresolved one is usually pending.
        here = [each for each in known if each.inbox_id == message.inbox_id]
        for conversation in here:
            if conversation.status != _OVER:
                return conversation
        self._require_window(message, here)
        return self._create_conversation(message, contact or self._create_contact(message, claim), claim)

    def _contact(self, phone_number: str) -> Contact | None:
        """Whoever has this number; else, whoever has it in another form."""
        found = map(self.client.find_contact, written_forms(phone_number))
        return next((contact for contact in found if contact is not None), None)

    def _known(self, contact: Contact) -> list[Conversation]:
        try:
            return self.client.contact_conversations(contact.id)
        except NotFound as error:
            raise TransientError(f"the contact is just being deleted: {error}") from error

    def _require_window(self, message: FirstMessage, here: list[Conversation]) -> None:
        """Make nothing in which nothing could be said: in WhatsApp a new conversation has no window yet."""
        inbox = self._inbox(message.inbox_id)
        if inbox is None or inbox.channel.window_hours is None or message.template_params is not None:
            return
        if not (inbox.is_single_conversation and any(each.can_reply for each in here)):
            raise Undeliverable(_WINDOW)

    def _inbox(self, inbox_id: int) -> Inbox | None:
        """Asked once in each process: an inbox's channel does not change. None: this server does not tell."""
        if inbox_id not in self._inboxes:
            try:
                self._inboxes[inbox_id] = self.client.inbox(inbox_id)
            except PermanentError:
                return None  # where there is no such inbox, nothing can be made in it either
        return self._inboxes[inbox_id]

    def _create_contact(self, message: FirstMessage, claim: Claim) -> Contact:
        self.claims.renew(claim)
        number = message.phone_number
        try:
            contact = self.client.create_contact(
                name=message.name or number, phone_number=number, inbox_id=message.inbox_id
            )
        except PermanentError as error:
            if not error.already_taken:
                raise
            return self._created_meanwhile(number, error)
        log.info("contact_created", contact_id=contact.id)
        return contact

    def _created_meanwhile(self, phone_number: str, error: PermanentError) -> Contact:
        contact = self.client.find_contact(phone_number)
        if contact is None:
            raise TransientError(f"{error}; and it is not found yet") from error
        return contact

    def _create_conversation(self, message: FirstMessage, contact: Contact, claim: Claim) -> Conversation:
        """An inbox that is locked to a single conversation gives the old one, and this is it."""
        self.claims.renew(claim)
        # Without the contact's own source_id an API inbox makes a new contact_inbox each time.
        source_id = contact.source_id_in(message.inbox_id)
        conversation = self.client.create_conversation(
            inbox_id=message.inbox_id, contact_id=contact.id, source_id=source_id or None
        )
        log.info("conversation_created", contact_id=contact.id, new_conversation_id=conversation.id)
        return conversation


def keep_undeliverable(mailbox: Mailbox, message: FirstMessage, reason: str) -> None:
    """Keep what was refused as a dead letter: one for each message, however often it is delivered.

    Raises:
        redis.RedisError: it is not kept; whoever delivered the message must do so again.
    """
    content = json.dumps(asdict(message), sort_keys=True)
    # Of all of it: whatever stands in it may be senseless, and one key may be meant for many people.
    name = hashlib.sha256(content.encode()).hexdigest()[:16]
    log.error("first_message_undeliverable", letter=f"{_NO_CONVERSATION}.{name}", reason=reason)
    kept = DeadLetter(
        conversation_id=_NO_CONVERSATION,
        what=WRITING_FIRST,
        reason=reason,
        attempts=1,
        at=time.time(),
        content=content,
    )
    mailbox.keep_dead_letter(_NO_CONVERSATION, kept.recorded_as(name))
    count(Counted.DEAD_LETTERS, WRITING_FIRST)
