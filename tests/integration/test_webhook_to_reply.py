"""A customer's message is answered, all the way: real web, worker, Redis and HTTP."""

from __future__ import annotations

from tests.desk import Desk
from tests.stack import SECRET, Stack, wait_until


def test_a_webhooks_reply_is_one_post_to_its_own_conversation(desk: Desk, stack: Stack) -> None:
    """The bug that Contesta exists for: conversation 3 was received, and not used."""
    stack.start_web()
    stack.start_worker()
    desk.conversation(3, "+34623226544")
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    assert desk.wait_for_replies(1) == ["Echo: Hola"]
    desk.sandbox.settle()
    about = "/api/v1/accounts/1/conversations/3"
    assert desk.calls() == [("GET", f"{about}/messages"), ("GET", about), ("POST", f"{about}/messages")]


def test_memory_goes_on_over_turns_and_workers(desk: Desk, stack: Stack) -> None:
    stack.start_web()
    worker = stack.start_worker()
    desk.conversation(3)
    desk.sandbox.customer_writes("one", conversation_id=3)
    desk.wait_for_replies(1)
    assert worker.stop() == 0
    stack.start_worker()
    desk.sandbox.customer_writes("two", conversation_id=3)
    assert desk.wait_for_replies(2) == ["Echo: one", "Echo: two"]


def test_the_same_webhook_three_times_is_answered_once(desk: Desk, stack: Stack) -> None:
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.webhook_faults.add("twice", event="message_created", times=1)
    desk.sandbox.add_webhook(url=stack.webhook_url, secret=SECRET)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    desk.wait_for_replies(1)
    desk.sandbox.settle()
    about_the_customer = [
        delivery
        for delivery in desk.sandbox.deliveries
        if delivery.event == "message_created" and delivery.body["message_type"] == "incoming"
    ]
    assert len(about_the_customer) == 3
    desk.sandbox.customer_writes("Adiós", conversation_id=3)
    assert desk.wait_for_replies(2) == ["Echo: Hola", "Echo: Adiós"]


def test_a_burst_is_one_turn(desk: Desk, stack: Stack) -> None:
    stack.env["COALESCE_SECONDS"] = "1"
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    for text in ("one", "two", "three"):
        desk.sandbox.customer_writes(text, conversation_id=3)
    assert desk.wait_for_replies(1) == ["Echo: one\ntwo\nthree"]


def test_503_twice_is_retried_by_celery_and_said_once(desk: Desk, stack: Stack) -> None:
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.faults.add("503", method="POST", path=r".*/messages$", times=2)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    assert desk.wait_for_replies(1) == ["Echo: Hola"]
    assert [post.status for post in desk.posts()] == [503, 503, 200]


def test_a_reply_stored_under_a_500_is_not_said_twice(desk: Desk, stack: Stack) -> None:
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.faults.add("500-after-storing", method="POST", path=r".*/messages$", times=1)
    desk.sandbox.customer_writes("one", conversation_id=3)
    desk.wait_for_replies(1)
    desk.sandbox.customer_writes("two", conversation_id=3)
    assert desk.wait_for_replies(2) == ["Echo: one", "Echo: two"]


def test_a_conversation_that_does_not_exist_is_tried_once_and_kept(desk: Desk, stack: Stack) -> None:
    worker = stack.start_worker()
    stack.celery("call", "tasks.send_reply", "--kwargs", '{"conversation_id": 999999, "content": "Hola"}')
    wait_until(lambda: "send_given_up" in worker.log.read_text(), what="the reply to be given up")
    desk.conversation(3)
    stack.celery("call", "tasks.send_reply", "--kwargs", '{"conversation_id": 3, "content": "Still here"}')
    assert desk.wait_for_replies(1) == ["Still here"]
    assert desk.calls().count(("POST", "/api/v1/accounts/1/conversations/999999/messages")) == 1
    assert "Resource could not be found" in worker.log.read_text()
