"""Promise 3: one turn at a time in a conversation, on any number of workers; and no conversation waits for another."""

from __future__ import annotations

from functools import reduce
from operator import add

from tests.desk import Desk
from tests.stack import Stack, wait_until
from tests.tally import Tally, of_conversation

CONVERSATIONS = range(1, 11)


def total(desk: Desk) -> Tally:
    return reduce(add, (of_conversation(desk, id) for id in CONVERSATIONS))


def test_four_workers(desk: Desk, stack: Stack) -> None:
    """Chatwoot takes its time, so turns of one conversation would overlap if they could."""
    stack.start_web()
    for _ in range(4):
        stack.start_worker()
    for id in CONVERSATIONS:
        desk.conversation(id, f"+34600{id:06}")
    desk.sandbox.faults.add("slow", times=None, seconds=0.2)
    for number in range(8):
        for id in CONVERSATIONS:
            desk.sandbox.customer_writes(f"{id}/{number}", conversation_id=id)
        desk.sandbox.settle()
    wait_until(lambda: not total(desk).lost, what="every message to be answered")
    assert total(desk).is_clean
    logs = [worker.log.read_text() for worker in stack.processes[1:]]
    assert all("message_sent" in log for log in logs), "one of the workers had nothing to do"


def test_webhooks_out_of_order_are_answered_in_order(desk: Desk, stack: Stack) -> None:
    """As far as they come within the quiet time that the bot waits for."""
    stack.env["COALESCE_SECONDS"] = "1"
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.webhook_faults.add("shuffled", times=5)
    for text in ("one", "two", "three", "four", "five"):
        desk.sandbox.customer_writes(text, conversation_id=3)
    assert desk.wait_for_replies(1) == ["Echo: one\ntwo\nthree\nfour\nfive"]


def test_a_conversation_that_cannot_be_answered_holds_up_no_other(desk: Desk, stack: Stack) -> None:
    """Posting into conversation 1 fails and fails; what follows in it waits, everybody else is answered."""
    stack.start_web()
    stack.start_worker()
    for id in CONVERSATIONS:
        desk.conversation(id, f"+34600{id:06}")
    desk.sandbox.faults.add("503", path=r".*/conversations/1/messages$", times=None)
    for id in CONVERSATIONS:
        desk.sandbox.customer_writes("one", conversation_id=id)
    wait_until(lambda: {*total(desk).lost} == {"one"} and desk.replies(10), what="all the others' answers")
    desk.sandbox.settle()
    desk.sandbox.customer_writes("two", conversation_id=1)
    desk.sandbox.settle()
    assert desk.replies(1) == []
    desk.sandbox.faults.clear()
    wait_until(lambda: not total(desk).lost, what="the answers to the first")
    assert total(desk).is_clean


def test_slow_posts_hold_up_no_thinking(desk: Desk, stack: Stack) -> None:
    """More conversations are being posted to than posts may be in flight: the others are thought about meanwhile."""
    stack.env["POSTS_IN_FLIGHT"] = "2"
    stack.start_web()
    worker = stack.start_worker()
    for id in CONVERSATIONS:
        desk.conversation(id, f"+34600{id:06}")
    desk.sandbox.faults.add("slow", times=None, seconds=20)
    for id in CONVERSATIONS:
        desk.sandbox.customer_writes("one", conversation_id=id)
    wait_until(lambda: worker.log.read_text().count("turn_answered") == len(CONVERSATIONS), what="all to be thought")
    assert len(desk.posts()) <= 2
    desk.sandbox.faults.clear()
    wait_until(lambda: not total(desk).lost, what="all to be answered")
    assert total(desk).is_clean
