"""Who waits, and since when (contract, section 3.3)."""

import pytest

from tests.sandbox.desk import CONVERSATION, Desk


def waits(desk: Desk) -> bool:
    since: int = desk.sandbox.conversation(CONVERSATION)["waiting_since"]
    return since > 0


def act(desk: Desk, path: str, body: object, token: str = "bot") -> None:
    assert desk.call("POST", f"conversations/{CONVERSATION}/{path}", body, token=token).status_code == 200


def test_a_new_conversation_waits_without_a_message(desk: Desk) -> None:
    assert waits(desk)
    assert desk.sandbox.conversation(CONVERSATION)["last_non_activity_message"] is None


@pytest.mark.parametrize("token", ["bot", "agent", "admin"])
def test_a_public_reply_ends_it_and_the_customer_begins_it_again(desk: Desk, token: str) -> None:
    desk.customer_writes()
    act(desk, "messages", {"content": "Hola"}, token)
    assert not waits(desk)
    desk.customer_writes()
    assert waits(desk)


def test_it_counts_from_the_first_unanswered_message(desk: Desk) -> None:
    desk.reply()
    desk.customer_writes("uno")
    desk.sandbox.age(CONVERSATION, seconds=100)
    since = desk.sandbox.conversation(CONVERSATION)["waiting_since"]
    desk.customer_writes("dos")
    assert desk.sandbox.conversation(CONVERSATION)["waiting_since"] == since


def test_a_note_does_not_end_it_though_it_is_the_last_message(desk: Desk) -> None:
    desk.customer_writes("hola")
    act(desk, "messages", {"content": "nota", "private": True})
    shown = desk.sandbox.conversation(CONVERSATION)
    assert shown["waiting_since"] > 0
    assert shown["last_non_activity_message"]["content"] == "nota"


def test_a_greeting_does_not_end_it(desk: Desk) -> None:
    greeting = {"greeting_enabled": True, "greeting_message": "¡Bienvenida, {{contact.name}}!"}
    desk.call("PATCH", f"inboxes/{desk.inbox_id}", greeting, token="admin")
    desk.customer_writes("hola")
    assert desk.contents == ["hola", "¡Bienvenida, Lucía!"]
    assert waits(desk)


def test_resolving_ends_it(desk: Desk) -> None:
    desk.customer_writes()
    act(desk, "toggle_status", {"status": "resolved"})
    assert not waits(desk)


def test_a_hand_over_begins_it_again(desk: Desk) -> None:
    desk.customer_writes()
    desk.reply()
    assert not waits(desk)
    act(desk, "toggle_status", {"status": "open"})
    assert waits(desk)


def test_the_longest_waiting_come_first_and_who_does_not_wait_last(desk: Desk) -> None:
    ages = {11: 50.0, 12: 500.0, 13: 5.0}
    for number, age in ages.items():
        desk.sandbox.add_conversation(inbox_id=desk.inbox_id, contact_id=desk.contact_id, id=number)
        desk.sandbox.age(number, seconds=age)
    desk.reply()
    listed = desk.call("GET", "conversations?status=pending&sort_by=waiting_since_asc", token="admin").json()
    assert [each["id"] for each in listed["data"]["payload"]] == [12, 11, 13, CONVERSATION]
