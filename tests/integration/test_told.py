"""A graph is told whom it talks to, whether a webhook tells of the message or looking finds it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.machine.redis import RedisServer
from tests.desk import Desk
from tests.memory import remembered
from tests.stack import Stack, wait_until


@pytest.mark.parametrize("told", [True, False])
def test_whom_it_talks_to(told: bool, desk: Desk, stack: Stack) -> None:
    stack.env |= {"GRAPH": "tests.graphs:knowing", "RECONCILE_GRACE_SECONDS": "0"}
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.label(3, "vip")
    if not told:
        desk.sandbox.webhook_faults.add("never", event="message_created", times=1)
    desk.sandbox.customer_writes("Who am I?", conversation_id=3)
    if not told:
        desk.sandbox.settle()
        stack.celery("call", "tasks.reconcile")
    assert desk.wait_for_replies(1) == ["Lucía +34623226544 Channel::Whatsapp 3 vip, never handed back, 23 h left"]


def test_that_people_had_it(desk: Desk, stack: Stack) -> None:
    stack.env |= {"GRAPH": "tests.graphs:knowing"}
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.set_status(3, "open")
    desk.sandbox.customer_writes("Who am I?", conversation_id=3)
    desk.sandbox.settle()
    desk.person_writes("One moment")
    desk.set_status(3, "pending")
    desk.sandbox.settle()
    desk.sandbox.customer_writes("Well?", conversation_id=3)
    wait_until(lambda: any(", handed back," in reply for reply in desk.replies(3)), what="the answer")


@pytest.mark.parametrize(
    "by", [{"campaign_id": 7}, {"content_attributes": {"automation_rule_id": 7}}], ids=["campaign", "automation_rule"]
)
def test_what_others_said_it_knows(by: dict[str, Any], desk: Desk, stack: Stack, redis_server: RedisServer) -> None:
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.writes_itself("20 % off on Monday?", 3, **by)
    desk.sandbox.settle()
    desk.sandbox.customer_writes("Yes please", conversation_id=3)
    assert desk.wait_for_replies(2)[1:] == ["Echo: Yes please"]
    assert remembered(redis_server, "graph.echo:graph")[1:] == ["20 % off on Monday?", "Yes please", "Echo: Yes please"]


def test_what_another_bot_said_it_knows(desk: Desk, stack: Stack, redis_server: RedisServer) -> None:
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    desk.wait_for_replies(1)
    desk.bot_writes("A table for two?", 3)
    desk.sandbox.settle()
    desk.sandbox.customer_writes("Yes please", conversation_id=3)
    assert desk.wait_for_replies(3)[2:] == ["Echo: Yes please"]
    assert remembered(redis_server, "graph.echo:graph")[2:4] == ["A table for two?", "Yes please"]


def test_what_the_customer_quotes(desk: Desk, stack: Stack) -> None:
    """What the graph itself said, too, which has got its id in Chatwoot only then."""
    stack.start_web()
    stack.start_worker(GRAPH="tests.graphs:quoting")
    desk.conversation(3)
    own = desk.sandbox.customer_writes("Hola", conversation_id=3)
    desk.wait_for_replies(1)
    ids = {each["content"]: each["id"] for each in desk.sandbox.messages(3)}
    for of in (ids["You say: Hola"], own.id):
        desk.sandbox.customer_writes("this", conversation_id=3, content_attributes={"in_reply_to": of})
        desk.sandbox.settle()
        desk.wait_for_replies(2 if of != own.id else 3)
    assert desk.replies(3) == ["You say: Hola", "You quote: You say: Hola", "You quote: Hola"]


def test_what_was_sent_by_hand_by_a_worker_that_died_of_it(desk: Desk, stack: Stack, redis_server: RedisServer) -> None:
    """Only our own webhook tells which message it is."""
    stack.start_web()
    worker = stack.start_worker(CONTESTA_DIE_AT="post.after")
    desk.conversation(3)
    stack.celery("call", "tasks.send_reply", "--kwargs", json.dumps({"conversation_id": 3, "content": "At ten?"}))
    wait_until(lambda: not worker.is_alive, what="the worker to kill itself")
    desk.sandbox.settle()
    desk.sandbox.customer_writes("Yes please", conversation_id=3)
    stack.start_worker()
    assert desk.wait_for_replies(2) == ["At ten?", "Echo: Yes please"]
    assert remembered(redis_server, "graph.echo:graph")[1:] == ["At ten?", "Yes please", "Echo: Yes please"]


@pytest.mark.parametrize("how", ["by hand", "later"])
def test_what_we_said_without_the_graph_it_knows(how: str, desk: Desk, stack: Stack, redis_server: RedisServer) -> None:
    """Before the customer's "Yes" to it; and it is not said again."""
    stack.env |= {"GRAPH": "tests.graphs_that_want:obedient"}
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    if how == "later":
        desk.sandbox.customer_writes("later", conversation_id=3)
        said = ["In a moment", "Now"]
    else:
        by_hand = {"conversation_id": 3, "content": "Tomorrow at ten?"}
        desk.sandbox.customer_writes("buttons", conversation_id=3)
        desk.wait_for_replies(1)
        stack.celery("call", "tasks.send_reply", "--kwargs", json.dumps(by_hand))
        said = ["Which one?", "Tomorrow at ten?"]
    assert desk.wait_for_replies(2) == said
    desk.sandbox.settle()
    desk.sandbox.customer_writes("bubbles", conversation_id=3)
    assert desk.wait_for_replies(5) == [*said, "One", "Two", "Three"]
    assert remembered(redis_server, "tests.graphs_that_want:obedient")[-4:] == [*said, "bubbles", "One"]
