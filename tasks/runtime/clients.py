"""What we call Chatwoot with: which token does what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http.client import UNAUTHORIZED
from threading import Event

from chatwoot.client import Client
from chatwoot.conversations import Conversation
from chatwoot.errors import PermanentError
from chatwoot.messages import Message
from tasks.runtime.rate_limit import RateLimit


def said_lately(user: Client | None, reply: Client, conversation_id: int, *, after: int | None) -> list[Message]:
    """What was said after this message, or lately, as far as our tokens may see it: a bot's alone shows the last one.

    Raises:
        ChatwootError: as the client raises it; before Chatwoot 4.14.2 a bot may not look at all.
    """
    if user is not None:
        return user.messages(conversation_id, after=after)
    conversation = reply.conversation(conversation_id)
    last = (conversation.last_message, conversation.last_non_activity_message)
    return [message for message in last if message is not None]


@dataclass(frozen=True, kw_only=True)
class Clients:
    """One client for each token that we have."""

    reply: Client
    """Posts: as the agent bot where there is one."""
    user: Client | None
    """Lists messages, finds contacts: a user's token. None where there is only a bot's."""
    version: Callable[[], str]
    """Chatwoot's; which marks a message can carry depends on it. Raises `ChatwootError`."""
    rate_limit: RateLimit
    speaks_as_bot: bool = True
    _bot_may_not_ask: Event = field(default_factory=Event, repr=False)

    def conversation(self, conversation_id: int) -> Conversation:
        """The conversation as it is now, asked with the bot's own token where it may: since 4.14.2.

        Raises:
            ChatwootError: as the client raises it; `PermanentError` with status 401 where neither token may ask.
        """
        if self.user is None or (self.speaks_as_bot and not self._bot_may_not_ask.is_set()):
            try:
                return self.reply.conversation(conversation_id)
            except PermanentError as error:
                if self.user is None or error.status != UNAUTHORIZED:
                    raise
                self._bot_may_not_ask.set()
        return self.user.conversation(conversation_id)

    @property
    def admin(self) -> Client:
        """Keeps labels, attributes and assignments: a bot may not read them before 4.14.2."""
        return self.user or self.reply


def version_of(client: Client, *, signs: bool) -> Callable[[], str]:
    """Chatwoot's version, asked for once: one that `signs` its webhooks is at least 4.12, and need not be asked."""
    return (lambda: "4.12.0") if signs else cache(client.server_version)
