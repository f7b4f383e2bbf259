"""Forget a conversation, or all of a person, wherever we remember it. What Chatwoot holds is for Chatwoot to forget."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import structlog

from chatwoot.client import Client
from chatwoot.contacts import Contact
from chatwoot.errors import NotFound
from tasks.customers.claims import Recipients
from tasks.customers.index import Directory
from tasks.mailbox import Mailbox
from tasks.records import arguments
from tasks.records.arguments import BadCall
from tasks.recovery.dead_letters import WRITING_FIRST, Grave

log = structlog.get_logger()


@dataclass(frozen=True)
class Forgotten:
    """How much was known of one conversation, and is not any more."""

    conversation_id: int
    messages: int
    """The customer's and other people's, not answered yet."""
    acts: int
    """Not done yet."""
    records: int
    """Of what came and what was sent, so that nothing was done twice."""
    dead_letters: int
    memories: int
    """The graph's: 1, or 0."""

    @property
    def is_nothing(self) -> bool:
        return not (self.messages or self.acts or self.records or self.dead_letters or self.memories)


@dataclass(frozen=True)
class Person:
    """Who is to be forgotten, as far as it is known."""

    conversation_ids: frozenset[int]
    contact_ids: frozenset[int]
    phone_numbers: frozenset[str]


@dataclass(frozen=True)
class Forgetting:
    """How this account's people are forgotten."""

    mailbox: Mailbox
    directory: Directory
    recipients: Recipients
    client: Client | None
    """With a user's token, to ask for a contact's conversations. None where there is only a bot's."""
    speaker: Client
    forget_thread: Callable[[str], int]
    """Forgets a LangGraph thread, and returns how many there were."""

    def conversation(self, conversation_id: int) -> Forgotten:
        """Safe to repeat. A turn that is being thought, or sent, is dropped; a message on its way out may still go."""
        # The mailbox first: a turn that has lost it cannot save its memory any more.
        found = self.mailbox.forget(conversation_id)
        return Forgotten(conversation_id, *found, self.forget_thread(self.mailbox.thread(conversation_id)))

    def if_gone(self, conversation_id: int) -> bool:
        """Forget a conversation that Chatwoot does not know any more; its dead letters stay, without what was written.

        Raises:
            ChatwootError: Chatwoot cannot be asked now.
        """
        try:
            (self.client or self.speaker).conversation(conversation_id)
        except NotFound as error:
            if not error.conversation_gone:
                raise
        else:
            return False
        self.mailbox.forget(conversation_id, keep_reasons=True)
        self.forget_thread(self.mailbox.thread(conversation_id))
        log.warning("conversation_forgotten", conversation_id=conversation_id, why="Chatwoot does not know it")
        return True

    def contact(self, contact_id: int) -> Person:
        """Who the contact is: what Chatwoot says, and what we know since Chatwoot sent us the messages.

        Raises:
            ChatwootError: Chatwoot cannot be asked now.
        """
        contact = self._ask(contact_id)
        number = contact.phone_number if contact else None
        ids = self.directory.of(contact_id=contact_id, phone_number=number) | self._conversations_of(contact)
        return Person(frozenset(ids), frozenset({contact_id}), frozenset({number} if number else ()))

    def phone(self, phone_number: str) -> Person:
        """
        Raises:
            BadCall: it is none.
            ChatwootError: Chatwoot cannot be asked now.
        """
        number = arguments.a_phone_number(phone_number)
        contact = self.client.find_contact(number) if self.client else None
        ids = self.directory.of(phone_number=number) | self._conversations_of(contact)
        if contact is None:
            return Person(frozenset(ids), frozenset(), frozenset({number}))
        ids |= self.directory.of(contact_id=contact.id)
        return Person(frozenset(ids), frozenset({contact.id}), frozenset({number}))

    def letters_to(self, person: Person) -> int:
        """Forget what was written to them first, and their place in the directory. Returns how many letters."""
        count = sum(self.recipients.forget(number) for number in person.phone_numbers)
        for id, grave in list(self._undelivered()):
            if _number_in(grave) in person.phone_numbers:
                count += self.mailbox.discard(grave.conversation_id, id)
        for contact_id in person.contact_ids:
            self.directory.strike(contact_id=contact_id)
        for number in person.phone_numbers:
            self.directory.strike(phone_number=number)
        return count

    def _ask(self, contact_id: int) -> Contact | None:
        try:
            return self.client.contact(contact_id) if self.client else None
        except NotFound:
            return None

    def _conversations_of(self, contact: Contact | None) -> set[int]:
        return set(self._listed(contact)) if contact else set()

    def _listed(self, contact: Contact) -> Iterator[int]:
        """All of them: the contact's own list ends after 20."""
        assert self.client is not None
        for found in contact.contact_inboxes:
            page = 1
            while listed := self.client.conversations(
                status="all", inbox_id=found.inbox_id, source_id=found.source_id, page=page
            ):
                yield from (conversation.id for conversation in listed)
                page += 1

    def _undelivered(self) -> Iterable[tuple[str, Grave]]:
        for letter in self.mailbox.dead_letters():
            grave = Grave.of(letter)
            if grave.what == WRITING_FIRST:
                yield letter.id, grave


def _number_in(grave: Grave) -> str | None:
    try:
        return arguments.a_phone_number(json.loads(grave.content)["phone_number"])
    except BadCall:
        return None
