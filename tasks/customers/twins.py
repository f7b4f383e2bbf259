"""One message of a channel's that Chatwoot has stored twice, in the conversations of two contacts.

Seen with WhatsApp, where one person is two contacts: by number and by a hidden id, or by a number written in two ways.
Whichever of them comes first is heard, the other is nobody's to answer.
"""

from __future__ import annotations

import hashlib

import redis

from chatwoot.channels import gives_unique_ids


class Twins:
    """In which conversation each message of one account's channels was heard, in Redis, for so long."""

    def __init__(self, client: redis.Redis, account_id: int, *, ttl_s: int) -> None:
        """`client` decodes responses."""
        self._redis = client
        self._account_id = account_id
        self._ttl_s = ttl_s

    def is_heard_elsewhere(
        self, conversation_id: int, *, inbox_id: int | None, channel: str | None, source_id: str | None
    ) -> bool:
        """Whether another conversation has it; from now on, this one does otherwise. Safe to repeat."""
        if source_id is None or inbox_id is None or not gives_unique_ids(channel, source_id):
            return False
        digest = hashlib.sha256(source_id.encode(errors="replace")).hexdigest()[:32]
        key = f"contesta:{self._account_id}:inbox:{inbox_id}:source:{digest}"
        heard_in = self._redis.set(key, conversation_id, nx=True, get=True, ex=self._ttl_s)
        return heard_in is not None and str(heard_in) != str(conversation_id)
