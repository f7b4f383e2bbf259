"""What customers really send, beside words: e-mails, absence notes, thumbs, calls; and who is no customer."""

from __future__ import annotations

import pytest

from graph.said import kind_of
from sandbox.machine.redis import RedisServer
from tests.desk import Desk
from tests.memory import memory_of, remembered
from tests.stack import Stack, wait_until


@pytest.fixture(autouse=True)
def _running(desk: Desk, stack: Stack) -> None:
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.conversation(4, "+34600000004")


def nothing_comes(desk: Desk) -> None:
    """A later message in another conversation has come through: what was to come here has come."""
    before = len(desk.replies(4))
    desk.sandbox.customer_writes("ping", conversation_id=4)
    desk.wait_for_replies(before + 1, 4)


def email(subject: str, **parts: object) -> dict[str, object]:
    return {"email": {"subject": subject, "auto_reply": False, **parts}}


@pytest.mark.parametrize(
    ("content", "attributes", "heard"),
    [
        (None, email("Please cancel order 1234"), "Please cancel order 1234"),
        (
            "Thank you!\n\nOn Thu, Shop wrote:\n> Cancelled.",
            email("Re: order", text_content={"full": "Thank you!\n\n> Cancelled.", "quoted": "Thank you!"}),
            "Thank you!",
        ),
        ("It is broken\n\n>", email("Broken", html_content={"quoted": "It is broken"}), "It is broken"),
        ("Plain", email("Re: order", text_content={}), "Plain"),
    ],
)
def test_an_email_is_heard_without_the_thread_and_by_its_subject_where_that_is_all(
    content: str | None, attributes: dict[str, object], heard: str, desk: Desk
) -> None:
    desk.sandbox.customer_writes(content, conversation_id=3, content_attributes=attributes)
    assert desk.wait_for_replies(1) == [f"Echo: {heard}"]


@pytest.mark.parametrize(
    ("content", "attributes"),
    [
        ("I am out of office", {"email": {"auto_reply": True}}),
        ("👍", {"is_reaction": True, "in_reply_to": 50001}),
    ],
)
@pytest.mark.parametrize("told", [True, False])
def test_what_wants_no_answer_is_known_and_not_answered(
    content: str, attributes: dict[str, object], told: bool, desk: Desk, redis_server: RedisServer
) -> None:
    """Whether a webhook tells of it or the list does."""
    if not told:
        desk.sandbox.webhook_faults.add("never", content=content)
    desk.sandbox.customer_writes(content, conversation_id=3, content_attributes=attributes)
    desk.sandbox.settle()
    nothing_comes(desk)
    assert desk.replies(3) == []
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    desk.wait_for_replies(1)
    assert content in remembered(redis_server, "graph.echo:graph")


def test_nor_is_it_when_people_hand_it_back(desk: Desk) -> None:
    desk.set_status(3, "open")
    desk.sandbox.customer_writes("I am away", conversation_id=3, content_attributes={"email": {"auto_reply": True}})
    desk.sandbox.settle()
    desk.set_status(3, "pending")
    desk.sandbox.settle()
    nothing_comes(desk)
    assert desk.replies(3) == []


def test_what_is_edited_after_its_answer_is_known_so_and_not_answered_again(
    desk: Desk, redis_server: RedisServer
) -> None:
    message = desk.sandbox.customer_writes("I want 3 pizzas", conversation_id=3)
    desk.wait_for_replies(1)
    desk.sandbox.customer_edits(message.id, "I want 2 pizzas")
    desk.sandbox.settle()
    nothing_comes(desk)
    assert len(desk.replies(3)) == 1
    desk.sandbox.customer_writes("thanks", conversation_id=3)
    desk.wait_for_replies(2)
    told = remembered(redis_server, "graph.echo:graph")
    assert told == ["I want 2 pizzas", "Echo: I want 3 pizzas", "thanks", "Echo: thanks"]
    assert kinds(redis_server) == ["edit", "text"]


def kinds(server: RedisServer) -> list[str]:
    """Of what the customer said."""
    return [kind_of(each) for each in memory_of(server, "graph.echo:graph") if each.type == "human"]


@pytest.fixture
def pizzas(desk: Desk, stack: Stack) -> int:
    """A message that is answered, where edits are, too."""
    stack.restart(ANSWER_EDITS="true")
    message = desk.sandbox.customer_writes("I want 3 pizzas", conversation_id=3)
    desk.wait_for_replies(1)
    return message.id


def test_an_edit_of_what_was_answered_is_answered_once_where_wanted(
    pizzas: int, desk: Desk, redis_server: RedisServer
) -> None:
    """Whatever else tells of the message, once or twice, in time or late."""
    desk.sandbox.webhook_faults.add("twice", event="message_updated")
    desk.sandbox.customer_edits(pizzas, "I want 2 pizzas")
    desk.wait_for_replies(2)
    desk.sandbox.customer_edits(pizzas, "I want 2 pizzas")
    desk.sandbox.settle()
    nothing_comes(desk)
    assert desk.replies(3) == ["Echo: I want 3 pizzas", "Echo: I want 2 pizzas"]
    assert remembered(redis_server, "graph.echo:graph") == [
        "I want 3 pizzas",
        "Echo: I want 3 pizzas",
        "I want 2 pizzas",
        "Echo: I want 2 pizzas",
    ]
    assert kinds(redis_server) == ["text", "edit"]


def test_each_edit_is_answered_also_back_to_what_it_was(pizzas: int, desk: Desk) -> None:
    desk.sandbox.customer_edits(pizzas, "I want 2 pizzas")
    desk.wait_for_replies(2)
    desk.sandbox.customer_edits(pizzas, "I want 3 pizzas")
    desk.wait_for_replies(3)
    desk.sandbox.customer_edits(pizzas, "I want 2 pizzas")
    assert desk.wait_for_replies(4)[2:] == ["Echo: I want 3 pizzas", "Echo: I want 2 pizzas"]


def test_a_webhook_that_is_overtaken_by_a_later_edits_begins_nothing(pizzas: int, desk: Desk) -> None:
    """What Chatwoot's list shows was answered already."""
    desk.sandbox.webhook_faults.add("late", event="message_updated", content="I want 2 pizzas", seconds=4)
    desk.sandbox.customer_edits(pizzas, "I want 2 pizzas")
    desk.sandbox.customer_edits(pizzas, "I want 1 pizza")
    desk.wait_for_replies(2)
    desk.sandbox.settle()
    nothing_comes(desk)
    assert desk.replies(3) == ["Echo: I want 3 pizzas", "Echo: I want 1 pizza"]


def test_an_edit_is_not_answered_where_people_have_the_conversation(
    pizzas: int, desk: Desk, redis_server: RedisServer
) -> None:
    desk.set_status(3, "open")
    desk.sandbox.settle()
    desk.sandbox.customer_edits(pizzas, "I want 2 pizzas")
    desk.sandbox.settle()
    nothing_comes(desk)
    desk.set_status(3, "pending")
    desk.sandbox.settle()
    nothing_comes(desk)
    assert desk.replies(3) == ["Echo: I want 3 pizzas"]
    desk.sandbox.customer_writes("thanks", conversation_id=3)
    desk.wait_for_replies(2)
    assert "I want 2 pizzas" in remembered(redis_server, "graph.echo:graph")


def test_what_is_deleted_is_forgotten_with_its_edits(pizzas: int, desk: Desk, redis_server: RedisServer) -> None:
    desk.sandbox.customer_edits(pizzas, "I want 2 pizzas")
    desk.wait_for_replies(2)
    desk.delete_message(3, pizzas)
    desk.sandbox.settle()
    desk.sandbox.customer_writes("thanks", conversation_id=3)
    desk.wait_for_replies(3)
    told = remembered(redis_server, "graph.echo:graph")
    assert not {"I want 3 pizzas", "I want 2 pizzas"} & set(told)


def test_a_transcript_that_comes_after_the_answer_is_answered_where_edits_are(desk: Desk, stack: Stack) -> None:
    stack.restart(TRANSCRIPT_WAIT_SECONDS="0", ANSWER_EDITS="true")
    note = desk.sandbox.customer_writes(conversation_id=3, attachments=[VOICE_NOTE])
    desk.wait_for_replies(1)
    desk.sandbox.transcribe(note.id, "I want a haircut")
    assert desk.wait_for_replies(2) == ["Echo: [audio]", "Echo: I want a haircut"]


def test_a_call_is_told_as_what_it_is(desk: Desk) -> None:
    desk.sandbox.customer_writes(conversation_id=3, content_type="voice_call")
    assert desk.wait_for_replies(1) == ["Echo: [call]"]


@pytest.fixture
def twin(desk: Desk) -> int:
    """The same person once more, as another contact: known by a hidden id, or by a number written otherwise."""
    return desk.conversation(9, "+5215512345678")


@pytest.mark.parametrize("told", ["both", "first", "second"])
def test_one_message_in_two_conversations_is_answered_once(
    told: str, desk: Desk, stack: Stack, twin: int, redis_server: RedisServer
) -> None:
    """Whether webhooks tell of both, or of one only and looking finds the other."""
    stack.restart(RECONCILE_GRACE_SECONDS="0")
    for number, id in (("first", 3), ("second", twin)):
        if told not in ("both", number):
            desk.sandbox.webhook_faults.add("never", event="message_created", times=1)
        desk.sandbox.customer_writes("Hola", conversation_id=id, source_id="wamid.A0")
        desk.sandbox.settle()
    stack.celery("call", "tasks.reconcile")
    wait_until(lambda: '"event": "reconciled"' in stack.logs(), what="the look for what was lost")
    nothing_comes(desk)
    assert sorted(desk.replies(3) + desk.replies(twin)) == ["Echo: Hola"]
    # What they write next goes to one of them, and that one answers.
    desk.sandbox.customer_writes("And tomorrow?", conversation_id=twin, source_id="wamid.A1")
    wait_until(lambda: "Echo: And tomorrow?" in desk.replies(twin), what="the next answer")


def test_whose_copy_is_not_answered_has_not_waited_for_people(desk: Desk, stack: Stack, twin: int) -> None:
    stack.restart(MAX_WAIT_SECONDS="1")
    for id in (3, twin):
        desk.sandbox.customer_writes("Hola", conversation_id=id, source_id="wamid.A0")
    wait_until(lambda: desk.replies(3) or desk.replies(twin), what="the answer")
    desk.sandbox.settle()
    for id in (3, twin):
        desk.sandbox.age(id, seconds=60)
    stack.celery("call", "tasks.watch")
    stack.celery("call", "tasks.watch")
    nothing_comes(desk)
    assert desk.notes(3) == desk.notes(twin) == []
    assert desk.sandbox.conversation(twin)["status"] == "pending"


def test_two_messages_with_one_number_of_telegrams_are_both_answered(desk: Desk) -> None:
    """It counts in each chat."""
    inbox = desk.sandbox.add_inbox(name="Telegram", channel="telegram", agent_bot_id=1)
    there = Desk(desk.sandbox, inbox.id)
    for id in (7, 8):
        there.conversation(id, f"+3460000000{id}")
        desk.sandbox.customer_writes("Hola", conversation_id=id, source_id="17")
    assert [there.wait_for_replies(1, id) for id in (7, 8)] == [["Echo: Hola"], ["Echo: Hola"]]


VOICE_NOTE = {"filename": "voice.ogg", "content_type": "audio/ogg", "data": ""}


def test_a_voice_note_is_answered_by_its_transcript(desk: Desk, stack: Stack) -> None:
    """Chatwoot has it made after it has told of the message."""
    stack.restart(TRANSCRIPT_WAIT_SECONDS="600")
    note = desk.sandbox.customer_writes(conversation_id=3, attachments=[VOICE_NOTE])
    another = desk.sandbox.customer_writes(conversation_id=3, attachments=[VOICE_NOTE])
    desk.sandbox.customer_writes("at ten", conversation_id=3)
    desk.sandbox.settle()
    nothing_comes(desk)
    desk.sandbox.transcribe(note.id, "I want a haircut")
    desk.sandbox.settle()
    nothing_comes(desk)
    assert desk.replies(3) == []
    desk.sandbox.transcribe(another.id, "tomorrow")
    assert desk.wait_for_replies(1) == ["Echo: I want a haircut\ntomorrow\nat ten"]


def test_a_transcript_of_which_no_webhook_tells_is_in_the_list(desk: Desk, stack: Stack) -> None:
    stack.restart(TRANSCRIPT_WAIT_SECONDS="1")
    desk.sandbox.webhook_faults.add("never", event="message_updated", times=1)
    note = desk.sandbox.customer_writes(conversation_id=3, attachments=[VOICE_NOTE])
    desk.sandbox.transcribe(note.id, "I want a haircut")
    assert desk.wait_for_replies(1) == ["Echo: I want a haircut"]


def test_a_voice_note_is_answered_without_one_in_the_end(desk: Desk, stack: Stack, redis_server: RedisServer) -> None:
    """And what it said is known, should it be told later."""
    stack.restart(TRANSCRIPT_WAIT_SECONDS="0.5")
    note = desk.sandbox.customer_writes(conversation_id=3, attachments=[VOICE_NOTE])
    assert desk.wait_for_replies(1) == ["Echo: [audio]"]
    desk.sandbox.transcribe(note.id, "I want a haircut")
    desk.sandbox.settle()
    nothing_comes(desk)
    desk.sandbox.customer_writes("well?", conversation_id=3)
    desk.wait_for_replies(2)
    assert "I want a haircut" in remembered(redis_server, "graph.echo:graph")


@pytest.mark.parametrize(
    "contact",
    [
        {"phone_number": "+123456", "identifier": "123456"},
        {"phone_number": "+34600000009", "identifier": "120363040000000000@g.us"},
        {"phone_number": "+34600000009", "identifier": "status@broadcast"},
    ],
)
def test_groups_and_a_bridges_own_contact_are_left_alone(contact: dict[str, str], desk: Desk) -> None:
    who = desk.sandbox.add_contact(name="Team", **contact)
    desk.sandbox.add_conversation(inbox_id=desk.inbox_id, contact_id=who.id, id=9)
    desk.sandbox.customer_writes("Connection successfully established!", conversation_id=9)
    desk.sandbox.settle()
    nothing_comes(desk)
    assert desk.replies(9) == []


def look(stack: Stack) -> None:
    """Beat has it looked who has the label."""
    before = stack.logs().count('"event": "reconciled"')
    stack.celery("call", "tasks.reconcile")
    wait_until(lambda: stack.logs().count('"event": "reconciled"') > before, what="the look")


def test_a_label_on_the_contact_has_the_bot_leave_it_alone_until_it_is_taken_off(desk: Desk, stack: Stack) -> None:
    stack.restart(MAX_WAIT_SECONDS="1", RECONCILE_GRACE_SECONDS="0")
    desk.label_contact(3, "vip", "bot-ignored")
    look(stack)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    desk.sandbox.settle()
    nothing_comes(desk)
    desk.sandbox.age(3, seconds=60)
    stack.celery("call", "tasks.watch")
    look(stack)
    nothing_comes(desk)
    assert desk.replies(3) == desk.notes(3) == []
    assert desk.sandbox.conversation(3)["status"] == "pending"
    desk.label_contact(3, "vip")
    look(stack)
    desk.sandbox.customer_writes("And now?", conversation_id=3)
    assert desk.wait_for_replies(1) == ["Echo: And now?"]


def test_a_label_that_comes_while_a_message_waits_counts(desk: Desk, stack: Stack) -> None:
    stack.restart(COALESCE_SECONDS="8", COALESCE_MAX_SECONDS="8")
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    desk.sandbox.settle()
    desk.label_contact(3, "bot-ignored")
    look(stack)
    wait_until(lambda: '"event": "left_alone"' in stack.logs(), what="the turn to be dropped")
    nothing_comes(desk)
    assert desk.replies(3) == []


def test_no_label_is_looked_for_where_none_is_wanted(desk: Desk, stack: Stack) -> None:
    stack.restart(IGNORE_CONTACTS_LABEL="")
    desk.label_contact(3, "bot-ignored")
    look(stack)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    assert desk.wait_for_replies(1) == ["Echo: Hola"]


def test_what_was_put_off_dies_with_the_conversation(desk: Desk, stack: Stack) -> None:
    stack.restart(GRAPH="tests.graphs_that_want:obedient")
    desk.sandbox.customer_writes("later", conversation_id=3)
    desk.wait_for_replies(1)
    desk.set_status(3, "resolved")
    wait_until(lambda: "suppressed" in stack.logs(), what="what was put off to be suppressed")
    assert desk.replies(3) == ["In a moment"]
