"""A conversation, as the API answers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from chatwoot import people, reading
from chatwoot.about import About, WithAbout, about
from chatwoot.messages import Message

Status = Literal["open", "pending", "resolved", "snoozed"]


@dataclass(frozen=True, kw_only=True)
class Conversation(WithAbout):
    """A conversation at the time of the answer. What a version of Chatwoot does not tell is None or empty."""

    id: int
    """The number that the dashboard shows and that webhooks and URLs use."""
    status: str | None
    inbox_id: int | None
    contact_id: int | None
    contact_is_blocked: bool
    channel: str | None
    waiting_since: float | None
    """Unix seconds since when the customer waits; None: does not. Before 4.10 a bot's reply leaves it set."""
    last_activity_at: float | None
    """Unix seconds of the newest message of any kind."""
    updated_at: float | None
    agent_last_seen_at: float | None
    """Unix seconds at which somebody of the team last looked at it in the dashboard."""
    assignee: people.Assignee | None
    team_id: int | None
    last_message: Message | None = field(repr=False)
    """The newest of any kind, notes and activities too."""
    last_non_activity_message: Message | None = field(repr=False)
    """The newest but for activities; private notes count."""
    about: About = field(repr=False)

    @property
    def custom_attributes(self) -> Mapping[str, Any]:
        return self.about.conversation_attributes

    @property
    def is_assigned_to_person(self) -> bool:
        return self.assignee is not None and self.assignee.kind == "user"

    @classmethod
    def from_json(cls, value: Any) -> Conversation:
        """
        Raises:
            Misshapen: it has no id.
        """
        conversation = reading.mapping(value)
        meta = reading.mapping(conversation.get("meta"))
        contact = reading.mapping(meta.get("sender"))
        return cls(
            id=reading.required_id(conversation),
            status=reading.text(conversation.get("status")),
            inbox_id=reading.identifier(conversation.get("inbox_id")),
            contact_id=reading.identifier(contact.get("id")),
            contact_is_blocked=contact.get("blocked") is True,
            channel=reading.text(meta.get("channel")),
            waiting_since=reading.moment(conversation.get("waiting_since")),
            last_activity_at=reading.moment(conversation.get("last_activity_at")),
            updated_at=reading.moment(conversation.get("updated_at")),
            agent_last_seen_at=reading.moment(conversation.get("agent_last_seen_at")),
            assignee=people.assignee(meta),
            team_id=reading.identifier(reading.mapping(meta.get("team")).get("id")),
            last_message=_last(reading.items(conversation.get("messages"))),
            last_non_activity_message=_last(reading.items([conversation.get("last_non_activity_message")])),
            about=about(conversation),
        )


def _last(messages: list[Mapping[str, Any]]) -> Message | None:
    return Message.from_json(messages[-1]) if messages else None
