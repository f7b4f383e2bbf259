"""Promise 6: what can heal is tried again; what cannot is tried once, and a human is told."""

from __future__ import annotations

import pytest

from sandbox.machine.ports import free_port
from tests.desk import Desk
from tests.stack import Stack, wait_until


@pytest.mark.parametrize("kind", ["429", "500", "503", "reset"])
def test_what_can_heal(kind: str, desk: Desk, stack: Stack) -> None:
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.faults.add(kind, times=2)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    assert desk.wait_for_replies(1) == ["Echo: Hola"]
    assert [post.fault for post in desk.posts()] == [kind, kind, None]


def test_as_late_as_chatwoot_asks_for(desk: Desk, stack: Stack) -> None:
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.faults.add("429-retry-after", seconds=5)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    assert desk.wait_for_replies(1) == ["Echo: Hola"]
    refused, accepted = desk.posts()
    assert accepted.at - refused.at >= 5


def test_chatwoot_is_down(desk: Desk, stack: Stack) -> None:
    """Nobody listens there: nothing was sent, so nothing has to be looked for."""
    stack.start_web()
    away = stack.start_worker(CHATWOOT_API_URL=f"http://127.0.0.1:{free_port()}")
    desk.conversation(3)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    wait_until(lambda: away.log.read_text().count('"not_asked"') >= 2, what="two attempts")
    away.kill()
    stack.start_worker()
    assert desk.wait_for_replies(1) == ["Echo: Hola"]
    assert len(desk.posts()) == 1


@pytest.mark.parametrize("kind", ["401", "404"])
def test_what_cannot_heal(kind: str, desk: Desk, stack: Stack) -> None:
    stack.start_web()
    worker = stack.start_worker()
    desk.conversation(3)
    desk.sandbox.faults.add(kind)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    wait_until(lambda: "send_given_up" in worker.log.read_text(), what="the reply to be given up")
    desk.conversation(4, "+34623226545")
    desk.sandbox.customer_writes("And me?", conversation_id=4)
    desk.wait_for_replies(1, 4)
    assert desk.replies(3) == []
    assert [post.body["content"] for post in desk.posts()].count("Echo: Hola") == 1
