"""No customer waits unseen: whoever has waited too long is handed to humans, once."""

from __future__ import annotations

import pytest
import redis

from tests.desk import Desk
from tests.stack import Stack, wait_until, wait_until_idle

NOTE = "A customer has waited for more than 600 s. Please take over."


@pytest.fixture(autouse=True)
def _nobody_answers(desk: Desk, stack: Stack) -> None:
    """The webhook was lost, and lost messages are not looked for."""
    stack.env |= {"RECONCILE_SECONDS": "0", "MAX_WAIT_SECONDS": "600"}
    stack.start_web()
    for id in (3, 4, 5):
        desk.conversation(id, f"+3460000{id:04}")
    desk.sandbox.webhook_faults.add("never", event="message_created", times=2)
    for id in (3, 4):
        desk.sandbox.customer_writes("Hola", conversation_id=id)
        desk.sandbox.age(id, seconds=700)
    desk.sandbox.age(5, seconds=700)
    desk.sandbox.settle()


def is_open(desk: Desk, id: int) -> bool:
    return bool(desk.sandbox.conversation(id)["status"] == "open")


def test_who_waits_too_long_is_handed_to_humans_once(desk: Desk, stack: Stack, redis_client: redis.Redis) -> None:
    desk.set_status(4, "resolved")
    stack.start_worker()
    stack.celery("call", "tasks.watch")
    wait_until(lambda: is_open(desk, 3), what="the conversation to be opened")
    wait_until_idle(redis_client)
    desk.set_status(3, "pending")
    assert desk.wait_for_replies(1, 3) == ["Echo: Hola"]  # handed back, what no webhook told of is found
    stack.celery("call", "tasks.watch")
    stack.celery("call", "tasks.send_reply", "--kwargs", '{"conversation_id": 5, "content": "after it"}')
    desk.wait_for_replies(1, 5)
    assert desk.notes(3) == [NOTE]
    assert (desk.notes(4), desk.notes(5)) == ([], [])
    assert not is_open(desk, 5)


def test_it_is_opened_though_a_reply_is_stuck(desk: Desk, stack: Stack) -> None:
    """Its note waits behind the reply; the customer does not."""
    stack.start_worker()
    desk.sandbox.faults.add("503", path=r".*/messages$", times=None)
    desk.sandbox.customer_writes("Are you there?", conversation_id=5)
    wait_until(lambda: "send_failed" in stack.logs(), what="the reply to be stuck")
    desk.sandbox.age(5, seconds=700)
    stack.celery("call", "tasks.watch")
    wait_until(lambda: is_open(desk, 5), what="the conversation to be opened")
    desk.sandbox.faults.clear()
    wait_until(lambda: desk.notes(5), what="the note")
    assert desk.replies(5) == []


def test_what_nobody_has_though_it_is_assigned_is_opened(desk: Desk, stack: Stack) -> None:
    desk.assign_to_a_person(3)
    stack.start_worker()
    stack.celery("call", "tasks.watch")
    wait_until(lambda: is_open(desk, 3), what="the conversation to be opened")


@pytest.mark.parametrize("days", [0, 7])
def test_who_writes_after_a_silence_is_seen(desk: Desk, stack: Stack, days: int) -> None:
    """To Chatwoot the customer has waited since the message that the graph left without an answer."""
    stack.start_worker(GRAPH="tests.graphs_that_want:obedient")
    desk.sandbox.customer_writes("silence", conversation_id=5)
    wait_until(lambda: '"event": "turn_answered"' in stack.logs(), what="the silence")
    desk.sandbox.age(5, seconds=days * 24 * 3600)
    desk.sandbox.webhook_faults.add("never", event="message_created", times=1)
    desk.sandbox.customer_writes("Are you there?", conversation_id=5)
    desk.sandbox.age(5, seconds=700)
    stack.celery("call", "tasks.watch")
    wait_until(lambda: is_open(desk, 5), what="the conversation to be opened")


def test_whose_answer_was_not_delivered_is_seen_though_no_webhook_told(desk: Desk, stack: Stack) -> None:
    stack.start_worker()
    desk.sandbox.customer_writes("Are you there?", conversation_id=5)
    desk.wait_for_replies(1, 5)
    desk.sandbox.settle()
    reply = desk.sandbox.messages(5)[-1]["id"]
    desk.sandbox.webhook_faults.add("never", event=None, times=None)
    desk.sandbox.channel_reports(reply, "failed", "131026: Message undeliverable")
    desk.sandbox.settle()
    desk.sandbox.webhook_faults.clear()
    desk.sandbox.age(5, seconds=700)
    stack.celery("call", "tasks.watch")
    assert wait_until(lambda: desk.notes(5), what="the note") == [NOTE]


def test_one_that_is_broken_stops_nobody(desk: Desk, stack: Stack) -> None:
    desk.sandbox.faults.add("500", method="GET", path=r".*/conversations/3/messages$", times=None)
    stack.start_worker()
    stack.celery("call", "tasks.watch")
    wait_until(lambda: is_open(desk, 4), what="the other conversation to be opened")


def test_beat_looks(desk: Desk, stack: Stack) -> None:
    stack.env["MAX_WAIT_SECONDS"] = "1"
    stack.start_worker()
    stack.start("beat")
    wait_until(lambda: is_open(desk, 3) and is_open(desk, 4), what="both to be opened")
    assert desk.notes(5) == []
