"""What cannot be thought or sent is kept with its reason, a human is told, and an operator can try it again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.desk import Desk
from tests.stack import Stack, wait_until

CONVERSATION_3 = "/api/v1/accounts/1/conversations/3"


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    folder = tmp_path / "gate"
    folder.mkdir()
    return folder


def flask(stack: Stack, *args: str, status: int = 0) -> str:
    done = stack.run("flask", "dead-letters", *args)
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


def letters(stack: Stack) -> list[list[str]]:
    return [line.split("\t") for line in flask(stack, "list").splitlines()]


def test_a_graph_that_fails_each_time_is_given_up_and_a_human_is_told(desk: Desk, stack: Stack, gate: Path) -> None:
    stack.start_web()
    worker = stack.start_worker(GRAPH="tests.graphs:failing", TEST_GATE=str(gate), TURN_ATTEMPTS="2")
    desk.conversation(3)
    desk.sandbox.customer_writes("a secret of mine", conversation_id=3)
    wait_until(lambda: desk.sandbox.conversation(3)["status"] == "open", what="the conversation to be opened")
    assert len(list(gate.glob("failing-*"))) == 2
    assert desk.notes(3) == ["The bot could not answer (the graph failed: RuntimeError). Please take over."]
    assert "a secret of mine" not in worker.log.read_text()
    ((id, _, what, attempts, reason),) = letters(stack)
    assert (what, attempts, reason) == ("thinking", "2", "the graph failed: RuntimeError")
    worker.stop()

    stack.start_worker()
    assert f"{id}: tried again" in flask(stack, "retry", id)
    assert desk.wait_for_replies(1) == ["Echo: a secret of mine"]
    assert letters(stack) == []


def test_a_message_that_kills_its_worker_each_time_is_given_up(desk: Desk, stack: Stack, gate: Path) -> None:
    stack.env |= {"GRAPH": "tests.graphs:deadly", "TEST_GATE": str(gate), "TURN_ATTEMPTS": "2"}
    stack.start_web()
    desk.conversation(3)
    desk.conversation(4, "+34600000004")
    desk.sandbox.customer_writes("poison", conversation_id=3)
    for _ in range(2):
        worker = stack.start("worker")
        wait_until(lambda: not worker.is_alive, what="the message to kill the worker")  # noqa: B023
    stack.start_worker()
    wait_until(lambda: desk.sandbox.conversation(3)["status"] == "open", what="the conversation to be opened")
    assert len(list(gate.glob("dying-*"))) == 2
    assert [letter[4] for letter in letters(stack)] == ["the worker died each time"]
    desk.sandbox.customer_writes("Hola", conversation_id=4)
    assert desk.wait_for_replies(1, 4) == ["Echo: Hola"]


def test_a_turn_that_takes_too_long_each_time_is_given_up_and_says_so(desk: Desk, stack: Stack, gate: Path) -> None:
    stack.env |= {"GRAPH": "tests.graphs:gated", "TEST_GATE": str(gate), "TURN_ATTEMPTS": "2", "TURN_SECONDS": "1"}
    (gate / "closed").touch()
    stack.start_web()
    stack.start_worker(WORKER_CONCURRENCY="8")
    desk.conversation(3)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    wait_until(lambda: desk.notes(3), what="people to be told")
    (note,) = desk.notes(3)
    assert "it took longer than 1 s each time" in note


def test_people_who_could_not_be_told_are_told_later(desk: Desk, stack: Stack, gate: Path) -> None:
    stack.start_web()
    stack.start_worker(GRAPH="tests.graphs:failing", TEST_GATE=str(gate), TURN_ATTEMPTS="1")
    desk.conversation(3)
    desk.sandbox.faults.add("401", method="POST", path=r".*/(messages|toggle_status)$", times=2)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    wait_until(lambda: len(letters(stack)) == 3, what="the letters of the turn, its note and its opening")
    assert (desk.notes(3), desk.sandbox.conversation(3)["status"]) == ([], "pending")
    stack.celery("call", "tasks.tell_people_again")
    wait_until(lambda: desk.sandbox.conversation(3)["status"] == "open", what="the conversation to be opened")
    assert len(desk.notes(3)) == 1
    assert [letter[2] for letter in letters(stack)] == ["thinking"]


def test_people_who_have_answered_need_not_be_told(desk: Desk, stack: Stack, gate: Path) -> None:
    stack.start_web(PERSON_OPENS="false")
    env = {"TEST_GATE": str(gate), "TURN_ATTEMPTS": "1", "PERSON_OPENS": "false"}
    worker = stack.start_worker(GRAPH="tests.graphs:failing", **env)
    desk.conversation(3)
    desk.sandbox.faults.add("401", method="POST", path=r".*/toggle_status$", times=1)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    wait_until(lambda: "set_status" in [letter[2] for letter in letters(stack)], what="the letter")
    desk.person_writes("I saw it", 3)
    stack.celery("call", "tasks.tell_people_again")
    wait_until(lambda: ("GET", f"{CONVERSATION_3}/messages") in desk.calls(), what="a look at what was said")
    worker.stop()
    assert desk.sandbox.conversation(3)["status"] == "pending"


class TestRefusedByChatwoot:
    @pytest.fixture
    def id(self, desk: Desk, stack: Stack) -> str:
        """The id of a reply that Chatwoot refused."""
        stack.start_web()
        stack.start_worker()
        desk.conversation(3)
        desk.sandbox.faults.add("401", method="POST", path=r".*/messages$", times=1)
        desk.sandbox.customer_writes("Hola", conversation_id=3)
        wait_until(lambda: desk.notes(3), what="the note")
        wait_until(lambda: desk.sandbox.conversation(3)["status"] == "open", what="the conversation to be opened")
        ((id, *_),) = letters(stack)
        return id

    def test_it_was_tried_once_and_a_human_is_told(self, id: str, desk: Desk) -> None:
        assert [post.status for post in desk.posts()] == [401, 200]
        assert desk.notes(3)[0].startswith("The bot's answer could not be sent")

    def test_it_can_be_sent_again(self, id: str, desk: Desk, stack: Stack) -> None:
        flask(stack, "retry", "--all")
        assert desk.wait_for_replies(1) == ["Echo: Hola"]

    def test_it_is_left_where_a_person_has_answered(self, id: str, desk: Desk, stack: Stack) -> None:
        desk.person_writes("Let me see", 3)
        assert "has answered since" in flask(stack, "retry", id, status=1)
        assert desk.replies(3) == ["Let me see"]
        assert [letter[0] for letter in letters(stack)] == [id]

    def test_a_bot_sees_that_a_person_has_answered(self, id: str, desk: Desk, stack: Stack) -> None:
        stack.env["CHATWOOT_API_TOKEN"] = ""
        desk.person_writes("Let me see", 3)
        assert "has answered since" in flask(stack, "retry", id, status=1)
        assert desk.replies(3) == ["Let me see"]

    def test_it_can_be_shown_and_discarded(self, id: str, stack: Stack) -> None:
        assert "Echo: Hola" in flask(stack, "show", id)
        assert f"{id}: discarded" in flask(stack, "discard", id)
        assert "no dead letter" in flask(stack, "show", id, status=1)
        assert letters(stack) == []
