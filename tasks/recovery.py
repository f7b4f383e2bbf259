"""What keeps a turn alive while its worker lives, and takes it up again when the worker is gone.

One heartbeat and one watchdog in each worker process. Recovery takes seconds: the lease of a turn, not the broker's
visibility timeout.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import redis
import structlog
from kombu.exceptions import OperationalError

from tasks.mailbox import Mailbox, Ring, Send

log = structlog.get_logger()


@dataclass
class Holdings:
    """The turns and outboxes that this process holds, and until when it may."""

    hard_limit_s: float
    """A holder that takes longer is given up: threads have no time limits of their own."""
    _held: dict[str, tuple[int, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def hold(self, conversation_id: int, token: str) -> Iterator[None]:
        with self._lock:
            self._held[token] = (conversation_id, time.monotonic() + self.hard_limit_s)
        try:
            yield
        finally:
            with self._lock:
                self._held.pop(token, None)

    def beat(self, mailbox: Mailbox) -> None:
        """Extend the lease of all that is held and not past its limit."""
        with self._lock:
            held = [(token, *entry) for token, entry in self._held.items()]
        for token, conversation_id, limit in held:
            if time.monotonic() < limit:
                mailbox.extend(conversation_id, token)


@dataclass(frozen=True)
class Doorbells:
    """How a conversation is brought to a worker's attention."""

    ring: Callable[[int, Ring], None]
    send: Callable[[int], None]


def revive_overdue(mailbox: Mailbox, doorbells: Doorbells) -> int:
    """Ring again for every conversation that nobody works on any more. Returns how many."""
    revived = 0
    for conversation_id in mailbox.overdue():
        following = mailbox.revive(conversation_id)
        if isinstance(following, Ring):
            doorbells.ring(conversation_id, following)
        elif isinstance(following, Send):
            doorbells.send(conversation_id)
        if following is not None:
            log.warning("conversation_revived", conversation_id=conversation_id, waits_for=type(following).__name__)
            revived += 1
    return revived


class Keeper:
    """The heartbeat and the watchdog of a worker process."""

    def __init__(self, mailbox: Mailbox, holdings: Holdings, doorbells: Doorbells, *, lease_s: float) -> None:
        self._stopped = threading.Event()
        self._threads = [
            self._every(lease_s / 4, "heartbeat", lambda: holdings.beat(mailbox)),
            self._every(1.0, "watchdog", lambda: revive_overdue(mailbox, doorbells)),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _every(self, seconds: float, name: str, work: Callable[[], object]) -> threading.Thread:
        def run() -> None:
            while not self._stopped.wait(seconds):
                try:
                    work()
                except (redis.RedisError, OperationalError) as error:
                    log.warning("keeper_failed", keeper=name, error=type(error).__name__)

        return threading.Thread(target=run, name=name, daemon=True)
