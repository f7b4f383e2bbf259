"""What a turn wants, said by value: the graph calls nothing, `tasks` does it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reply:
    """Say this to the customer: one message."""

    text: str


@dataclass(frozen=True)
class HandOver:
    """A human shall go on with this conversation."""

    reason: str
    """For the human, in a private note. Never the customer's words or a stack trace."""


Outcome = tuple[Reply | HandOver, ...]
"""In the order in which it is to happen. Empty: stay silent."""
