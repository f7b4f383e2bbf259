"""What keeps a turn alive while its worker lives, and takes it up again when the worker is gone.

One heartbeat and one watchdog in each worker process. Recovery takes seconds: the lease of a turn, not the broker's
visibility timeout.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import redis
import structlog
from kombu.exceptions import OperationalError

from tasks.mailbox import Mailbox, Ring, Send, Sending, Turn
from tasks.mailbox.doorbells import Doorbells
from tasks.runtime.processes import Roll

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
        """Extend the lease of all that is held and not past its limit."""
        for held, limit in self._all():
            if time.monotonic() < limit:
                mailbox.extend(held.conversation_id, held.token)

    def stuck(self) -> int:
        """How many threads have not come back although what they held is given up."""
        return sum(time.monotonic() >= limit for _, limit in self._all())

    def hand_back(self, mailbox: Mailbox, doorbells: Doorbells) -> int:
        """Give up all that is held, for other workers to take up at once. Returns how many."""
        count = 0
        for held, _ in self._all():
            try:
                following = mailbox.release(held, delay_s=0, decided=False)
                count += doorbells.announce(held.conversation_id, following)
            except (redis.RedisError, OperationalError) as error:
                log.warning("not_handed_back", error=type(error).__name__)  # its lease will end
        return count

    def _all(self) -> list[tuple[Turn | Sending, float]]:
        with self._lock:
            return list(self._held.values())


def revive_overdue(mailbox: Mailbox, doorbells: Doorbells) -> int:
    """Ring again for every conversation that nobody works on any more. Returns how many."""
    revived = ((each, mailbox.revive(each)) for each in mailbox.overdue())
    return _take_up(revived, doorbells, "overdue")


def inherit(mailbox: Mailbox, doorbells: Doorbells, roll: Roll) -> int:
    """Ring for what dead processes of this machine held, at once. Returns how many."""
    count = 0
    for owner in roll.dead():
        inherited = ((each, mailbox.inherit(each, owner)) for each in mailbox.unfinished())
        count += _take_up(inherited, doorbells, "worker died")
        roll.strike(owner)
    return count


def _take_up(found: Iterable[tuple[int, Ring | Send | None]], doorbells: Doorbells, why: str) -> int:
    count = 0
    for conversation_id, following in found:
        if doorbells.announce(conversation_id, following):
            log.warning("conversation_taken_up", conversation_id=conversation_id, why=why)
            count += 1
    return count


class Keeper:
    """The heartbeat and the watchdog of a worker process."""

    def __init__(
        self, mailbox: Mailbox, holdings: Holdings, doorbells: Doorbells, roll: Roll, *, lease_s: float
    ) -> None:
        def beat() -> None:
            roll.sign(mailbox.owner)
            holdings.beat(mailbox)

        def watch() -> None:
            inherit(mailbox, doorbells, roll)
            revive_overdue(mailbox, doorbells)

        self._holdings = holdings
        self._stopped = threading.Event()
        self._threads = [self._every(lease_s / 4, "heartbeat", beat), self._every(1.0, "watchdog", watch)]

    def start(self, *, most_stuck: int, end: Callable[[], object]) -> None:
        """Threads cannot be stopped: the process has to `end` before all of them are stuck."""

        def look_for_the_stuck() -> None:
            if (stuck := self._holdings.stuck()) >= most_stuck:
                log.critical("threads_are_stuck", threads=stuck)
                end()

        self._threads.append(self._every(1.0, "lookout", look_for_the_stuck))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _every(self, seconds: float, name: str, work: Callable[[], object]) -> threading.Thread:
        def run() -> None:
            while True:
                try:
                    work()
                except (redis.RedisError, OperationalError) as error:
                    log.warning("keeper_failed", keeper=name, error=type(error).__name__)
                if self._stopped.wait(seconds):
                    return

        return threading.Thread(target=run, name=name, daemon=True)
