"""What could not be thought or sent: kept, with its reason, for a person to look at."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from tasks.mailbox import DeadLetter


@dataclass(frozen=True)
class Grave:
    """One thing that did not get done."""

    conversation_id: int
    what: str
    """"thinking", or the act that could not be done: "post", "set_status"."""
    reason: str
    """For an operator: what Chatwoot or the graph's failure was called. Never the customer's words."""
    attempts: int
    at: float
    """Unix seconds."""
    content: str
    """The messages or the act, as JSON, so that it can be tried again."""


def bury(id: str, grave: Grave) -> DeadLetter:
    return DeadLetter(f"{grave.conversation_id}.{id}", json.dumps(asdict(grave), ensure_ascii=False))
