"""A message of which no webhook told is found by asking Chatwoot; what is answered, or a human's, is left."""

from __future__ import annotations

import pytest

from tests.desk import Desk
from tests.stack import Stack, wait_until

RECONCILED = '"event": "reconciled"'


@pytest.fixture(autouse=True)
def _at_once(stack: Stack) -> None:
    stack.env |= {"RECONCILE_GRACE_SECONDS": "0", "RECONCILE_SECONDS": "3600"}


def reconcile(stack: Stack) -> None:
    """Have a running worker ask, and wait until it has: a message sent by hand after it comes through."""
    before = stack.logs().count(RECONCILED)
    stack.celery("call", "tasks.reconcile")
    wait_until(lambda: stack.logs().count(RECONCILED) > before, what="reconcile to end")


def lost(desk: Desk, text: str, conversation_id: int = 3) -> None:
    """The customer writes, and no webhook ever comes."""
    desk.sandbox.webhook_faults.add("never", event="message_created", times=1)
    desk.sandbox.customer_writes(text, conversation_id=conversation_id)
    desk.sandbox.settle()
    desk.sandbox.webhook_faults.clear()


def test_a_message_without_a_webhook_is_answered_once(desk: Desk, stack: Stack) -> None:
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    lost(desk, "Hola")
    reconcile(stack)
    assert desk.wait_for_replies(1) == ["Echo: Hola"]
    reconcile(stack)
    desk.sandbox.customer_writes("Adiós", conversation_id=3)
    assert desk.wait_for_replies(2) == ["Echo: Hola", "Echo: Adiós"]


def test_it_is_asked_at_start(desk: Desk, stack: Stack) -> None:
    desk.conversation(3)
    lost(desk, "Hola")
    stack.start_worker()
    stack.start("beat")
    assert desk.wait_for_replies(1) == ["Echo: Hola"]


def test_beat_asks_again_and_again(desk: Desk, stack: Stack) -> None:
    stack.env["RECONCILE_SECONDS"] = "1"
    stack.start_worker()
    stack.start("beat")
    desk.conversation(3)
    wait_until(lambda: stack.logs().count(RECONCILED) >= 2, what="beat")
    lost(desk, "Hola")
    assert desk.wait_for_replies(1) == ["Echo: Hola"]


def test_a_lost_message_that_was_overtaken_is_answered(desk: Desk, stack: Stack) -> None:
    stack.env["LOOK_BEFORE_THINKING"] = "late"
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    lost(desk, "lost")
    desk.sandbox.customer_writes("came", conversation_id=3)
    assert desk.wait_for_replies(1) == ["Echo: came"]
    reconcile(stack)
    assert desk.wait_for_replies(2) == ["Echo: came", "Echo: lost"]


def test_a_lost_message_is_found_behind_many_that_were_active_since(desk: Desk, stack: Stack) -> None:
    stack.env["LOOK_BEFORE_THINKING"] = "late"
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    lost(desk, "lost")
    desk.sandbox.customer_writes("came", conversation_id=3)
    assert desk.wait_for_replies(1) == ["Echo: came"]
    for id in range(10, 37):
        desk.conversation(id, f"+346000000{id}")
        lost(desk, "Hola", id)
    reconcile(stack)
    assert desk.wait_for_replies(2) == ["Echo: came", "Echo: lost"]


def test_a_lost_message_is_found_though_the_customer_seems_to_wait_since_long(desk: Desk, stack: Stack) -> None:
    """A silence ends no wait in Chatwoot; and all was down for longer than is looked back for what was overtaken."""
    stack.env |= {"RECONCILE_SECONDS": "1", "GRAPH": "tests.graphs_that_want:obedient"}
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.customer_writes("silence", conversation_id=3)
    wait_until(lambda: '"event": "turn_answered"' in stack.logs(), what="the silence")
    desk.sandbox.age(3, seconds=2 * 3600)
    lost(desk, "tidy")
    desk.sandbox.age(3, seconds=600)
    reconcile(stack)
    assert desk.wait_for_replies(1) == ["Done"]


def test_what_was_given_back_is_the_bots_though_a_person_stays_assigned(desk: Desk, stack: Stack) -> None:
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.set_status(3, "open")
    desk.assign_to_a_person(3)
    desk.sandbox.settle()
    desk.set_status(3, "pending")
    desk.sandbox.settle()
    lost(desk, "Hola")
    reconcile(stack)
    assert desk.wait_for_replies(1) == ["Echo: Hola"]


def test_that_it_was_given_back_is_found_where_no_webhook_told(desk: Desk, stack: Stack) -> None:
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.assign_to_a_person(3)
    desk.sandbox.settle()
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    desk.sandbox.settle()
    desk.sandbox.webhook_faults.add("never", event=None, times=None)
    desk.assign_to_a_person(3, None)
    desk.sandbox.settle()
    desk.sandbox.webhook_faults.clear()
    reconcile(stack)
    assert desk.wait_for_replies(1) == ["Echo: Hola"]


def test_one_that_is_broken_stops_nobody(desk: Desk, stack: Stack) -> None:
    stack.start_web()
    stack.start_worker()
    for id in (3, 4, 5):
        desk.conversation(id, f"+3460000000{id}")
        lost(desk, "Hola", id)
    desk.sandbox.faults.add("500", method="GET", path=r".*/conversations/4/messages$", times=None)
    stack.celery("call", "tasks.reconcile")
    for id in (3, 5):
        assert desk.wait_for_replies(1, id) == ["Echo: Hola"]
    wait_until(lambda: "could not look for lost messages" in stack.logs(), what="what is broken to be told")


def test_what_was_answered_is_left_even_where_redis_forgot(desk: Desk, stack: Stack, redis_client: object) -> None:
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.conversation(4, "+34600000004")
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    desk.wait_for_replies(1)
    redis_client.flushall()  # type: ignore[attr-defined]
    lost(desk, "Hola", 4)
    reconcile(stack)
    desk.wait_for_replies(1, 4)
    assert desk.replies(3) == ["Echo: Hola"]


@pytest.mark.parametrize("why", ["a person answered", "open", "assigned to a person", "paused", "too old"])
def test_what_is_not_the_bots_is_left(desk: Desk, stack: Stack, why: str) -> None:
    if why == "too old":
        stack.env["RECONCILE_HORIZON_SECONDS"] = "0.001"
    desk.conversation(3)
    desk.conversation(4, "+34600000004")
    lost(desk, "Hola")
    if why == "a person answered":
        desk.person_writes("I am on it", 3)
    elif why == "open":
        desk.set_status(3, "open")
    elif why == "assigned to a person":
        desk.assign_to_a_person(3)
    elif why == "paused":
        desk.label(3, "bot-paused")
    stack.start_worker()
    reconcile(stack)
    replies = [reply for reply in desk.replies(3) if reply.startswith("Echo")]
    assert replies == []
