"""Find, or make, the conversation in which we write to somebody first. No Celery here."""

from __future__ import annotations

from dataclasses import dataclass

import phonenumbers
import structlog

from chatwoot.client import Client
from chatwoot.contacts import Contact

log = structlog.get_logger()

_OVER = "resolved"


class BadPhoneNumber(ValueError):
    """Not a phone number with its country: +34623226544. The text does not repeat it."""


def e164(phone_number: str) -> str:
    """`+34 623 22 65 44` -> `+34623226544`, as Chatwoot stores it.

    Raises:
        BadPhoneNumber: without "+" and country, or of an impossible length.
    """
    try:
        number = phonenumbers.parse(phone_number)
    except phonenumbers.NumberParseException as error:
        raise BadPhoneNumber("phone_number must be in international form, like +34623226544") from error
    if not phonenumbers.is_possible_number(number):
        raise BadPhoneNumber("phone_number has an impossible length for its country")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@dataclass(frozen=True)
class Outreach:
    """Where we write to people who have not written to us."""

    client: Client
    """With a user's token: a bot's may not look at contacts."""
    inbox_id: int

    def conversation_with(self, phone_number: str, *, name: str | None = None) -> int:
        """The id of the contact's unresolved conversation in our inbox; contact and conversation are made if missing.

        Safe to repeat: each making is preceded by a looking, so that a second run finds what the first has made.

        Raises:
            BadPhoneNumber: nothing was asked of Chatwoot.
            ChatwootError: as the client raises it. After `OutcomeUnknown` repeat the whole: it looks first.
        """
        number = e164(phone_number)
        contact = self.client.find_contact(number)
        if contact is None:
            contact = self.client.create_contact(name=name or number, phone_number=number, inbox_id=self.inbox_id)
            log.info("contact_created", contact_id=contact.id)
        elif (conversation_id := self._unresolved(contact)) is not None:
            return conversation_id
        return self._create(contact)

    def _unresolved(self, contact: Contact) -> int | None:
        """In a bot's inbox it is usually pending. The one with the newest activity stands first."""
        for conversation in self.client.contact_conversations(contact.id):
            if conversation.inbox_id == self.inbox_id and conversation.status != _OVER:
                return conversation.id
        return None

    def _create(self, contact: Contact) -> int:
        # Without the contact's own source_id an API inbox makes a new contact_inbox each time.
        source_id = contact.source_id_in(self.inbox_id)
        conversation = self.client.create_conversation(
            inbox_id=self.inbox_id, contact_id=contact.id, source_id=source_id or None
        )
        log.info("conversation_created", contact_id=contact.id, new_conversation_id=conversation.id)
        return conversation.id
