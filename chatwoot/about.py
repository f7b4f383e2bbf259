"""Whom a conversation is with, as far as Chatwoot tells: read alike from webhooks and from the API's answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chatwoot.reading import mapping, text, texts


@dataclass(frozen=True, kw_only=True)
class About:
    """The contact, and what is known of the conversation. What is not told is None or empty."""

    contact_name: str | None = field(default=None, repr=False)
    phone_number: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    identifier: str | None = field(default=None, repr=False)
    """What the business, or a bridge, calls the contact."""
    language: str | None = None
    """Such as "es": the contact's, or that of the browser in which the conversation began."""
    contact_attributes: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    conversation_attributes: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    labels: tuple[str, ...] = ()
    can_reply: bool = True
    """False: only an approved template reaches the customer."""


def about(conversation: Mapping[str, Any]) -> About:
    """From a conversation's JSON. Never raises."""
    contact = mapping(mapping(conversation.get("meta")).get("sender"))
    of_contact, of_conversation = (mapping(each.get("additional_attributes")) for each in (contact, conversation))
    languages = (
        of_contact.get("language"),
        of_conversation.get("conversation_language"),
        mapping(of_conversation.get("browser")).get("browser_language"),
        of_conversation.get("browser_language"),
    )
    return About(
        contact_name=text(contact.get("name")),
        phone_number=text(contact.get("phone_number")),
        email=text(contact.get("email")),
        identifier=text(contact.get("identifier")),
        language=next(filter(None, map(text, languages)), None),
        contact_attributes=mapping(contact.get("custom_attributes")),
        conversation_attributes=mapping(conversation.get("custom_attributes")),
        labels=texts(conversation.get("labels")),
        can_reply=conversation.get("can_reply") is not False,
    )
