"""An inbox, as the API answers it: one channel, such as a WhatsApp number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatwoot import reading
from chatwoot.channels import Channel, channel
from chatwoot.working_hours import WorkingHours


@dataclass(frozen=True, kw_only=True)
class Inbox:
    """An inbox. What a version of Chatwoot does not tell is None or False."""

    id: int
    channel_type: str | None
    """Such as "Channel::Whatsapp"."""
    medium: str | None
    """Of a Twilio inbox: "sms" or "whatsapp"."""
    is_single_conversation: bool
    """A new conversation is the contact's last one, even where that is resolved."""
    working_hours: WorkingHours | None = None
    """None: it says none."""

    @property
    def channel(self) -> Channel:
        """What the inbox can take."""
        return channel(self.channel_type, medium=self.medium)

    @classmethod
    def from_json(cls, value: Any) -> Inbox:
        """
        Raises:
            Misshapen: it has no id.
        """
        inbox = reading.mapping(value)
        return cls(
            id=reading.required_id(inbox),
            channel_type=reading.text(inbox.get("channel_type")),
            medium=reading.text(inbox.get("medium")),
            is_single_conversation=inbox.get("lock_to_single_conversation") is True,
            working_hours=WorkingHours.from_json(inbox),
        )
