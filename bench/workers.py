"""What a second worker brings, on this machine."""

from __future__ import annotations

import os
import signal
import time

from bench.product import Product
from bench.results import Figure, Result

# So few that all are answered before the watchdog rings for them again.
_CUSTOMERS = 120
# The workers do not wait for each other's posts.
_UNHINDERED = {"POSTS_IN_FLIGHT": "100"}


def measure(on: Product) -> list[Result]:
    workers = [on.start_worker(**_UNHINDERED)]
    one = _turns_per_s(on, [worker.pid for worker in workers])
    workers.append(on.start_worker(**_UNHINDERED))
    two = _turns_per_s(on, [worker.pid for worker in workers])
    of = f"{_CUSTOMERS} waiting customers answered by"
    return [
        Result("a second worker, on the same cores", Figure(two, "turns/s", f"{of} two"), Figure(one, "turns/s", "one"))
    ]


def _turns_per_s(on: Product, pids: list[int]) -> float:
    """The customers write while the workers are paused, so that neither web nor Chatwoot takes part in it."""
    ids = on.customers.new(_CUSTOMERS)
    _signal(pids, signal.SIGSTOP)
    for id in ids:
        on.customers.write(id, "0")
    on.customers.desk.sandbox.settle(60)
    began_at = time.time()
    _signal(pids, signal.SIGCONT)
    return _CUSTOMERS / (on.customers.wait_for_answers(ids) - began_at)


def _signal(pids: list[int], how: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, how)
