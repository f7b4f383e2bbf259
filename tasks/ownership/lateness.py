"""Whether Chatwoot's webhooks come late, known to all processes."""

from __future__ import annotations

import redis

from chatwoot.events import Event, MessageCreated

LATE_S = 0.5
_KNOWN_FOR_S = 60


class Lateness:
    """Of one account's webhooks. Raises `redis.RedisError`."""

    def __init__(self, client: redis.Redis, account_id: int) -> None:
        self._redis = client
        self._key = f"contesta:{{late}}:{account_id}"

    def of(self, event: Event | None, sent_at: float) -> None:
        """A webhook has come, which was sent at this unix time."""
        if not isinstance(event, MessageCreated) or not event.is_incoming or event.created_at is None:
            return
        if sent_at - event.created_at > LATE_S:
            self.note()

    def note(self) -> None:
        """One was late, or did not come at all."""
        self._redis.set(self._key, "1", ex=_KNOWN_FOR_S)

    def is_late(self) -> bool:
        """Whether any was, within the last minute."""
        return bool(self._redis.exists(self._key))
