"""Forget a conversation, or all of a person, wherever we remember it. What Chatwoot holds is for Chatwoot to forget."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from chatwoot.client import Client
from chatwoot.contacts import Contact
from chatwoot.errors import NotFound
from tasks.customers.claims import RecipientClaims
from tasks.customers.index import ContactIndex
from tasks.mailbox import Mailbox
from tasks.records import arguments
from tasks.records.arguments import InvalidArguments
from tasks.records.dead_letter import WRITING_FIRST, DeadLetter

if TYPE_CHECKING:  # LangGraph: not for the web process
    from graph.store import Store

log = structlog.get_logger()


@dataclass(frozen=True)
class Forgotten:
    """How much was known of one conversation, and is not any more."""

    conversation_id: int
    messages: int
    """The customer's and other people's, not answered yet."""
    actions: int
    """Not done yet."""
    records: int
    """Of what came and what was sent, so that nothing was done twice."""
    dead_letters: int
    memories: int
    """The graph's: 1, or 0; and what it put into the store for the conversation, where no contact was known."""

    @property
    def is_nothing(self) -> bool:
        return not (self.messages or self.actions or self.records or self.dead_letters or self.memories)


@dataclass(frozen=True)
class DataSubject:
    """Who is to be forgotten, as far as it is known."""

    conversation_ids: frozenset[int]
    contact_ids: frozenset[int]
    phone_numbers: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Eraser:
    """How this account's people are forgotten."""

    mailbox: Mailbox
    index: ContactIndex
    claims: RecipientClaims
    user: Client | None
    """With a user's token, to ask for a contact's conversations. None where there is only a bot's."""
    reply: Client
    forget_thread: Callable[[str], int]
    """Forgets a LangGraph thread, and returns how many there were."""
    store: Store
    """What graphs keep of customers beyond a conversation."""

    def conversation(self, conversation_id: int) -> Forgotten:
        """Safe to repeat. A turn that is being thought, or sent, is dropped; a message on its way out may still go."""
        # The mailbox first: a turn that has lost it cannot save its memory any more.
        found = self.mailbox.forget(conversation_id)
        return Forgotten(conversation_id, *found, self._forget_memories(conversation_id))

    def if_gone(self, conversation_id: int) -> bool:
        """Forget a conversation that Chatwoot does not know any more; its dead letters stay, without what was written.

        Raises:
            ChatwootError: Chatwoot cannot be asked now.
        """
        try:
            (self.user or self.reply).conversation(conversation_id)
        except NotFound as error:
            if not error.conversation_gone:
                raise
        else:
            return False
        self.mailbox.forget(conversation_id, keep_reasons=True)
        self._forget_memories(conversation_id)
        log.warning("conversation_forgotten", conversation_id=conversation_id, why="Chatwoot does not know it")
        return True

    def contact(self, contact_id: int) -> DataSubject:
        """Who the contact is: what Chatwoot says, and what we know since Chatwoot sent us the messages.

        Raises:
            ChatwootError: Chatwoot cannot be asked now.
        """
        contact = self._ask(contact_id)
        number = contact.phone_number if contact else None
        ids = self.index.of(contact_id=contact_id, phone_number=number) | self._conversations_of(contact)
        return DataSubject(frozenset(ids), frozenset({contact_id}), frozenset({number} if number else ()))

    def phone(self, phone_number: str) -> DataSubject:
        """
        Raises:
            InvalidArguments: it is none.
            ChatwootError: Chatwoot cannot be asked now.
        """
        number = arguments.require_phone_number(phone_number)
        contact = self.user.find_contact(number) if self.user else None
        ids = self.index.of(phone_number=number) | self._conversations_of(contact)
        if contact is None:
            return DataSubject(frozenset(ids), frozenset(self.index.contacts_of(ids)), frozenset({number}))
        ids |= self.index.of(contact_id=contact.id)
        return DataSubject(frozenset(ids), frozenset({contact.id}), frozenset({number}))

    def what_is_known_of(self, subject: DataSubject) -> int:
        """Forget what graphs have put into the store for them. Returns how many items. Safe to repeat.

        To be done after their conversations: a turn that has lost its mailbox cannot put anything any more.
        """
        return sum(map(self.store.forget_contact, subject.contact_ids))

    def first_messages_to(self, subject: DataSubject) -> int:
        """Forget what was written to them first, and their place in the directory. Returns how many messages."""
        count = sum(self.claims.forget(number) for number in subject.phone_numbers)
        for id, letter in list(self._undelivered()):
            if _number_in(letter) in subject.phone_numbers:
                count += self.mailbox.discard(letter.conversation_id, id)
        for contact_id in subject.contact_ids:
            self.index.remove(contact_id=contact_id)
        for number in subject.phone_numbers:
            self.index.remove(phone_number=number)
        return count

    def _forget_memories(self, conversation_id: int) -> int:
        in_store = self.store.forget_conversation(conversation_id)
        return self.forget_thread(self.mailbox.thread(conversation_id)) + in_store

    def _ask(self, contact_id: int) -> Contact | None:
        try:
            return self.user.contact(contact_id) if self.user else None
        except NotFound:
            return None

    def _conversations_of(self, contact: Contact | None) -> set[int]:
        return set(self._listed(contact)) if contact else set()

    def _listed(self, contact: Contact) -> Iterator[int]:
        """All of them: the contact's own list ends after 20."""
        assert self.user is not None
        for found in contact.contact_inboxes:
            page = 1
            while listed := self.user.conversations(
                status="all", inbox_id=found.inbox_id, source_id=found.source_id, page=page
            ):
                yield from (conversation.id for conversation in listed)
                page += 1

    def _undelivered(self) -> Iterable[tuple[str, DeadLetter]]:
        for record in self.mailbox.dead_letters():
            letter = DeadLetter.of(record)
            if letter.what == WRITING_FIRST:
                yield record.id, letter


def _number_in(letter: DeadLetter) -> str | None:
    try:
        return arguments.require_phone_number(json.loads(letter.content)["phone_number"])
    except InvalidArguments:
        return None
