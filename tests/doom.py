"""Processes that kill themselves at a place of their own: tasks/runtime/failpoints.py."""

from __future__ import annotations

from tests.desk import Desk
from tests.stack import Process, Stack, wait_until


def both(*steps: str) -> list[str]:
    return [f"{step}.{when}" for step in steps for when in ("before", "after")]


def doom(stack: Stack, place: str) -> Process:
    """A worker that will not survive this place."""
    return stack.start_worker(CONTESTA_DIE_AT=place)


def see_it_die(process: Process) -> None:
    wait_until(lambda: not process.is_alive, what=f"the process to kill itself, see {process.log}")


def cut_off(desk: Desk) -> bool:
    """Whether the web process has died of a webhook."""
    return any(delivery.status is None for delivery in desk.sandbox.deliveries)
