"""What we have to act with in Chatwoot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chatwoot.client import Client
from chatwoot.messages import Message
from tasks.runtime.rate_limit import Pace


def said_lately(reader: Client | None, speaker: Client, conversation_id: int, *, after: int | None) -> list[Message]:
    """What was said after this message, or lately, as far as our tokens may see it: a bot's alone shows the last one.

    Raises:
        ChatwootError: as the client raises it; before Chatwoot 4.14.2 a bot may not look at all.
    """
    if reader is not None:
        return reader.messages(conversation_id, after=after)
    conversation = speaker.conversation(conversation_id)
    last = (conversation.last_message, conversation.last_non_activity_message)
    return [message for message in last if message is not None]


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
