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
    """What a bridge or the business calls the contact."""
    language: str | None = None
    """Such as "es": the contact's, or that of the browser in which the conversation began."""
    contact_attributes: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    conversation_attributes: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    labels: tuple[str, ...] = ()
    can_reply: bool = True
    """False: outside WhatsApp's 24 hours, free text would be accepted and never delivered."""


class WithAbout:
    """What `ConversationEvent` and `Conversation` have in common: they have this field."""

    about: About

    @property
    def contact_phone_number(self) -> str | None:
        return self.about.phone_number

    @property
    def contact_identifier(self) -> str | None:
        return self.about.identifier

    @property
    def labels(self) -> tuple[str, ...]:
        return self.about.labels

    @property
    def can_reply(self) -> bool:
        return self.about.can_reply


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
