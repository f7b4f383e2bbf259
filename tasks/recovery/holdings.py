"""What this worker process holds: whose leases are extended while it lives, and what it gives up when it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import redis
import structlog
from kombu.exceptions import OperationalError

from tasks.mailbox import Mailbox, Sending, Turn
from tasks.mailbox.doorbells import Doorbells

log = structlog.get_logger()


@dataclass
class Holdings:
    """The turns and outboxes that this process holds, and until when it may."""

    hard_limit_s: float
    """A holder that takes longer is given up: threads have no time limits of their own."""
    _held: dict[str, tuple[Turn | Sending, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def hold(self, held: Turn | Sending) -> Iterator[None]:
        with self._lock:
            self._held[held.token] = (held, time.monotonic() + self.hard_limit_s)
        try:
            yield
        finally:
            with self._lock:
                self._held.pop(held.token, None)

    def beat(self, mailbox: Mailbox) -> None:
        """Extend the lease of all that is held and not past its limit. A turn that is past it is another worker's."""
        for held, limit in self._all():
            if time.monotonic() < limit:
                mailbox.extend(held.conversation_id, held.token)
            elif isinstance(held, Turn) and mailbox.release(held, delay_s=0, overran=True) is not None:
                log.warning("turn_took_too_long", conversation_id=held.conversation_id, turn=held.number)

    def stuck(self) -> int:
        """How many threads have not come back although what they held is given up."""
        return sum(time.monotonic() >= limit for _, limit in self._all())

    def release_all(self, mailbox: Mailbox, doorbells: Doorbells) -> int:
        """Give up all that is held, for other workers to take up at once. Returns how many."""
        count = 0
        for held, _ in self._all():
            try:
                following = mailbox.release(held, delay_s=0, decided=False, waits=False)
                count += doorbells.announce(held.conversation_id, following)
            except (redis.RedisError, OperationalError) as error:
                log.warning("not_released", error=type(error).__name__)  # its lease will end
        return count

    def _all(self) -> list[tuple[Turn | Sending, float]]:
        with self._lock:
            return list(self._held.values())
