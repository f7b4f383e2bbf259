"""A small Chatwoot: so many messages a second in all, however many clients post."""

import threading
import time


class Pace:
    """Posts queue up for one worker, so each in flight makes the others slower."""

    def __init__(self, per_second: float | None) -> None:
        self.per_second = per_second
        self._lock = threading.Lock()
        self._free_at = 0.0
        self._closing = threading.Event()

    def wait(self) -> None:
        """Wait for one's turn to be stored, and for the storing."""
        if self.per_second:
            self._closing.wait(self._turn_s(1 / self.per_second))

    def close(self) -> None:
        self._closing.set()

    def _turn_s(self, cost_s: float) -> float:
        with self._lock:
            now = time.monotonic()
            self._free_at = max(self._free_at, now) + cost_s
            return self._free_at - now
