"""A turn that is given up: people are told, and nothing of it stands in the way of the next one."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.machine.redis import RedisServer
from tests.desk import Desk
from tests.memory import remembered
from tests.stack import Stack, wait_until


def write(text: str, desk: Desk, stack: Stack, tmp_path: Path, graph: str, **env: str) -> None:
    """To a bot with this graph of tests/graphs.py."""
    stack.env |= {"GRAPH": f"tests.graphs:{graph}", "TEST_GATE": str(tmp_path), **env}
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.customer_writes(text, conversation_id=3)


def begin(desk: Desk, stack: Stack, tmp_path: Path, graph: str, durability: str) -> None:
    write("Hola", desk, stack, tmp_path, graph, TURN_ATTEMPTS="2", GRAPH_DURABILITY=durability)
    desk.wait_for_replies(1)
    desk.sandbox.customer_writes("poison", conversation_id=3)
    wait_until(lambda: desk.notes(3), what="people to be told")
    desk.sandbox.settle()
    desk.set_status(3, "pending")
    desk.sandbox.settle()


@pytest.mark.parametrize("durability", ["exit", "sync"])
def test_what_a_model_refuses_once_it_does_not_refuse_for_ever(
    durability: str, desk: Desk, stack: Stack, tmp_path: Path
) -> None:
    """As a content filter does."""
    begin(desk, stack, tmp_path, "filtered", durability)
    desk.sandbox.customer_writes("And now?", conversation_id=3)
    assert desk.wait_for_replies(2) == ["Echo: Hola", "Echo: And now?"]
    desk.sandbox.customer_writes("Good", conversation_id=3)
    assert desk.wait_for_replies(3)[-1] == "Echo: Good"


@pytest.mark.parametrize("durability", ["exit", "sync"])
def test_what_the_customer_said_is_known_and_what_was_half_done_is_not(
    durability: str, desk: Desk, stack: Stack, tmp_path: Path, redis_server: RedisServer
) -> None:
    begin(desk, stack, tmp_path, "halfway", durability)
    desk.sandbox.customer_writes("And now?", conversation_id=3)
    assert desk.wait_for_replies(2) == ["Echo: Hola", "Echo: poison\nAnd now?"]
    told = remembered(redis_server, "tests.graphs:halfway")
    assert told == ["Hola", "Echo: Hola", "poison", "And now?", "Echo: poison\nAnd now?"]


@pytest.mark.parametrize(("first", "answers"), [("once", True), ("always", False)])
def test_nothing_said_is_thought_once_more_and_then_told_to_people(
    first: str, answers: bool, desk: Desk, stack: Stack, tmp_path: Path
) -> None:
    write(f"silent {first}", desk, stack, tmp_path, "wordless")
    if answers:
        assert desk.wait_for_replies(1) == [f"Echo: silent {first}"]
        assert desk.notes(3) == []
    else:
        (note,) = wait_until(lambda: desk.notes(3), what="people to be told")
        assert "it said nothing: the model's answer was empty" in note
        assert desk.replies(3) == []
    assert len(list(tmp_path.glob("wordless-*"))) == 2


def test_what_cannot_heal_is_given_up_at_once_and_people_learn_why(desk: Desk, stack: Stack, tmp_path: Path) -> None:
    write("Hola", desk, stack, tmp_path, "refused", LOG_GRAPH_ERRORS="true")
    (note,) = wait_until(lambda: desk.notes(3), what="people to be told")
    assert "StatusError, status 401" in note
    assert "sk-no" not in note
    assert "Incorrect API key provided" in stack.logs()
    assert len(list(tmp_path.glob("refused-*"))) == 1


def test_a_model_that_is_away_is_waited_for(desk: Desk, stack: Stack, tmp_path: Path) -> None:
    """It costs no attempt."""
    write("Hola", desk, stack, tmp_path, "away_twice", TURN_ATTEMPTS="1")
    assert desk.wait_for_replies(1) == ["Echo: Hola"]
    assert desk.notes(3) == []


def test_but_not_for_ever(desk: Desk, stack: Stack, tmp_path: Path) -> None:
    write("Hola", desk, stack, tmp_path, "away_twice", TURN_RETRY_SECONDS="1")
    (note,) = wait_until(lambda: desk.notes(3), what="people to be told")
    assert "StatusError, status 503" in note


def test_a_worker_of_another_pool_says_so_and_ends(stack: Stack) -> None:
    ended = stack.run("celery", "-A", "tasks", "worker", "--pool", "prefork", "--concurrency", "1")
    assert ended.returncode == 1
    assert "wants --pool threads" in ended.stdout + ended.stderr
