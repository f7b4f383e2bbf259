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

_FORWARD, _BACKWARD = 100, 20
"""How many messages Chatwoot lists at once, after one and before one."""
_MOST_PAGES = 50
_CLOCKS_S = 300.0
"""So far Chatwoot's clock may be before ours."""


def said_since(
    user: Client | None, reply: Client, conversation_id: int, *, after: int | None, since: float
) -> list[Message]:
    """All that was said after a message, or where none is known since a time, as far as our tokens may see it: a bot's
    alone shows the last one.

    Args:
        after: a message's id.
        since: Unix seconds.

    Raises:
        ChatwootError: as the client raises it; before Chatwoot 4.14.2 a bot may not look at all. `PermanentError`:
            more was said than anybody can look through.
    """
    if user is not None:
        return _all_said_after(user, conversation_id, after) if after else _said_from(user, conversation_id, since)
    conversation = reply.conversation(conversation_id)
    last = (conversation.last_message, conversation.last_non_activity_message)
    return [message for message in last if message is not None]


def said_after(user: Client, conversation_id: int, message_id: int, *, most_pages: int) -> list[Message]:
    """What was said after a message, oldest first: all of it, or so many pages of 100.

    Raises:
        ChatwootError: as the client raises it.
    """
    found: list[Message] = []
    for _ in range(most_pages):
        page = user.messages(conversation_id, after=message_id)
        found += page
        if len(page) < _FORWARD:
            break
        message_id = page[-1].id
    return found


def _all_said_after(user: Client, conversation_id: int, message_id: int) -> list[Message]:
    found = said_after(user, conversation_id, message_id, most_pages=_MOST_PAGES)
    if len(found) == _MOST_PAGES * _FORWARD:
        raise PermanentError("too much was said since to be looked through")
    return found


def _said_from(user: Client, conversation_id: int, since: float) -> list[Message]:
    found: list[Message] = []
    for _ in range(_MOST_PAGES):
        page = user.messages(conversation_id, before=found[0].id if found else None)
        found = page + found
        if len(page) < _BACKWARD or (page[0].created_at or 0) < since - _CLOCKS_S:
            return found
    raise PermanentError("too much was said since to be looked through")


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
