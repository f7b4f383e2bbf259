"""Contacts and their addresses in inboxes."""

import re
import uuid
from typing import Any

from sandbox import errors
from sandbox.changes import change
from sandbox.events import Events
from sandbox.world import Contact, ContactInbox, Inbox, Json, World

_E164 = re.compile(r"\+[1-9]\d{1,14}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_WHATSAPP_SOURCE = re.compile(r"\d{1,15}|[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")
_WHATSAPP_SOURCE_IN_RUBY = r"(?-mix:\A(?:\d{1,15}|[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128})\z)"
_WRITABLE = (
    "name",
    "email",
    "phone_number",
    "identifier",
    "blocked",
    "additional_attributes",
    "custom_attributes",
)
_LONGEST_ATTRIBUTE = 1500
_PHONE_CHANNELS = ("Channel::Whatsapp", "Channel::TwilioSms", "Channel::Sms")


class Contacts:
    def __init__(self, world: World, events: Events) -> None:
        self._world = world
        self._events = events

    def find(self, contact_id: Any) -> Contact:
        contact = self._world.contacts.get(as_id(contact_id))
        if contact is None:
            raise errors.not_found()
        return contact

    def create(self, params: Json) -> Contact:
        values = {name: params[name] for name in _WRITABLE if name in params}
        values["name"] = values.get("name") or ""
        self._check(values)
        contact = Contact(self._world.next_id("contact"), **values)
        self._world.contacts[contact.id] = contact
        self._events.contact_created(contact)
        return contact

    def update(self, contact: Contact, params: Json) -> None:
        values = {name: params[name] for name in _WRITABLE if name in params}
        self._check(values, but=contact)
        self._events.contact_updated(contact, change(contact, **values))

    def delete(self, contact: Contact) -> None:
        """With all its conversations, and without a word: there is no contact_deleted webhook."""
        for conversation in self._world.conversations_of(contact):
            self._world.forget_conversation(conversation)
        for link in self._world.addresses_of(contact):
            del self._world.contact_inboxes[link.id]
        del self._world.contacts[contact.id]

    def merge(self, base: Contact, mergee: Contact) -> None:
        for conversation in self._world.conversations_of(mergee):
            conversation.contact_id = base.id
        for link in self._world.addresses_of(mergee):
            link.contact_id = base.id
        del self._world.contacts[mergee.id]

    def address(self, contact: Contact, inbox: Inbox, source_id: str | None = None) -> ContactInbox:
        """Find or create the contact's address in the inbox.

        In API and web-widget inboxes without `source_id` it is a new one each time.
        """
        source_id = source_id or self._own_source_id(contact, inbox) or str(uuid.uuid4())
        existing = self._world.address(inbox, source_id)
        if existing is not None and existing.contact_id == contact.id:
            return existing
        if existing is not None and inbox.channel_type not in _PHONE_CHANNELS:
            raise errors.unprocessable("source_id should be unique")
        if existing is not None:
            existing.source_id = f"{source_id}{uuid.uuid4().hex[:8]}"
        if inbox.is_whatsapp and not _WHATSAPP_SOURCE.fullmatch(source_id):
            problem = f"invalid source id for whatsapp inbox. valid Regex {_WHATSAPP_SOURCE_IN_RUBY}"
            raise errors.Refused(422, {"message": f"Source {problem}", "attributes": ["source_id"]})
        link = ContactInbox(self._world.next_id("contact_inbox"), contact.id, inbox.id, source_id)
        self._world.contact_inboxes[link.id] = link
        return link

    def contactable(self, contact: Contact) -> list[tuple[Inbox, str]]:
        """Inboxes that could reach the contact, with a source_id that need not exist yet."""
        reachable = []
        for inbox in self._world.inboxes.values():
            if inbox.is_api:
                reachable.append((inbox, str(uuid.uuid4())))
            elif inbox.is_email and contact.email:
                reachable.append((inbox, contact.email))
            elif inbox.channel_type in _PHONE_CHANNELS and contact.phone_number:
                reachable.append((inbox, phone_source_id(inbox, contact.phone_number)))
        return reachable

    def _own_source_id(self, contact: Contact, inbox: Inbox) -> str | None:
        if inbox.is_email:
            return _required(contact.email, "contact email")
        if inbox.channel_type not in _PHONE_CHANNELS:
            return None
        return phone_source_id(inbox, _required(contact.phone_number, "contact phone number"))

    def _check(self, values: Json, but: Contact | None = None) -> None:
        phone_number, email = values.get("phone_number"), values.get("email")
        if phone_number and not _E164.fullmatch(phone_number):
            raise errors.invalid("phone_number", "should be in e164 format")
        if email and not _EMAIL.fullmatch(email):
            raise errors.invalid("email", "Invalid email")
        check_attributes(values.get("custom_attributes") or {})
        for name in ("email", "phone_number", "identifier"):
            if values.get(name) and self._taken(name, values[name], but):
                raise errors.invalid(name, "has already been taken")

    def _taken(self, name: str, value: Any, but: Contact | None) -> bool:
        others = (contact for contact in self._world.contacts.values() if contact is not but)
        return any(getattr(contact, name) == value for contact in others)


def _required(value: str | None, name: str) -> str:
    if not value:
        raise errors.unprocessable(f"param is missing or the value is empty: {name}")
    return value


def phone_source_id(inbox: Inbox, phone_number: str) -> str:
    """WhatsApp: the phone's digits; SMS: the phone."""
    return phone_number.lstrip("+") if inbox.is_whatsapp else phone_number


def check_attributes(attributes: Json) -> None:
    for name, value in attributes.items():
        if isinstance(value, str) and len(value) >= _LONGEST_ATTRIBUTE:
            raise errors.invalid("custom_attributes", f"{name} length should be < {_LONGEST_ATTRIBUTE}")


def as_id(value: Any) -> int:
    """An id as Rails reads it: what is no number finds nothing."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0
