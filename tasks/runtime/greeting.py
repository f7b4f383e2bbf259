"""Is this the Chatwoot of the settings? Asked once when beat starts: a wrong number or token is silence otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import UNAUTHORIZED

import redis
import structlog

from chatwoot.errors import ChatwootError, NotFound, PermanentError
from tasks.runtime.clients import Clients

log = structlog.get_logger()

_KNOWN_FOR_S = 7 * 24 * 3600
_NOBODY = 0
_BOTS_MAY_NOT = "not authorized for bots"


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
            yield _words("CHATWOOT_API_TOKEN", error)
    if clients.speaks_as_bot:
        try:
            clients.reply.conversation(_NOBODY)
        except NotFound:
            return  # asked for no conversation of theirs, and let in
        except ChatwootError as error:
            if _BOTS_MAY_NOT not in error.text:
                yield _words("CHATWOOT_BOT_TOKEN", error)


def _words(token: str, error: ChatwootError) -> str:
    """Whoever answers 401 means the token; nobody answering means the address."""
    is_the_tokens = isinstance(error, PermanentError) and error.status == UNAUTHORIZED
    return f"{token if is_the_tokens else 'CHATWOOT_API_URL'}: {error}"
