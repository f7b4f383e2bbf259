"""Webhooks ring, Chatwoot is asked: whatever webhooks tell, late or never, and whatever they make it look like."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from sandbox import Sandbox
from tests.desk import Desk
from tests.memory import remembered
from tests.stack import BOT_TOKEN, SECRET, Stack, wait_until

CONVERSATION = "/api/v1/accounts/1/conversations/3"
LIST, ASK = ("GET", f"{CONVERSATION}/messages"), ("GET", CONVERSATION)
POST = ("POST", f"{CONVERSATION}/messages")


def running(desk: Desk, stack: Stack, **env: str) -> None:
    stack.env |= env
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.conversation(4, "+34600000004")


def echoes(desk: Desk, id: int = 3) -> list[str]:
    return [reply for reply in desk.replies(id) if reply.startswith("Echo")]


def nothing_comes(desk: Desk) -> None:
    """A later message in another conversation has come through: what was to come here has come."""
    before = len(desk.replies(4))
    desk.sandbox.customer_writes("ping", conversation_id=4)
    desk.wait_for_replies(before + 1, 4)


def unheard(desk: Desk, act: Callable[[], object]) -> None:
    """Something is done in Chatwoot, and no webhook tells of it."""
    desk.sandbox.webhook_faults.add("never", event=None, times=None)
    act()
    desk.sandbox.settle()
    desk.sandbox.webhook_faults.clear()


class Gate:
    """Behind it a turn thinks until it is opened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.env = {"GRAPH": "tests.graphs:gated", "TEST_GATE": str(folder)}

    def close(self) -> None:
        (self.folder / "closed").touch()

    def open(self) -> None:
        (self.folder / "closed").unlink()

    def wait_for_a_turn(self) -> None:
        wait_until(lambda: list(self.folder.glob("thinking-*")), what="the turn to begin")


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path / "gate")


class TestRightBeforeItSpeaks:
    ACTS: ClassVar[dict[str, Callable[[Desk], None]]] = {
        "assigned": lambda desk: desk.assign_to_a_person(3),
        "opened": lambda desk: desk.set_status(3, "open"),
        "snoozed": lambda desk: desk.set_status(3, "snoozed"),
        "paused": lambda desk: desk.label(3, "bot-paused"),
        "written in": lambda desk: desk.person_writes("I am on it", 3),
        "written in, and the customer too": lambda desk: [
            desk.person_writes("I am on it", 3),
            desk.sandbox.customer_writes("thanks", conversation_id=3),
        ][0],
        "written in, and labelled": lambda desk: [desk.person_writes("I am on it", 3), desk.label(3, "vip")][1],
        "ended": lambda desk: desk.set_status(3, "resolved"),
    }

    @pytest.mark.parametrize("act", ACTS)
    def test_the_bot_is_silent_though_nobody_has_told_it(self, act: str, desk: Desk, stack: Stack, gate: Gate) -> None:
        running(desk, stack, **gate.env)
        gate.close()
        desk.sandbox.customer_writes("Hola", conversation_id=3)
        gate.wait_for_a_turn()
        unheard(desk, lambda: self.ACTS[act](desk))
        gate.open()
        wait_until(lambda: "suppressed" in stack.logs(), what="the reply to be suppressed")
        nothing_comes(desk)
        assert [reply for reply in desk.replies(3) if reply != "I am on it"] == []

    def test_what_was_withheld_is_said_once_when_it_is_handed_back(self, desk: Desk, stack: Stack, gate: Gate) -> None:
        running(desk, stack, **gate.env)
        gate.close()
        desk.sandbox.customer_writes("Hola", conversation_id=3)
        gate.wait_for_a_turn()
        unheard(desk, lambda: desk.set_status(3, "open"))
        gate.open()
        wait_until(lambda: "suppressed" in stack.logs(), what="the reply to be suppressed")
        desk.set_status(3, "pending")
        desk.wait_for_replies(1)
        nothing_comes(desk)
        assert len(desk.replies(3)) == 1

    def test_where_chatwoot_cannot_be_asked_nothing_is_said_until_it_can(self, desk: Desk, stack: Stack) -> None:
        running(desk, stack)
        desk.sandbox.faults.add("503", method="GET", path=f"{CONVERSATION}$", times=None)
        desk.sandbox.customer_writes("Hola", conversation_id=3)
        wait_until(lambda: desk.calls().count(ASK) >= 2, what="another try to ask")
        assert desk.posts() == []
        desk.sandbox.faults.clear()
        assert desk.wait_for_replies(1) == ["Echo: Hola"]

    def test_two_answers_in_a_row_share_one_asking(self, desk: Desk, stack: Stack) -> None:
        running(desk, stack, GRAPH="tests.graphs_that_want:obedient")
        desk.sandbox.customer_writes("bubbles", conversation_id=3)
        desk.wait_for_replies(3)
        assert desk.calls() == [LIST, ASK, POST, POST, POST]

    def test_a_bots_token_alone_may_ask_but_not_list(self, desk: Desk, stack: Stack) -> None:
        running(desk, stack, CHATWOOT_API_TOKEN="")
        desk.sandbox.customer_writes("Hola", conversation_id=3)
        desk.wait_for_replies(1)
        assert desk.calls() == [ASK, POST]
        assert [each.token for each in desk.sandbox.requests] == ["bot", "bot"]
        assert "no_user_token" in stack.logs()


class TestRightBeforeItThinks:
    def test_what_no_webhook_told_of_is_answered_in_its_place(self, desk: Desk, stack: Stack) -> None:
        running(desk, stack)
        unheard(desk, lambda: desk.sandbox.customer_writes("one", conversation_id=3))
        desk.sandbox.customer_writes("two", conversation_id=3)
        assert desk.wait_for_replies(1) == ["Echo: one\ntwo"]
        unheard(desk, lambda: desk.sandbox.customer_writes("three", conversation_id=3))
        desk.sandbox.customer_writes("four", conversation_id=3)
        assert desk.wait_for_replies(2)[1] == "Echo: three\nfour"

    def test_late_ones_are_not_answered_again(self, desk: Desk, stack: Stack) -> None:
        running(desk, stack)
        desk.sandbox.webhook_faults.add("late", content="one", times=1, seconds=3)
        desk.sandbox.customer_writes("one", conversation_id=3)
        desk.sandbox.customer_writes("two", conversation_id=3)
        assert desk.wait_for_replies(1) == ["Echo: one\ntwo"]
        desk.sandbox.settle()
        nothing_comes(desk)
        assert len(desk.replies(3)) == 1

    def test_a_message_reads_as_it_does_now(self, desk: Desk, stack: Stack) -> None:
        running(desk, stack, COALESCE_SECONDS="1")
        pizzas = desk.sandbox.customer_writes("three pizzas", conversation_id=3)
        card = desk.sandbox.customer_writes("4111", conversation_id=3)
        unheard(desk, lambda: desk.delete_message(3, card.id))
        unheard(desk, lambda: desk.sandbox.customer_edits(pizzas.id, "two pizzas"))
        assert desk.wait_for_replies(1) == ["Echo: two pizzas"]

    def test_what_a_person_has_answered_is_known_and_not_answered(
        self, desk: Desk, stack: Stack, redis_server: object
    ) -> None:
        running(desk, stack, PERSON_OPENS="false")
        unheard(
            desk,
            lambda: [
                desk.sandbox.customer_writes("one", conversation_id=3),
                desk.person_writes("One is fine", 3),
                desk.set_status(3, "open"),
            ],
        )
        desk.set_status(3, "pending")
        desk.sandbox.settle()
        desk.sandbox.customer_writes("two", conversation_id=3)
        wait_until(lambda: echoes(desk) == ["Echo: two"], what="the other message to be answered")

    def test_what_a_person_has_answered_is_not_answered_later_though_its_webhook_comes_last(
        self, desk: Desk, stack: Stack, tmp_path: Path
    ) -> None:
        """Nor though the list was read up to it before, when a reply was about to be posted."""
        gate = Gate(tmp_path / "gate")
        running(desk, stack, **gate.env)
        gate.close()
        desk.sandbox.customer_writes("one", conversation_id=3)
        wait_until(lambda: list(gate.folder.glob("thinking-*")), what="the turn to begin")
        desk.sandbox.webhook_faults.add("late", content="overtaken", times=1, seconds=12)
        desk.sandbox.webhook_faults.add("late", content="Both are fine", times=1, seconds=12)
        desk.sandbox.customer_writes("overtaken", conversation_id=3)
        desk.person_writes("Both are fine", 3)
        gate.open()
        wait_until(lambda: "suppressed" in stack.logs(), what="the reply to be suppressed")
        desk.set_status(3, "open")
        desk.set_status(3, "pending")
        desk.sandbox.customer_writes("two", conversation_id=3)
        wait_until(lambda: echoes(desk) == ["Echo: two"], what="the other message to be answered")
        desk.sandbox.settle()
        nothing_comes(desk)
        desk.set_status(3, "open")
        desk.sandbox.customer_writes("three", conversation_id=3)
        desk.sandbox.settle()
        desk.sandbox.faults.add("500", method="GET", path=rf"{CONVERSATION}/messages$", times=2)
        desk.set_status(3, "pending")
        assert desk.wait_for_replies(3)[1:] == ["Echo: two", "Echo: three"]

    def test_a_person_who_wrote_is_seen_and_the_turn_is_theirs(self, desk: Desk, stack: Stack) -> None:
        running(desk, stack, COALESCE_SECONDS="1")
        desk.sandbox.customer_writes("Hola", conversation_id=3)
        unheard(desk, lambda: desk.person_writes("Hola, dime", 3))
        wait_until(lambda: desk.sandbox.conversation(3)["status"] == "open", what="the conversation to be opened")
        nothing_comes(desk)
        assert desk.replies(3) == ["Hola, dime"]

    def test_where_chatwoot_cannot_be_asked_it_waits(self, desk: Desk, stack: Stack) -> None:
        running(desk, stack, TURN_ATTEMPTS="1")
        desk.sandbox.faults.add("503", method="GET", path=rf"{CONVERSATION}/messages$", times=2)
        desk.sandbox.customer_writes("Hola", conversation_id=3)
        assert desk.wait_for_replies(1) == ["Echo: Hola"]
        assert stack.logs().count('"not_asked"') == 2


class TestLate:
    """LOOK_BEFORE_THINKING=late: one call less, as long as webhooks come in time."""

    @pytest.fixture(autouse=True)
    def _running(self, desk: Desk, stack: Stack) -> None:
        running(desk, stack, LOOK_BEFORE_THINKING="late")

    def test_the_list_is_not_read(self, desk: Desk) -> None:
        desk.sandbox.customer_writes("Hola", conversation_id=3)
        desk.wait_for_replies(1)
        assert desk.calls() == [ASK, POST]

    def test_it_is_where_a_webhook_came_late(self, desk: Desk) -> None:
        desk.sandbox.webhook_faults.add("late", times=1, seconds=2)
        desk.sandbox.customer_writes("Hola", conversation_id=3)
        desk.wait_for_replies(1)
        assert desk.calls() == [LIST, ASK, POST]

    def test_it_is_after_people_have_handed_back(self, desk: Desk) -> None:
        unheard(desk, lambda: desk.sandbox.customer_writes("one", conversation_id=3))
        desk.set_status(3, "open")
        desk.set_status(3, "pending")
        assert desk.wait_for_replies(1) == ["Echo: one"]
        assert LIST in desk.calls()


class TestWhoWritesInAPendingConversation:
    def test_opens_it(self, desk: Desk, stack: Stack) -> None:
        running(desk, stack)
        desk.sandbox.customer_writes("Hola", conversation_id=3)
        desk.wait_for_replies(1)
        desk.person_writes("I am on it", 3)
        wait_until(lambda: desk.sandbox.conversation(3)["status"] == "open", what="the conversation to be opened")
        desk.sandbox.customer_writes("two", conversation_id=3)
        desk.sandbox.settle()
        desk.set_status(3, "pending")
        wait_until(lambda: echoes(desk) == ["Echo: Hola", "Echo: two"], what="the bot to go on")

    def test_does_not_where_it_is_not_wanted(self, desk: Desk, stack: Stack) -> None:
        running(desk, stack, PERSON_OPENS="false")
        desk.person_writes("I am on it", 3)
        desk.sandbox.settle()
        nothing_comes(desk)
        assert desk.sandbox.conversation(3)["status"] == "pending"

    def test_does_not_where_it_was_handed_back_since(self, desk: Desk, stack: Stack) -> None:
        """The news of the word is late."""
        running(desk, stack)
        desk.sandbox.webhook_faults.add("late", content="I am on it", times=1, seconds=2)
        desk.person_writes("I am on it", 3)
        desk.set_status(3, "open")
        desk.set_status(3, "pending")
        desk.sandbox.settle()
        nothing_comes(desk)
        assert desk.sandbox.conversation(3)["status"] == "pending"
        desk.sandbox.customer_writes("Hola", conversation_id=3)
        wait_until(lambda: echoes(desk) == ["Echo: Hola"], what="the bot to answer")


# -- what inferring got wrong


def test_a_late_webhook_of_an_earlier_reopening_does_not_undo_a_persons_word(
    desk: Desk, stack: Stack, sandbox: Sandbox
) -> None:
    """An account's webhook is built late: it tells of what was done before the word, and of the state after it."""
    sandbox.add_webhook(url=stack.webhook_url, secret=SECRET)
    running(desk, stack, PERSON_OPENS="false")
    desk.set_status(3, "open")
    desk.sandbox.settle()
    told_late = dict(event="conversation_updated", to="account", times=1, seconds=3.0)
    desk.sandbox.webhook_faults.add("late", **told_late)
    desk.set_status(3, "pending")
    desk.person_writes("I am on it", 3)
    desk.sandbox.settle()
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    nothing_comes(desk)
    assert echoes(desk) == []


def test_assigned_right_after_it_was_handed_back_it_is_the_persons(desk: Desk, stack: Stack) -> None:
    """Whichever of the webhooks comes last."""
    running(desk, stack)
    desk.set_status(3, "open")
    desk.sandbox.settle()
    desk.sandbox.webhook_faults.add("late", event="conversation_status_changed", times=None, seconds=2)
    desk.set_status(3, "pending")
    desk.assign_to_a_person(3)
    desk.sandbox.settle()
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    nothing_comes(desk)
    assert echoes(desk) == []


@pytest.mark.parametrize("told", [True, False])
def test_assigned_before_it_was_handed_back_the_person_is_not_in_the_way(desk: Desk, stack: Stack, told: bool) -> None:
    running(desk, stack)
    if not told:
        desk.sandbox.webhook_faults.add("never", event="conversation_status_changed", times=None)
    desk.set_status(3, "open")
    desk.assign_to_a_person(3)
    desk.set_status(3, "pending")
    desk.sandbox.settle()
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    assert desk.wait_for_replies(1) == ["Echo: Hola"]


def test_nothing_older_gives_back_what_could_not_be_dated_at_once(sandbox: Sandbox, stack: Stack) -> None:
    """The bot hands over with a user's token, and the look that dates it fails; an older webhook comes meanwhile."""
    sandbox.add_webhook(url=stack.webhook_url, secret=SECRET)
    desk = Desk(sandbox, sandbox.add_inbox(name="WhatsApp", channel="whatsapp").id)
    running(desk, stack, CHATWOOT_BOT_TOKEN="", GRAPH="tests.graphs_that_want:obedient")
    desk.assign_to_a_person(3)
    desk.sandbox.settle()
    desk.sandbox.webhook_faults.add("late", event="conversation_updated", times=1, seconds=2)
    desk.assign_to_a_person(3, None)
    desk.sandbox.customer_writes("hand over", conversation_id=3)
    wait_until(lambda: desk.calls().count(ASK) >= 2, what="the asking, and the look before it is opened")
    desk.sandbox.faults.add("503", method="GET", path=f"{CONVERSATION}$", times=1)
    wait_until(lambda: desk.notes(3), what="the note")
    desk.sandbox.settle()
    desk.sandbox.customer_writes("bubbles", conversation_id=3)
    desk.sandbox.settle()
    desk.sandbox.customer_writes("buttons", conversation_id=4)
    desk.wait_for_replies(1, 4)
    assert len(desk.replies(3)) == 1  # the closing words


def test_what_the_customer_chooses_in_a_persons_message_is_answered(desk: Desk, stack: Stack) -> None:
    running(desk, stack)
    question = desk.person_asks("Which day?", "Monday", "Tuesday")
    wait_until(lambda: desk.sandbox.conversation(3)["status"] == "open", what="the conversation to be opened")
    desk.set_status(3, "pending")
    desk.sandbox.settle()
    desk.sandbox.customer_chooses(question, "Tuesday")
    wait_until(lambda: echoes(desk) == ["Echo: Tuesday"], what="the choice to be answered")


def test_what_the_customer_chooses_in_a_persons_message_is_found(desk: Desk, stack: Stack) -> None:
    running(desk, stack)
    question = desk.person_asks("Which day?", "Monday", "Tuesday")
    wait_until(lambda: desk.sandbox.conversation(3)["status"] == "open", what="the conversation to be opened")
    desk.set_status(3, "pending")
    desk.sandbox.settle()
    unheard(desk, lambda: desk.sandbox.customer_chooses(question, "Tuesday"))
    desk.sandbox.age(3, seconds=20)
    stack.celery("call", "tasks.reconcile")
    wait_until(lambda: echoes(desk) == ["Echo: Tuesday"], what="the choice to be answered")


def test_a_choice_in_a_message_that_is_older_than_a_persons_word_is_answered(desk: Desk, stack: Stack) -> None:
    running(desk, stack)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    desk.wait_for_replies(1)
    question = desk.person_asks("Which day?", "Monday", "Tuesday")
    desk.person_writes("Take your time", 3)
    wait_until(lambda: desk.sandbox.conversation(3)["status"] == "open", what="the conversation to be opened")
    desk.sandbox.customer_chooses(question, "Tuesday")
    desk.sandbox.settle()
    desk.set_status(3, "pending")
    wait_until(lambda: echoes(desk)[1:] == ["Echo: Tuesday"], what="the choice to be answered")


def test_the_bot_does_not_resolve_over_what_the_customer_has_just_written(desk: Desk, stack: Stack, gate: Gate) -> None:
    running(desk, stack, GRAPH="tests.graphs_that_want:obedient")
    desk.sandbox.faults.add("slow", method="POST", path=r".*/messages$", seconds=1)
    desk.sandbox.customer_writes("tidy", conversation_id=3)
    wait_until(lambda: desk.posts(), what="the reply to be on its way")
    desk.sandbox.customer_writes("buttons", conversation_id=3)
    assert desk.wait_for_replies(2)[1] == "Which one?"
    assert desk.sandbox.conversation(3)["status"] == "pending"


def test_where_one_list_fails_for_ever_the_customer_is_answered_all_the_same(desk: Desk, stack: Stack) -> None:
    running(desk, stack)
    desk.sandbox.faults.add("500", method="GET", path=rf"{CONVERSATION}/messages$", times=None)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    assert desk.wait_for_replies(1) == ["Echo: Hola"]


def test_a_hand_back_of_which_no_webhook_ever_told_is_found(desk: Desk, stack: Stack) -> None:
    """Something was done after a person's word, and nothing shows the conversation as theirs."""
    running(desk, stack)
    desk.sandbox.customer_writes("one", conversation_id=3)
    desk.wait_for_replies(1)
    unheard(desk, lambda: [desk.person_writes("me", 3), desk.set_status(3, "open"), desk.set_status(3, "pending")])
    desk.sandbox.age(3, seconds=60)
    desk.sandbox.customer_writes("two", conversation_id=3)
    wait_until(lambda: echoes(desk) == ["Echo: one", "Echo: two"], what="the bot to go on")


def test_a_word_of_long_ago_opens_nothing(desk: Desk, stack: Stack) -> None:
    desk.conversation(3)
    desk.conversation(4, "+34600000004")
    unheard(desk, lambda: desk.person_writes("We are here for you", 3))
    desk.sandbox.age(3, seconds=5 * 3600)
    stack.start_web()
    stack.start_worker()
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    wait_until(lambda: echoes(desk) == ["Echo: Hola"], what="the bot to answer")
    assert desk.sandbox.conversation(3)["status"] == "pending"


def test_our_own_words_that_come_back_without_our_key_are_ours(desk: Desk, stack: Stack) -> None:
    """As a phone's echo, or as written by a bridge's user."""
    running(desk, stack)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    desk.wait_for_replies(1)
    desk.person_writes("Echo: Hola", 3)
    desk.sandbox.settle()
    desk.sandbox.customer_writes("two", conversation_id=3)
    wait_until(lambda: desk.replies(3)[2:] == ["Echo: two"], what="the bot to go on")


def test_a_bot_that_is_assigned_after_the_first_message_answers_it(sandbox: Sandbox, stack: Stack) -> None:
    """The conversation stays open; nobody told the bot of the message."""
    bot = sandbox.add_agent_bot(outgoing_url=stack.webhook_url, secret=SECRET, access_token=BOT_TOKEN)
    desk = Desk(sandbox, sandbox.add_inbox(name="Chat", channel="api").id)
    running(desk, stack)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    desk.sandbox.settle()
    desk.assign_to_a_bot(3, bot.id)
    assert desk.wait_for_replies(1) == ["Echo: Hola"]
    desk.sandbox.customer_writes("two", conversation_id=3)
    assert desk.wait_for_replies(2) == ["Echo: Hola", "Echo: two"]


def test_what_is_known_of_people_stays_in_the_memory(desk: Desk, stack: Stack, redis_server: object) -> None:
    """A person's word of which no webhook told is read from the list, and known to the graph."""
    running(desk, stack)
    desk.sandbox.customer_writes("one", conversation_id=3)
    desk.wait_for_replies(1)
    unheard(desk, lambda: [desk.person_writes("It is me", 3), desk.set_status(3, "open")])
    desk.set_status(3, "pending")
    desk.sandbox.settle()
    desk.sandbox.customer_writes("two", conversation_id=3)
    wait_until(lambda: echoes(desk)[1:] == ["Echo: two"], what="the bot to go on")
    told = ["one", "Echo: one", "It is me", "two", "Echo: two"]
    assert remembered(redis_server, "graph.echo:graph") == told  # type: ignore[arg-type]
