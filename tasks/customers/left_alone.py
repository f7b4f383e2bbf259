"""Whom the bot leaves alone because of a label on the contact, as it leaves alone whom IGNORE_CONTACTS names.

No webhook tells a contact's labels, and to ask for them at each message would be a call more a turn. So those who have
it are listed before each look for lost messages (`tasks.reconcile`): a call for every 15 of them, whoever writes. The
list is kept in Redis, where whoever decides looks: at a webhook, before a turn is thought, before something is said.
The label counts from one look to the next: RECONCILE_SECONDS late at most, when it is put on and when it is taken off.
What they wrote meanwhile stays unanswered for good.

Chatwoot lists only contacts with a phone number, an e-mail address or an identifier: the label on a visitor of a
website who gave none does nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

import redis
import structlog

from chatwoot.client import Client

log = structlog.get_logger()

_LABELLED = float("inf")
_KEPT_S = 30 * 24 * 3600
_FORGOTTEN_S = 7 * 24 * 3600
"""So long ago nothing was said that might still be answered."""
_MOST_PAGES = 200


class LeftAlone:
    """The contacts of one account that have the label, or had it lately, in Redis. Raises `redis.RedisError`."""

    def __init__(self, client: redis.Redis, account_id: int) -> None:
        """`client` decodes responses."""
        self._redis = client
        self._key = f"contesta:{{left_alone}}:{account_id}"

    def now_are(self, contact_ids: Collection[int]) -> None:
        """These have the label now, and nobody else. Safe to repeat."""
        now = time.time()
        before = {int(str(id)) for id in self._redis.zrangebyscore(self._key, _LABELLED, _LABELLED)}
        until = {id: now for id in before.difference(contact_ids)} | dict.fromkeys(contact_ids, _LABELLED)
        with self._redis.pipeline() as pipe:
            if until:
                pipe.zadd(self._key, {str(id): at for id, at in until.items()})
            pipe.zremrangebyscore(self._key, "-inf", now - _FORGOTTEN_S)
            pipe.expire(self._key, _KEPT_S)
            pipe.execute()

    def includes(self, contact_id: int | None, said_at: float | None = None) -> bool:
        """Whether they have the label; or had it when they said something, at this unix time."""
        until = self._redis.zscore(self._key, str(contact_id)) if contact_id else None
        if until is None:
            return False
        # Chatwoot tells whole seconds.
        return until == _LABELLED or (said_at is not None and said_at < int(until))


@dataclass(frozen=True, kw_only=True)
class LabelledContacts:
    """How those who have the label are found."""

    client: Client
    """With a user's token: a bot's may not see contacts."""
    left_alone: LeftAlone
    label: str
    give_way: Callable[[int], object]
    """Waits until so many calls may be made, beside those of customers who write."""

    def refresh(self) -> int:
        """Ask Chatwoot who has the label. Returns how many do.

        Raises:
            ChatwootError: it cannot be asked now; all is as it was.
        """
        found: set[int] = set()
        for page in range(1, _MOST_PAGES + 1):
            self.give_way(1)
            listed = self.client.contacts_with(self.label, page=page)
            found.update(each.id for each in listed)
            if not listed:
                break
        self.left_alone.now_are(found)
        return len(found)
