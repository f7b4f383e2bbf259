"""All that is asynchronous in a process runs on one loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from graph import loop


async def _which() -> int:
    return id(asyncio.get_running_loop())


def test_threads_that_come_first_at_the_same_time_share_it() -> None:
    loop._loop.cache_clear()
    at_once = Barrier(16)

    def come(_: int) -> int:
        at_once.wait()
        return loop.run(_which())

    with ThreadPoolExecutor(16) as threads:
        assert len(set(threads.map(come, range(16)))) == 1
