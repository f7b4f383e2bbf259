"""Places at which a test may have the process killed: before and after every step of a message's life.

`CONTESTA_DIE_AT=commit.after` kills the process with SIGKILL the first time it gets there; `commit.after:3` the third
time. Every step of the mailbox has a `.before` and an `.after` by its script's name (tasks/mailbox/lua), and so have
`ring`, `think` and `post`. Without the variable nothing happens.
"""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

_PLACE, _, _COUNT = os.environ.get("CONTESTA_DIE_AT", "").partition(":")
_PASSES = itertools.count(1)


def at(place: str) -> None:
    """Die here, if that was asked for."""
    if place == _PLACE and next(_PASSES) >= int(_COUNT or 1):
        os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def around(step: str) -> Iterator[None]:
    """A step with a crash point before it and, where it ended well, one after it."""
    at(f"{step}.before")
    yield
    at(f"{step}.after")
