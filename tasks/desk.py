"""What we have to act with in Chatwoot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chatwoot.client import Client
from tasks.pace import Pace


@dataclass(frozen=True)
class Desk:
    """The two hands that we have in Chatwoot."""

    speaker: Client
    """Posts: as the agent bot where there is one."""
    reader: Client | None
    """Lists messages, finds contacts: a user's token. None where there is only a bot's."""
    version: Callable[[], str]
    """Chatwoot's; which marks a message can carry depends on it. Raises `ChatwootError`."""
    pace: Pace
    speaks_as_bot: bool = True

    @property
    def keeper(self) -> Client:
        """Keeps labels, attributes and assignments: a bot may not read them before 4.14.2."""
        return self.reader or self.speaker
