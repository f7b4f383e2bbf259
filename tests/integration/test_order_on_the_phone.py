"""Chatwoot hands on each message by a job of its own: what the customer's phone shows stands in the order said."""

from __future__ import annotations

import json

import pytest

from tests.desk import Desk
from tests.stack import Stack, wait_until

FIVE = ["One", "Two", "Three", "Four", "Five"]


@pytest.fixture(autouse=True)
def _running(stack: Stack) -> None:
    stack.env |= {"GRAPH": "tests.graphs_that_want:obedient"}


def start(stack: Stack, **env: str) -> None:
    stack.start_web(**env)
    stack.start_worker(**env)


def by_hand(stack: Stack, content: str) -> None:
    stack.celery("call", "tasks.send_reply", "--kwargs", json.dumps({"conversation_id": 3, "content": content}))


def arrived(desk: Desk, count: int, conversation_id: int = 3) -> list[str]:
    """What the phone shows, once so much has come."""
    wait_until(lambda: len(desk.sandbox.arrived(conversation_id)) >= count, what=f"{count} messages on the phone")
    return desk.sandbox.arrived(conversation_id)


def test_five_bubbles_to_each_of_ten_customers(desk: Desk, stack: Stack) -> None:
    start(stack)
    desk.sandbox.lag.set(channel_s=(0, 0.5), seed=1)
    customers = [desk.conversation(id, f"+3460000{id:04}") for id in range(1, 11)]
    for id in customers:
        desk.sandbox.customer_writes("five bubbles", conversation_id=id)
    assert [arrived(desk, 5, id) for id in customers] == [FIVE] * 10


def test_a_file_and_what_is_asked_about_it(desk: Desk, stack: Stack) -> None:
    start(stack)
    desk.sandbox.lag.set(channel_s=(0, 0.1), files_s=(1, 2), seed=1)
    desk.conversation(3)
    desk.sandbox.customer_writes("a file and a question", conversation_id=3)
    assert arrived(desk, 2) == ["Our hours", "Which day?"]


@pytest.mark.parametrize(
    ("channel", "tokens"), [("whatsapp", "both"), ("whatsapp", "bot"), ("telegram", "both"), ("twilio", "bot")]
)
def test_no_webhook_tells_of_any_arrival(channel: str, tokens: str, desk: Desk, stack: Stack) -> None:
    """Then Chatwoot is asked."""
    start(stack, **({"CHATWOOT_API_TOKEN": "", "RECONCILE_SECONDS": "0"} if tokens == "bot" else {}))
    desk.sandbox.lag.set(channel_s=(0, 0.5), seed=1)
    desk.sandbox.webhook_faults.add("never", event="message_updated", times=None)
    inbox = desk.sandbox.add_inbox(name="Another", channel=channel, agent_bot_id=1)
    there = Desk(desk.sandbox, inbox.id)
    there.conversation(3)
    desk.sandbox.customer_writes("bubbles", conversation_id=3)
    assert arrived(there, 3) == ["One", "Two", "Three"]


def test_the_next_turns_words_wait_for_the_last_ones(desk: Desk, stack: Stack) -> None:
    start(stack)
    desk.conversation(3)
    desk.sandbox.lag.set(channel_s=(0.7, 0.7))
    desk.sandbox.customer_writes("bubbles", conversation_id=3)
    desk.wait_for_replies(3)
    desk.sandbox.lag.clear()
    desk.sandbox.customer_writes("five bubbles", conversation_id=3)
    assert arrived(desk, 8) == ["One", "Two", "Three", *FIVE]


def test_what_is_sent_by_hand_keeps_its_order(desk: Desk, stack: Stack) -> None:
    """No webhook has told of the channel."""
    start(stack)
    desk.conversation(3)
    desk.sandbox.webhook_faults.add("never", times=None)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    desk.sandbox.lag.set(channel_s=(2, 2))
    by_hand(stack, "First")
    desk.wait_for_replies(1)
    desk.sandbox.lag.clear()
    by_hand(stack, "Second")
    assert arrived(desk, 2) == ["First", "Second"]


def test_what_the_channel_refuses_holds_up_nothing(desk: Desk, stack: Stack) -> None:
    """Whoever has not written for a day gets templates only."""
    start(stack, ORDER_WAIT_SECONDS="3600")
    desk.conversation(3)
    by_hand(stack, "First")
    desk.wait_for_replies(1)
    by_hand(stack, "Second")
    assert desk.wait_for_replies(2) == ["First", "Second"]
    assert desk.sandbox.arrived(3) == []


def test_one_that_never_arrives_holds_up_the_next_for_a_while_only(desk: Desk, stack: Stack) -> None:
    start(stack, ORDER_WAIT_SECONDS="1.5")
    desk.conversation(3)
    desk.sandbox.lag.set(channel_s=(600, 600))
    desk.sandbox.customer_writes("bubbles", conversation_id=3)
    assert desk.wait_for_replies(3) == ["One", "Two", "Three"]
    assert desk.sandbox.arrived(3) == []


def test_nothing_waits_where_nothing_overtakes(desk: Desk, stack: Stack) -> None:
    start(stack)
    inbox = desk.sandbox.add_inbox(name="API", channel="api", agent_bot_id=1)
    there = Desk(desk.sandbox, inbox.id)
    there.conversation(3)
    desk.sandbox.customer_writes("five bubbles", conversation_id=3)
    assert there.wait_for_replies(5) == FIVE
    assert "an earlier message is on its way" not in stack.logs()
