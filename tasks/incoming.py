"""A customer's message, as it waits in the mailbox."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from chatwoot.events import MessageCreated, MessageUpdated
from chatwoot.messages import Message


@dataclass(frozen=True)
class Incoming:
    """What the graph will be told."""

    id: int
    text: str = field(repr=False)

    @classmethod
    def of(cls, event: MessageCreated | MessageUpdated) -> Incoming:
        """As a webhook told of it."""
        return cls(event.message_id, _valid(event.customer_says or ""))

    @classmethod
    def of_message(cls, message: Message) -> Incoming:
        """As Chatwoot answered it."""
        return cls(message.id, _valid(message.content or ""))


def dump(message: Incoming) -> str:
    return json.dumps(asdict(message), ensure_ascii=False)


def load(text: str) -> Incoming:
    return Incoming(**json.loads(text))


def _valid(text: str) -> str:
    """A lone surrogate is valid JSON and no valid text."""
    return text.encode(errors="replace").decode()
