"""Humans win: the bot stops when people take a conversation over, and goes on when they give it back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.machine.redis import RedisServer
from tests.desk import Desk
from tests.memory import remembered
from tests.stack import Stack, wait_until

Act = Callable[[Desk], None]


def unassign(desk: Desk) -> None:
    """Since 4.16 who is assigned has opened it, too, and it stays open."""
    desk.assign_to_a_person(3, None)
    desk.set_status(3, "pending")


TAKES: dict[str, tuple[Act, Act]] = {
    "status": (lambda desk: desk.set_status(3, "open"), lambda desk: desk.set_status(3, "pending")),
    "assigned": (lambda desk: desk.assign_to_a_person(3), lambda desk: unassign(desk)),
    "label": (lambda desk: desk.label(3, "bot-paused"), lambda desk: desk.label(3)),
    "wrote": (lambda desk: desk.person_writes("I am on it", 3), lambda desk: desk.set_status(3, "pending")),
    "assigned, back by status": (
        lambda desk: (desk.set_status(3, "open"), desk.assign_to_a_person(3))[0],
        lambda desk: desk.set_status(3, "pending"),
    ),
}


@pytest.fixture(autouse=True)
def _running(desk: Desk, stack: Stack) -> None:
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.conversation(4, "+34600000004")


def echoes(desk: Desk) -> list[str]:
    return [reply for reply in desk.replies(3) if reply.startswith("Echo")]


def nothing_comes(desk: Desk) -> None:
    """A later message in another conversation has come through: what was to come here has come."""
    before = len(desk.replies(4))
    desk.sandbox.customer_writes("ping", conversation_id=4)
    desk.wait_for_replies(before + 1, 4)


@pytest.mark.parametrize("how", TAKES)
def test_the_bot_stops_and_goes_on(desk: Desk, how: str) -> None:
    take, give_back = TAKES[how]
    desk.sandbox.customer_writes("one", conversation_id=3)
    desk.wait_for_replies(1)
    take(desk)
    desk.sandbox.settle()
    desk.sandbox.customer_writes("two", conversation_id=3)
    desk.sandbox.settle()
    nothing_comes(desk)
    assert echoes(desk) == ["Echo: one"]
    if how == "wrote":
        desk.set_status(3, "open")
    give_back(desk)
    wait_until(lambda: echoes(desk) == ["Echo: one", "Echo: two"], what="what was left to be answered")
    desk.sandbox.customer_writes("three", conversation_id=3)
    wait_until(lambda: echoes(desk)[2:] == ["Echo: three"], what="the bot to go on")


def test_what_people_answered_is_remembered_and_not_answered_again(desk: Desk, redis_server: RedisServer) -> None:
    desk.sandbox.customer_writes("one", conversation_id=3)
    desk.wait_for_replies(1)
    desk.set_status(3, "open")
    desk.sandbox.settle()
    desk.sandbox.customer_writes("two", conversation_id=3)
    desk.person_writes("Two is fine", 3)
    desk.sandbox.settle()
    desk.set_status(3, "pending")
    desk.sandbox.settle()
    nothing_comes(desk)
    assert echoes(desk) == ["Echo: one"]
    desk.sandbox.customer_writes("three", conversation_id=3)
    wait_until(lambda: echoes(desk) == ["Echo: one", "Echo: three"], what="the bot to go on")
    told = ["one", "Echo: one", "two", "Two is fine", "three", "Echo: three"]
    assert remembered(redis_server, "graph.echo:graph") == told


def test_a_resolved_conversation_is_the_bots_again_and_nothing_old_is_answered(desk: Desk) -> None:
    desk.set_status(3, "open")
    desk.sandbox.settle()
    desk.sandbox.customer_writes("one", conversation_id=3)
    desk.sandbox.settle()
    desk.set_status(3, "resolved")
    desk.sandbox.settle()
    nothing_comes(desk)
    assert echoes(desk) == []


class TestWhileThinking:
    @pytest.fixture(autouse=True)
    def _running(self, desk: Desk, stack: Stack, tmp_path: Path) -> None:
        self.gate = tmp_path / "gate"
        self.gate.mkdir()
        (self.gate / "closed").touch()
        stack.start_web()
        stack.start_worker(GRAPH="tests.graphs:gated", TEST_GATE=str(self.gate))
        desk.conversation(3)
        desk.conversation(4, "+34600000004")

    def test_a_reply_is_withheld_where_a_person_was_quicker(self, desk: Desk) -> None:
        desk.sandbox.customer_writes("Hola", conversation_id=3)
        wait_until(lambda: list(self.gate.glob("thinking-*")), what="the turn to begin")
        desk.person_writes("Hola, dime", 3)
        desk.sandbox.settle()
        (self.gate / "closed").unlink()
        nothing_comes(desk)
        assert desk.replies(3) == ["Hola, dime"]

    def test_a_reply_is_withheld_where_the_conversation_was_ended(self, desk: Desk) -> None:
        desk.sandbox.customer_writes("Hola", conversation_id=3)
        wait_until(lambda: list(self.gate.glob("thinking-*")), what="the turn to begin")
        desk.set_status(3, "resolved")
        desk.sandbox.settle()
        (self.gate / "closed").unlink()
        nothing_comes(desk)
        assert desk.replies(3) == []


def test_who_writes_while_we_look_for_an_earlier_try_was_quicker(desk: Desk) -> None:
    desk.sandbox.faults.add("503", path=r".*/conversations/3/messages$")
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    wait_until(lambda: desk.posts(), what="the first try")
    desk.sandbox.faults.add("slow", method="GET", path=r".*/conversations/3/messages$", seconds=60)
    look = ("GET", "/api/v1/accounts/1/conversations/3/messages")
    wait_until(lambda: desk.calls().count(look) == 2, what="the look for the first try")
    desk.person_writes("I am here", 3)
    desk.sandbox.settle()
    desk.sandbox.faults.clear()
    nothing_comes(desk)
    assert desk.replies(3) == ["I am here"]


def test_what_was_withheld_is_answered_if_people_give_it_back_so(desk: Desk, stack: Stack) -> None:
    desk.sandbox.faults.add("503", path=r".*/conversations/3/messages$", times=2)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    wait_until(lambda: "send_failed" in stack.logs(), what="a first try")
    desk.assign_to_a_person(3)
    wait_until(lambda: "suppressed" in stack.logs(), what="the reply to be suppressed")
    assert desk.replies(3) == []
    unassign(desk)
    assert desk.wait_for_replies(1) == ["Echo: Hola"]


def test_what_was_withheld_is_not_answered_after_a_person_has(desk: Desk, stack: Stack) -> None:
    desk.sandbox.faults.add("503", path=r".*/conversations/3/messages$")
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    wait_until(lambda: "send_failed" in stack.logs(), what="a first try")
    desk.person_writes("I am here", 3)
    wait_until(lambda: "suppressed" in stack.logs(), what="the reply to be suppressed")
    desk.set_status(3, "open")
    desk.set_status(3, "pending")
    desk.sandbox.settle()
    nothing_comes(desk)
    assert desk.replies(3) == ["I am here"]


def test_two_machines_do_not_talk_for_ever(desk: Desk, stack: Stack) -> None:
    stack.restart(MAX_TURNS_PER_HOUR="3")
    for number in range(3):
        desk.sandbox.customer_writes(f"{number}", conversation_id=3)
        desk.wait_for_replies(number + 1)
    desk.sandbox.customer_writes("3", conversation_id=3)
    wait_until(lambda: desk.sandbox.conversation(3)["status"] == "open", what="the conversation to be handed over")
    assert len(desk.replies(3)) == 3
    assert "two machines" in desk.notes(3)[0]


def test_a_deleted_message_leaves_the_memory(desk: Desk, redis_server: RedisServer) -> None:
    message = desk.sandbox.customer_writes("my card is 4111", conversation_id=3)
    desk.wait_for_replies(1)
    desk.delete_message(3, message.id)
    desk.sandbox.settle()
    desk.sandbox.customer_writes("thanks", conversation_id=3)
    desk.wait_for_replies(2)
    assert "my card is 4111" not in remembered(redis_server, "graph.echo:graph")


def test_a_message_without_text_is_answered(desk: Desk) -> None:
    desk.sandbox.customer_writes(None, conversation_id=3, attachments=[{"file_type": "image"}])
    assert desk.wait_for_replies(1) == ["Echo: [image]"]


def test_a_graph_that_waits_for_a_human_hands_over_and_goes_on(desk: Desk, stack: Stack) -> None:
    stack.restart(GRAPH="tests.graphs:asking")
    desk.sandbox.customer_writes("I want my money back", conversation_id=3)
    wait_until(lambda: desk.sandbox.conversation(3)["status"] == "open", what="the conversation to be handed over")
    (question,) = desk.notes(3)
    assert question.startswith("May I refund 40 euros?")
    assert "@bot yes" in question
    desk.sandbox.settle()
    desk.sandbox.customer_writes("yes", conversation_id=3)
    desk.person_writes("One moment", 3)
    desk.person_notes("@bot only 20 of them", 3)
    desk.sandbox.settle()
    desk.set_status(3, "pending")
    assert desk.wait_for_replies(2) == ["One moment", "The team says: only 20 of them"]
    desk.sandbox.customer_writes("And now?", conversation_id=3)
    wait_until(lambda: len(desk.notes(3)) == 3, what="the next question to the team")


@pytest.mark.parametrize("words", ["No, we cannot refund this", "Yes, of course"])
def test_what_people_write_to_the_customer_decides_nothing(words: str, desk: Desk, stack: Stack) -> None:
    stack.restart(GRAPH="tests.graphs:asking")
    desk.sandbox.customer_writes("I want my money back", conversation_id=3)
    wait_until(lambda: desk.sandbox.conversation(3)["status"] == "open", what="the conversation to be handed over")
    desk.sandbox.settle()
    desk.person_writes(words, 3)
    desk.sandbox.settle()
    desk.set_status(3, "pending")
    assert desk.wait_for_replies(2) == [words, "The team says: False"]


def test_resolving_approves_nothing(desk: Desk, stack: Stack) -> None:
    stack.restart(GRAPH="tests.graphs:asking")
    desk.sandbox.customer_writes("I want my money back", conversation_id=3)
    wait_until(lambda: desk.sandbox.conversation(3)["status"] == "open", what="the conversation to be handed over")
    desk.sandbox.settle()
    desk.set_status(3, "resolved")
    desk.sandbox.settle()
    desk.set_status(3, "pending")
    desk.sandbox.settle()
    desk.sandbox.customer_writes("Well?", conversation_id=3)
    assert "The team says: False" in desk.wait_for_replies(1)


def test_who_stays_assigned_after_resolving_is_not_in_the_way(desk: Desk) -> None:
    """Chatwoot keeps the assignee: the customer comes back to the bot."""
    desk.set_status(3, "open")
    desk.assign_to_a_person(3)
    desk.sandbox.settle()
    desk.set_status(3, "resolved")
    desk.sandbox.settle()
    desk.sandbox.customer_writes("Hola again", conversation_id=3)
    conversations = [id for id in desk.sandbox.conversation_ids if id not in (3, 4)] or [3]
    assert desk.wait_for_replies(1, conversations[-1]) == ["Echo: Hola again"]


def test_a_take_over_of_which_nobody_told_ends_when_the_bot_gets_it_back(desk: Desk) -> None:
    desk.sandbox.webhook_faults.add("never", times=20)
    desk.set_status(3, "open")
    desk.sandbox.settle()
    desk.sandbox.webhook_faults.clear()
    desk.sandbox.customer_writes("one", conversation_id=3)
    desk.sandbox.settle()
    nothing_comes(desk)
    assert echoes(desk) == []
    desk.set_status(3, "pending")
    wait_until(lambda: echoes(desk) == ["Echo: one"], what="what was left to be answered")
