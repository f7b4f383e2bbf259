"""One message of a channel's that Chatwoot has stored twice, in the conversations of two contacts.

Seen with WhatsApp, where one person is two contacts: by number and by a hidden id, or by a number written in two ways.
Whichever of them comes first is heard, the other is nobody's to answer.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

import redis

from chatwoot.channels import gives_unique_ids


class Place(Protocol):
    """Where a message was said."""

    @property
    def inbox_id(self) -> int | None: ...

    @property
    def channel(self) -> str | None: ...


class Twins:
    """In which conversation each message of one account's channels was heard, in Redis, for so long."""

    def __init__(self, client: redis.Redis, account_id: int, *, ttl_s: int) -> None:
        """`client` decodes responses."""
        self._redis = client
        self._account_id = account_id
        self._ttl_s = ttl_s

    def is_heard_elsewhere(self, conversation_id: int, place: Place, source_id: str | None) -> bool:
        """Whether another conversation of the inbox has the message; from now on, this one does otherwise. Safe to
        repeat.
        """
        if not source_id or place.inbox_id is None or not gives_unique_ids(place.channel, source_id):
            return False
        digest = hashlib.sha256(source_id.encode(errors="replace")).hexdigest()[:32]
        key = f"contesta:{self._account_id}:inbox:{place.inbox_id}:source:{digest}"
        heard_in = self._redis.set(key, conversation_id, nx=True, get=True, ex=self._ttl_s)
        return heard_in is not None and str(heard_in) != str(conversation_id)
