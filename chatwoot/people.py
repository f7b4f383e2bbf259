"""Who writes and who answers, in a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from chatwoot.reading import identifier, mapping, text

SenderKind = Literal["contact", "user", "agent_bot", "captain"]
AssigneeKind = Literal["user", "agent_bot"]

_SENDER_KINDS: dict[str, SenderKind] = {
    "contact": "contact",
    "user": "user",
    "agent_bot": "agent_bot",
    "captain_assistant": "captain",
    # As a message's row in the database spells them.
    "Contact": "contact",
    "User": "user",
    "AgentBot": "agent_bot",
    "Captain::Assistant": "captain",
}


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Who wrote a message. A customer is a contact; a person of the team, or a program with a user's token, a user."""

    kind: SenderKind | None
    """None: someone of a kind that we do not know."""
    id: int | None
    name: str | None = field(default=None, repr=False)
    phone_number: str | None = field(default=None, repr=False)
    is_blocked: bool = False


@dataclass(frozen=True)
class Assignee:
    """Who a conversation is assigned to. Assigned to nobody is None instead."""

    kind: AssigneeKind
    id: int | None


def sender(value: object) -> Sender | None:
    """From `sender`, in a webhook or an answer; None for templates and for what the business's own phone wrote."""
    if not (who := mapping(value)):
        return None
    return Sender(
        kind=_sender_kind(who),
        id=identifier(who.get("id")),
        name=text(who.get("name")),
        phone_number=text(who.get("phone_number")),
        is_blocked=who.get("blocked") is True,
    )


def assignee(meta: Mapping[str, Any]) -> Assignee | None:
    """From a conversation's `meta`. Whoever is not known as a bot counts as a person: people come first."""
    if not (who := mapping(meta.get("assignee"))):
        return None
    is_bot = meta.get("assignee_type") == "AgentBot" or who.get("type") == "agent_bot"
    return Assignee("agent_bot" if is_bot else "user", identifier(who.get("id")))


def _sender_kind(who: Mapping[str, Any]) -> SenderKind | None:
    if kind := text(who.get("type")):
        return _SENDER_KINDS.get(kind)
    # Webhooks give contacts no type, but what only contacts have.
    return "contact" if "phone_number" in who or "blocked" in who else None
