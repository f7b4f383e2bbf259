"""Nothing of a run stays, whenever it is ended: also between the start of a process and the note of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psutil


@contextmanager
def none_left() -> Iterator[None]:
    """Kill what this process started and what that started, as far as it lives after the block."""
    try:
        yield
    finally:
        left = psutil.Process().children(recursive=True)
        for process in left:
            process.kill()
        psutil.wait_procs(left)
