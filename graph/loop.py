"""One event loop for all that is asynchronous in this process, on a thread of its own.

Clients that a graph's async tools keep, such as an MCP server's, belong to a loop: one for each turn would break them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
_starting = threading.Lock()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """What it returns or raises. Not to be called from a coroutine."""
    with _starting:  # or two threads that come first would start one each
        loop = _loop()
    return asyncio.run_coroutine_threadsafe(coroutine, loop).result()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="graph-loop", daemon=True).start()
    return loop
