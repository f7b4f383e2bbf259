"""A contact, as the API answers it: a customer, and the inboxes in which we can write to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chatwoot import reading


@dataclass(frozen=True, kw_only=True)
class ContactInbox:
    """How a contact is reached in one inbox. Chatwoot keeps it apart from the contact; there may be several."""

    inbox_id: int
    source_id: str = field(repr=False)
    """In a WhatsApp inbox the digits of the phone, in an API inbox a random id."""


@dataclass(frozen=True, kw_only=True)
class Contact:
    """A customer."""

    id: int
    name: str | None = field(repr=False)
    phone_number: str | None = field(repr=False)
    """E.164 with its plus."""
    is_blocked: bool
    contact_inboxes: tuple[ContactInbox, ...]

    def source_id_in(self, inbox_id: int) -> str | None:
        """The contact's own source id in this inbox, to be given when a conversation is created there."""
        return next((found.source_id for found in self.contact_inboxes if found.inbox_id == inbox_id), None)

    @classmethod
    def from_json(cls, value: Any) -> Contact:
        """
        Raises:
            Misshapen: it has no id.
        """
        contact = reading.mapping(value)
        found = map(_contact_inbox, reading.items(contact.get("contact_inboxes")))
        return cls(
            id=reading.required_id(contact),
            name=reading.text(contact.get("name")),
            phone_number=reading.text(contact.get("phone_number")),
            is_blocked=contact.get("blocked") is True,
            contact_inboxes=tuple(contact_inbox for contact_inbox in found if contact_inbox),
        )


def _contact_inbox(value: Mapping[str, Any]) -> ContactInbox | None:
    inbox_id = reading.identifier(reading.mapping(value.get("inbox")).get("id"))
    source_id = reading.text(value.get("source_id"))
    return ContactInbox(inbox_id=inbox_id, source_id=source_id) if inbox_id and source_id else None
