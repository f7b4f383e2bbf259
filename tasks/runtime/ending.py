"""Whether this worker process was asked to end: whoever looks through much leaves the rest to another."""

from __future__ import annotations

import threading

_asked = threading.Event()


class WorkerEnds(Exception):
    """What is not done yet is for another worker."""

    def __init__(self) -> None:
        super().__init__("this worker was asked to end")


def begin() -> None:
    """It was asked to."""
    _asked.set()


def pause(seconds: float = 0.0) -> None:
    """Sleep, but never into the end.

    Raises:
        WorkerEnds: at once, or as soon as it was asked to.
    """
    if _asked.wait(seconds):
        raise WorkerEnds
