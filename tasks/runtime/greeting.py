"""Is this the Chatwoot of the settings? Asked once when beat starts: a wrong number or token is silence otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import UNAUTHORIZED

import redis
import structlog

from chatwoot.client import Client
from chatwoot.errors import ChatwootError, NotFound, PermanentError
from tasks.runtime.clients import Clients

log = structlog.get_logger()

_KNOWN_FOR_S = 7 * 24 * 3600
_NOBODY = 0
BOTS_MAY_NOT = "not authorized for bots"
"""What Chatwoot answers where only a user may ask."""


class Greeting:
    """What Chatwoot made of us, for every process of the account to see."""

    def __init__(self, client: redis.Redis, account_id: int) -> None:
        """`client` decodes responses."""
        self._redis = client
        self._key = f"contesta:{{greeting}}:{account_id}"

    def greet(self, clients: Clients, inbox_id: int) -> list[str]:
        """Ask, log and keep what is wrong: a sentence for each setting."""
        found = list(_complaints(clients, inbox_id))
        for complaint in found:
            log.error("chatwoot_refuses_us", why=complaint)
        self._redis.set(self._key, "; ".join(found), ex=_KNOWN_FOR_S)
        return found

    def wrong(self) -> str:
        """What was wrong when beat last started; "" is nothing, as far as is known."""
        return str(self._redis.get(self._key) or "")


def _complaints(clients: Clients, inbox_id: int) -> Iterator[str]:
    if clients.user is not None:
        try:
            clients.user.inbox(inbox_id)
        except NotFound:
            yield f"CHATWOOT_ACCOUNT_ID or CHATWOOT_INBOX_ID: this account has no inbox {inbox_id}"
        except ChatwootError as error:
            yield in_words("CHATWOOT_API_TOKEN", error)
    if clients.speaks_as_bot:
        try:
            may_read(clients.reply)
        except ChatwootError as error:
            yield in_words("CHATWOOT_BOT_TOKEN", error)


def may_read(bot: Client) -> bool:
    """Whether a bot's token may look at conversations, which it may since 4.14.2.

    Raises:
        ChatwootError: it is not known in this account, or Chatwoot does not answer.
    """
    try:
        bot.conversation(_NOBODY)
    except NotFound:
        pass  # asked for no conversation of theirs, and let in
    except PermanentError as error:
        if BOTS_MAY_NOT not in error.text:
            raise
        return False
    return True


def in_words(token: str, error: ChatwootError) -> str:
    """Whoever answers 401 means the token; nobody answering means the address."""
    is_the_tokens = isinstance(error, PermanentError) and error.status == UNAUTHORIZED
    return f"{token if is_the_tokens else 'CHATWOOT_API_URL'}: {error}"
