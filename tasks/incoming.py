"""A customer's message, as it waits in the mailbox."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from chatwoot.events import MessageCreated, MessageUpdated


@dataclass(frozen=True)
class Incoming:
    """What the graph will be told."""

    id: int
    text: str = field(repr=False)

    @classmethod
    def of(cls, event: MessageCreated | MessageUpdated) -> Incoming:
        # A lone surrogate is valid JSON and no valid text.
        text = (event.customer_says or "").encode(errors="replace").decode()
        return cls(event.message_id, text)


def dump(message: Incoming) -> str:
    return json.dumps(asdict(message), ensure_ascii=False)


def load(text: str) -> Incoming:
    return Incoming(**json.loads(text))
