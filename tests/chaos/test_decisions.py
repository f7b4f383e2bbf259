"""What people decide is done as they decided it, though the web process that hears of it dies."""

from __future__ import annotations

import pytest

from tests.desk import Desk
from tests.doom import both, cut_off
from tests.stack import Stack, wait_until


@pytest.fixture
def asked(desk: Desk, stack: Stack) -> Desk:
    """Conversation 3 waits for people, and nobody works."""
    stack.env["GRAPH"] = "tests.graphs:asking"
    stack.start_web()
    worker = stack.start_worker()
    desk.conversation(3)
    desk.sandbox.customer_writes("I want my money back", conversation_id=3)
    wait_until(lambda: desk.sandbox.conversation(3)["status"] == "open", what="the conversation to be handed over")
    desk.sandbox.settle()
    worker.stop()
    return desk


@pytest.mark.parametrize("place", both("know", "learn"))
def test_a_web_process_that_hears_it(place: str, asked: Desk, stack: Stack) -> None:
    """The note is found in Chatwoot's list, where its webhook was lost; a hand-back that was lost is done again."""
    stack.kill_all()
    web = stack.start_web(CONTESTA_DIE_AT=place)
    asked.person_notes("@bot yes", 3)
    asked.sandbox.settle()
    asked.set_status(3, "pending")
    wait_until(lambda: cut_off(asked), what="a webhook to be cut off")
    web.kill()
    stack.start_web()
    asked.set_status(3, "open")
    asked.set_status(3, "pending")
    asked.sandbox.settle()
    stack.start_worker()
    assert asked.wait_for_replies(1) == ["The team says: True"]
