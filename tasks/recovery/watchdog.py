"""What takes a turn up again when its worker is gone, and keeps it while the worker lives.

One heartbeat and one watchdog in each worker process. Recovery takes seconds where a worker's end is seen, else the
lease of a turn: not the broker's visibility timeout.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial

import redis
import structlog
from kombu.exceptions import OperationalError

from tasks.mailbox import Mailbox, WakeSender, WakeThinker
from tasks.mailbox.doorbells import Doorbells
from tasks.recovery.holdings import Holdings
from tasks.runtime.processes import EVERY_S, ProcessRegistry
from tasks.runtime.rate_limit import RateLimit
from tasks.runtime.redaction import safe_traceback

log = structlog.get_logger()


def reclaim_overdue(mailbox: Mailbox, doorbells: Doorbells) -> int:
    """Ring again for every conversation that nobody works on any more. Returns how many."""
    freed = ((each, mailbox.reclaim_overdue(each)) for each in mailbox.overdue())
    return _take_up(freed, doorbells, "overdue")


def reclaim_from_dead(
    *, mailbox: Mailbox, doorbells: Doorbells, registry: ProcessRegistry, rate_limit: RateLimit
) -> int:
    """Ring for what dead processes held, before it is overdue; this one lives. Returns how many."""
    registry.register()
    count = 0
    for owner in registry.dead():
        rate_limit.free_slots_of(owner)
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
        rate_limit: RateLimit,
        lease_s: float,
    ) -> None:
        reclaim = partial(
            reclaim_from_dead, mailbox=mailbox, doorbells=doorbells, registry=registry, rate_limit=rate_limit
        )
        self._holdings = holdings
        self._leave = partial(registry.remove, mailbox.owner)
        self._stopped = threading.Event()
        self._threads = [
            self._every(lease_s / 4, "heartbeat", partial(holdings.beat, mailbox)),
            self._every(1.0, "watchdog", partial(reclaim_overdue, mailbox, doorbells)),
            # By itself, so that it is not late for being busy: others look for this process.
            self._every(EVERY_S, "registry", reclaim),
        ]

    def start(self, *, most_stuck: int, end: Callable[[], object], say_so: Callable[[], object] = lambda: None) -> None:
        """Threads cannot be stopped: the process has to `end` before all of them are stuck.

        `say_so`: for whoever watches, that this process is here.
        """

        def look_for_the_stuck() -> None:
            if (stuck := self._holdings.stuck()) >= most_stuck:
                log.critical("threads_are_stuck", threads=stuck)
                end()

        self._threads.append(self._every(1.0, "lookout", look_for_the_stuck))
        self._threads.append(self._every(EVERY_S, "presence", say_so))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        with suppress(redis.RedisError):  # then it is missed, and found to hold nothing
            self._leave()

    def _every(self, seconds: float, name: str, work: Callable[[], object]) -> threading.Thread:
        def run() -> None:
            while True:
                try:
                    work()
                except (redis.RedisError, OperationalError) as error:
                    log.warning("background_thread_failed", thread=name, error=type(error).__name__)
                except Exception as error:  # noqa: BLE001 - without it the worker would go on, and nobody would notice
                    log.error(
                        "background_thread_failed", thread=name, error=type(error).__name__, where=safe_traceback(error)
                    )
                if self._stopped.wait(seconds):
                    return

        return threading.Thread(target=run, name=name, daemon=True)
