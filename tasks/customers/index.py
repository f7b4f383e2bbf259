"""Which conversations were whose: for the day on which a contact is to be forgotten that Chatwoot has deleted already.

Chatwoot deletes a contact with all its conversations and tells nobody. Phone numbers stand here as digests only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection

import redis


class ContactIndex:
    """The conversations of the contacts of one account, in Redis: as long as one of either may be remembered."""

    def __init__(self, client: redis.Redis, account_id: int, *, ttl_s: int) -> None:
        """`client` decodes responses."""
        self._redis = client
        self._account_id = account_id
        self._ttl_s = ttl_s

    def add(self, conversation_id: int, *, contact_id: int | None, phone_number: str | None) -> None:
        """The conversation is this contact's. Safe to repeat."""
        with self._redis.pipeline(transaction=False) as pipe:
            for key in self._keys(contact_id, phone_number):
                pipe.sadd(key, conversation_id)
                pipe.expire(key, self._ttl_s)
            pipe.execute()

    def of(self, *, contact_id: int | None = None, phone_number: str | None = None) -> set[int]:
        return {int(id) for key in self._keys(contact_id, phone_number) for id in self._redis.smembers(key)}

    def contacts_of(self, conversation_ids: Collection[int]) -> set[int]:
        """Whose these are: the way from a phone number to somebody whom Chatwoot has deleted. Looks through all."""
        base = f"contesta:{self._account_id}:contact:"
        keys = list(self._redis.scan_iter(match=f"{base}*", count=1000)) if conversation_ids else []
        with self._redis.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.smismember(key, list(conversation_ids))
            found = pipe.execute()
        return {int(key.removeprefix(base)) for key, are in zip(keys, found, strict=True) if any(are)}

    def remove(self, *, contact_id: int | None = None, phone_number: str | None = None) -> None:
        for key in self._keys(contact_id, phone_number):
            self._redis.delete(key)

    def _keys(self, contact_id: int | None, phone_number: str | None) -> list[str]:
        base = f"contesta:{self._account_id}"
        keys = [] if contact_id is None else [f"{base}:contact:{contact_id}"]
        if phone_number is not None:
            keys.append(f"{base}:phone:{hashlib.sha256(phone_number.encode()).hexdigest()[:32]}")
        return keys
