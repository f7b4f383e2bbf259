"""How a program that owns processes is ended: Ctrl-C, a stop by someone else, the terminal closed."""

import signal
from types import FrameType

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ended(Exception):
    """Somebody asked this process to end."""


def end_on_signals() -> None:
    """From now on the first of these signals raises `Ended` in the main thread, and later ones do nothing."""
    for ending in ENDINGS:
        signal.signal(ending, _end)


def _end(number: int, frame: FrameType | None) -> None:
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)  # once is enough: from here on all is being stopped
    raise Ended
