"""Background work, as Sidekiq does it for Chatwoot: a few threads, jobs that come due at a time, no order promised."""

import heapq
import threading
import time
from collections.abc import Callable
from itertools import count

Job = Callable[[], None]
_THREADS = 10  # Sidekiq's default


class Jobs:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Job, bool]] = []
        self._sequence = count()
        self._awaited = 0
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"sandbox-job-{number}", daemon=True) for number in range(_THREADS)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def add(self, job: Job, *, after_s: float = 0.0, awaited: bool = True) -> None:
        """Run `job` when its time has come; `settle` waits for it if it is awaited."""
        with self._changed:
            entry = (time.monotonic() + after_s, next(self._sequence), job, awaited)
            heapq.heappush(self._due, entry)
            self._awaited += awaited
            self._changed.notify()

    def settle(self, timeout_s: float) -> bool:
        """Wait until no awaited job is waiting for its time or running. False if time ran out first."""
        with self._changed:
            return self._changed.wait_for(lambda: self._awaited == 0, timeout_s)

    def close(self) -> None:
        """Drop what is not yet begun, and wait for what is."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            job, awaited = taken
            try:
                job()
            finally:
                self._done(awaited)

    def _take(self) -> tuple[Job, bool] | None:
        with self._changed:
            while not self._closed:
                wait_s = self._due[0][0] - time.monotonic() if self._due else None
                if wait_s is not None and wait_s <= 0:
                    return heapq.heappop(self._due)[2:]
                self._changed.wait(wait_s)
            return None

    def _done(self, awaited: bool) -> None:
        with self._changed:
            self._awaited -= awaited
            self._changed.notify_all()
