"""A message, as the API answers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from chatwoot import people, reading
from chatwoot.attachments import Attachment, attachments
from chatwoot.wording import Wording

MessageType = Literal["incoming", "outgoing", "activity", "template"]
# The API writes the type as a number, the place in this list; webhooks write the word.
MESSAGE_TYPES: tuple[MessageType, ...] = get_args(MessageType)


@dataclass(frozen=True, kw_only=True)
class Message(Wording):
    """A message that Chatwoot has stored."""

    id: int
    conversation_id: int | None
    content: str | None = field(repr=False)
    message_type: MessageType | None
    content_type: str | None
    is_private: bool
    created_at: float | None
    """Unix seconds."""
    status: str | None
    """sent (also before it was), delivered, read or failed."""
    source_id: str | None
    """The channel's own id; None until the channel has given one."""
    sender: people.Sender | None
    content_attributes: Mapping[str, Any] = field(repr=False, hash=False)
    attachments: tuple[Attachment, ...] = ()

    @property
    def is_from_customer(self) -> bool:
        """Their own message, or one that was sent to them, in which they chose something or filled it in."""
        is_said = self.message_type == "incoming" or bool(self.submitted_values)
        return is_said and not self.is_private and not self.is_deleted

    @property
    def is_from_person(self) -> bool:
        """A member of the team wrote to the customer: in Chatwoot, or on the business's own phone (no sender then).

        So does a program with a user's token, ours too: by its marks it is known as ours.
        """
        return self.is_by_person and not self.is_private

    @property
    def is_by_person(self) -> bool:
        """The same, or a note."""
        is_outgoing = self.message_type == "outgoing" and not self.is_automatic
        return is_outgoing and (self.sender is None or self.sender.kind == "user")

    @property
    def is_public(self) -> bool:
        """The customer sees it: no private note, and none of Chatwoot's own "assigned to …" lines."""
        return not self.is_private and self.message_type != "activity"

    @classmethod
    def from_json(cls, value: Any) -> Message:
        """
        Raises:
            Misshapen: it has no id.
        """
        message = reading.mapping(value)
        return cls(
            id=reading.required_id(message),
            conversation_id=reading.identifier(message.get("conversation_id")),
            content=reading.text(message.get("content")),
            message_type=message_type(message.get("message_type")),
            content_type=reading.text(message.get("content_type")),
            is_private=message.get("private") is True,
            created_at=reading.moment(message.get("created_at")),
            status=reading.text(message.get("status")),
            source_id=reading.text(message.get("source_id")),
            sender=people.sender(message.get("sender")),
            content_attributes=reading.mapping(message.get("content_attributes")),
            attachments=attachments(message.get("attachments")),
        )


def message_type(value: object) -> MessageType | None:
    """The word for either form."""
    if isinstance(value, int) and 0 <= value < len(MESSAGE_TYPES):
        return MESSAGE_TYPES[value]
    return next((word for word in MESSAGE_TYPES if word == value), None)
