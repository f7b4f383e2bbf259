"""What people decide, and when it is decided for them: a graph that waits is told what they said, and nothing else."""

from __future__ import annotations

import pytest
import redis

from tests.desk import Desk
from tests.stack import Stack, wait_until

QUESTION = "May I refund 40 euros?"


@pytest.fixture
def asked(desk: Desk, stack: Stack, request: pytest.FixtureRequest) -> Desk:
    """Conversation 3 waits for people."""
    stack.start_web()
    stack.start_worker(GRAPH="tests.graphs:asking", **getattr(request, "param", {}))
    desk.conversation(3)
    desk.sandbox.customer_writes("I want my money back", conversation_id=3)
    wait_until(lambda: desk.sandbox.conversation(3)["status"] == "open", what="the conversation to be handed over")
    desk.sandbox.settle()
    return desk


def give_back(desk: Desk) -> None:
    desk.sandbox.settle()
    desk.set_status(3, "pending")


def test_a_note_of_which_no_webhook_told_is_heard(asked: Desk) -> None:
    asked.sandbox.webhook_faults.add("never", event="message_created")
    asked.person_notes("@bot yes", 3)
    give_back(asked)
    assert asked.wait_for_replies(1) == ["The team says: True"]


def test_a_note_from_before_the_question_is_none_though_no_webhook_told_of_it(desk: Desk, stack: Stack) -> None:
    stack.start_web()
    stack.start_worker(GRAPH="tests.graphs:asking")
    desk.conversation(3)
    desk.sandbox.webhook_faults.add("never", event="message_created")
    desk.person_notes("@bot yes", 3)
    desk.sandbox.settle()
    desk.sandbox.customer_writes("I want my money back", conversation_id=3)
    wait_until(lambda: desk.sandbox.conversation(3)["status"] == "open", what="the conversation to be handed over")
    give_back(desk)
    assert desk.wait_for_replies(1) == ["The team says: False"]


def test_resolving_cancels_what_was_decided_before(asked: Desk) -> None:
    asked.person_notes("@bot yes", 3)
    asked.sandbox.settle()
    asked.set_status(3, "resolved")
    asked.sandbox.settle()
    asked.sandbox.customer_writes("Well?", conversation_id=3)
    assert "The team says: False" in asked.wait_for_replies(1)


A_MOMENT = {"DECISION_HOURS": "0.0003"}


def lapse_passes(client: redis.Redis) -> None:
    (key,) = client.scan_iter("contesta:*:3:state")
    lapses_at = int(client.hget(key, "lapses_at") or 0)
    wait_until(lambda: client.time()[0] * 1000 > lapses_at + 1000, what="the time in which to decide to pass")


@pytest.mark.parametrize("asked", [A_MOMENT], indirect=True)
def test_silence_cancels_and_people_are_told(asked: Desk) -> None:
    wait_until(lambda: len(asked.notes(3)) == 2, what="people to be told")
    assert "Nobody has decided" in asked.notes(3)[1]
    asked.person_notes("@bot yes", 3)
    give_back(asked)
    assert asked.wait_for_replies(1) == ["The team says: False"]


@pytest.mark.parametrize("asked", [{"DECISION_HOURS": "0.002"}], indirect=True)
def test_what_was_decided_in_time_counts_however_late_it_is_given_back(asked: Desk, redis_client: redis.Redis) -> None:
    asked.person_notes("@bot yes", 3)
    asked.sandbox.settle()
    lapse_passes(redis_client)
    assert [note.startswith(("May I", "@bot")) for note in asked.notes(3)] == [True, True]
    give_back(asked)
    assert asked.wait_for_replies(1) == ["The team says: True"]
