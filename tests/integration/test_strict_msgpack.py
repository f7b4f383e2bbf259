"""LANGGRAPH_STRICT_MSGPACK=true: a type of one's own is kept whole, or its turn is given to people; never a bare dict.

LangGraph reads the variable as it is imported, which a session's nursery has done: these workers are started afresh.
"""

from __future__ import annotations

import pytest
import redis

from tests.desk import Desk
from tests.stack import Stack, as_a_supervisor, wait_until, wait_until_idle

SENTENCE = "its memory cannot be kept: the graph's state holds tests.graphs:Order: name it in MSGPACK_MODULES"


@pytest.fixture
def strict(desk: Desk, stack: Stack) -> Stack:
    stack.starts = as_a_supervisor
    stack.env |= {"GRAPH": "tests.graphs:ordering", "LANGGRAPH_STRICT_MSGPACK": "true", "GRAPH_DURABILITY": "sync"}
    stack.start_web()
    desk.conversation(3)
    return stack


def test_a_type_that_is_allowed_is_known_in_the_next_turn(desk: Desk, strict: Stack) -> None:
    strict.start_worker(MSGPACK_MODULES="tests.graphs:Order")
    for number, text in enumerate(("A1", "B2"), 1):
        desk.sandbox.customer_writes(text, conversation_id=3)
        desk.wait_for_replies(number)
    assert desk.replies() == ["Ordered", "Order A1"]


@pytest.mark.parametrize("durability", ["exit", "sync"])
def test_one_that_is_not_is_not_even_kept(desk: Desk, strict: Stack, durability: str) -> None:
    strict.start_worker(GRAPH_DURABILITY=durability)
    desk.sandbox.customer_writes("A1", conversation_id=3)
    [note] = wait_until(lambda: desk.notes(), what="people to be told")
    assert SENTENCE in note
    assert desk.replies() == []


def test_one_that_was_kept_before_is_said_and_nothing_is_lost(
    desk: Desk, strict: Stack, redis_client: redis.Redis
) -> None:
    lax = strict.start_worker(LANGGRAPH_STRICT_MSGPACK="false")
    desk.sandbox.customer_writes("A1", conversation_id=3)
    desk.wait_for_replies(1)
    wait_until_idle(redis_client)
    assert lax.stop() == 0
    worker = strict.start_worker()
    desk.sandbox.customer_writes("B2", conversation_id=3)
    [note] = wait_until(lambda: desk.notes(), what="people to be told")
    assert SENTENCE in note
    assert '"attempts": 1' in worker.log.read_text()
    wait_until_idle(redis_client)
    assert worker.stop() == 0
    strict.start_worker(MSGPACK_MODULES="tests.graphs:Order")
    desk.sandbox.settle()
    desk.set_status(3, "pending")
    desk.sandbox.settle()
    desk.sandbox.customer_writes("C3", conversation_id=3)
    assert desk.wait_for_replies(2) == ["Ordered", "Order A1"]
