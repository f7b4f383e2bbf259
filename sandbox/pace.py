"""A small Chatwoot: so many messages a second in all, however many clients post."""

import threading
import time
from collections.abc import Callable


class Pace:
    """Posts queue up for one worker, so each in flight makes the others slower."""

    def __init__(self, per_second: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at = 0.0
        self._let_go = threading.Event()

    @property
    def per_second(self) -> float | None:
        return self._per_second

    def set(self, per_second: float | None) -> None:
        """Another pace from now on; whoever waits is let go."""
        with self._lock:
            self._per_second, self._free_at = per_second, 0.0
            self._let_go.set()
            self._let_go = threading.Event()

    def wait(self) -> None:
        """Wait for one's turn to be stored, and for the storing."""
        with self._lock:
            let_go = self._let_go
        let_go.wait(self.turn_s())

    def turn_s(self) -> float:
        """How long the next post takes; taken as posted."""
        with self._lock:
            if not self._per_second:
                return 0.0
            now = self._clock()
            self._free_at = max(self._free_at, now) + 1 / self._per_second
            return self._free_at - now
