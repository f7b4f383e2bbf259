"""What takes a turn up again when its worker is gone, and keeps it while the worker lives.

One heartbeat and one watchdog in each worker process. Recovery takes seconds: the lease of a turn, not the broker's
visibility timeout.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import redis
import structlog
from kombu.exceptions import OperationalError

from tasks.mailbox import Mailbox, WakeSender, WakeThinker
from tasks.mailbox.doorbells import Doorbells
from tasks.recovery.holdings import Holdings
from tasks.runtime.processes import ProcessRegistry

log = structlog.get_logger()


def reclaim_overdue(mailbox: Mailbox, doorbells: Doorbells) -> int:
    """Ring again for every conversation that nobody works on any more. Returns how many."""
    freed = ((each, mailbox.reclaim_overdue(each)) for each in mailbox.overdue())
    return _take_up(freed, doorbells, "overdue")


def reclaim_from_dead(mailbox: Mailbox, doorbells: Doorbells, registry: ProcessRegistry) -> int:
    """Ring for what dead processes of this machine held, at once. Returns how many."""
    count = 0
    for owner in registry.dead():
        freed = ((each, mailbox.reclaim_from_dead(each, owner)) for each in mailbox.unfinished())
        count += _take_up(freed, doorbells, "worker died")
        registry.remove(owner)
    return count


def _take_up(found: Iterable[tuple[int, WakeThinker | WakeSender | None]], doorbells: Doorbells, why: str) -> int:
    count = 0
    for conversation_id, following in found:
        if doorbells.announce(conversation_id, following):
            log.warning("conversation_taken_up", conversation_id=conversation_id, why=why)
            count += 1
    return count


class BackgroundThreads:
    """The heartbeat and the watchdog of a worker process."""

    def __init__(
        self,
        *,
        mailbox: Mailbox,
        holdings: Holdings,
        doorbells: Doorbells,
        registry: ProcessRegistry,
        lease_s: float,
    ) -> None:
        def beat() -> None:
            registry.register(mailbox.owner)
            holdings.beat(mailbox)

        def watch() -> None:
            reclaim_from_dead(mailbox, doorbells, registry)
            reclaim_overdue(mailbox, doorbells)

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
                    log.warning("background_thread_failed", thread=name, error=type(error).__name__)
                if self._stopped.wait(seconds):
                    return

        return threading.Thread(target=run, name=name, daemon=True)
