"""Promise 5: where the bot cannot answer, a human is told in Chatwoot itself, whatever is killed meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.desk import Desk
from tests.stack import Stack, wait_until


@pytest.mark.parametrize("place", ["commit.before", "commit.after", "post.before", "post.after", "settle.after:2"])
def test_the_alert_survives_the_worker(place: str, desk: Desk, stack: Stack, tmp_path: Path) -> None:
    """The graph fails each time; the worker that gives up dies while it says so."""
    stack.env |= {"GRAPH": "tests.graphs:failing", "TEST_GATE": str(tmp_path), "TURN_ATTEMPTS": "1"}
    stack.start_web()
    worker = stack.start_worker(CONTESTA_DIE_AT=place)
    desk.conversation(3)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    wait_until(lambda: not worker.is_alive, what="the worker to die")
    stack.start_worker()
    wait_until(lambda: desk.sandbox.conversation(3)["status"] == "open", what="the conversation to be opened")
    (note,) = desk.notes(3)
    assert "The bot could not answer" in note
    assert desk.replies(3) == []


def test_chatwoot_does_not_take_the_alert_at_once(desk: Desk, stack: Stack, tmp_path: Path) -> None:
    stack.env |= {"GRAPH": "tests.graphs:failing", "TEST_GATE": str(tmp_path), "TURN_ATTEMPTS": "1"}
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.faults.add("503", path=r".*/(messages|toggle_status)$", times=3)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    wait_until(lambda: desk.sandbox.conversation(3)["status"] == "open", what="the conversation to be opened")
    assert len(desk.notes(3)) == 1


def test_what_the_channel_refuses_later_is_told(desk: Desk, stack: Stack) -> None:
    """Chatwoot has taken the reply with 200, and WhatsApp refuses it: the customer waits."""
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    desk.wait_for_replies(1)
    reply = int(desk.sandbox.messages(3)[-1]["id"])
    for _ in range(2):
        desk.sandbox.channel_reports(reply, "failed", "131026: not deliverable")
    wait_until(lambda: desk.sandbox.conversation(3)["status"] == "open", what="the conversation to be opened")
    desk.sandbox.settle()
    assert desk.notes(3) == ["The bot's answer was not delivered: 131026: not deliverable. Please take over."]
