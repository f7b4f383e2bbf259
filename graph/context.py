"""Whom a graph talks to: LangGraph's runtime context, for graphs that ask for one by their `context_schema`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graph.schemas import fields_of


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """What Chatwoot said of the conversation with the newest message. What it did not say is None or empty.

    A graph takes all of it, `StateGraph(TalkState, context_schema=Conversation)`, or a schema of its own with some of
    these fields, or with `namespace`.
    """

    account_id: int
    conversation_id: int
    inbox_id: int | None = None
    channel: str | None = None
    """Such as "Channel::Whatsapp"."""
    contact_id: int | None = None
    contact_name: str | None = field(default=None, repr=False)
    phone_number: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    identifier: str | None = field(default=None, repr=False)
    """What the business, or a bridge, calls the contact."""
    language: str | None = None
    """Such as "es"."""
    contact_attributes: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    conversation_attributes: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    labels: tuple[str, ...] = ()
    can_reply: bool = True
    """False: only an approved template reaches the customer."""
    window_open_until: float | None = None
    """Unix seconds, where the channel takes free text for so long only (WhatsApp); None: always."""
    subject: str | None = field(default=None, repr=False)
    """An e-mail's."""
    handed_back: bool = False
    """People had the conversation since the graph last ran."""

    @property
    def namespace(self) -> tuple[str, ...]:
        """The customer's own, for LangGraph's store: `flask forget` erases what stands under it.

        Where no contact is known, that of the conversation.
        """
        if self.contact_id is None:
            return conversation_namespace(self.account_id, self.conversation_id)
        return contact_namespace(self.account_id, self.contact_id)


def contact_namespace(account_id: int, contact_id: int) -> tuple[str, ...]:
    return ("contacts", str(account_id), str(contact_id))


def conversation_namespace(account_id: int, conversation_id: int) -> tuple[str, ...]:
    return ("conversations", str(account_id), str(conversation_id))


class CannotFill(TypeError):
    """A schema wants what nobody can tell."""


def require_fillable(schema: type[Any]) -> None:
    """
    Raises:
        CannotFill: it has a field without a default that `Conversation` does not have.
    """
    if unknown := [name for name, is_required in fields_of(schema).items() if is_required and name not in _OFFERED]:
        raise CannotFill(f"its context wants {', '.join(unknown)}; there is {', '.join(sorted(_OFFERED))}")


def filled(schema: type[Any], conversation: Conversation) -> Any:
    """The schema's own value, with what it asks for."""
    values = {name: getattr(conversation, name) for name in fields_of(schema) if name in _OFFERED}
    return schema(**values)


_OFFERED = frozenset({*(each.name for each in dataclasses.fields(Conversation)), "namespace"})
