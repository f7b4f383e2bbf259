"""What the page looks at beside the API: what is on the customer's phone."""

from __future__ import annotations

import httpx
import pytest

from sandbox.world import Json
from tests.sandbox.desk import Desk

LUCIA = "+34623226544"


@pytest.fixture
def whatsapp(desk: Desk) -> int:
    """A conversation in which the customer has written."""
    inbox = desk.sandbox.add_inbox(name="WhatsApp", channel="whatsapp", agent_bot_id=desk.bot_id)
    return desk.sandbox.customer_writes("Hola", phone_number=LUCIA, inbox_id=inbox.id).conversation_id


def on_phone(desk: Desk, number: int) -> list[Json]:
    shown: list[Json] = desk.http.get(f"/page/conversations/{number}").raise_for_status().json()["phone"]
    return sorted(shown, key=lambda each: int(each["arrival"]))


def say(desk: Desk, number: int, content: str, *files: str, **more: object) -> httpx.Response:
    path = f"/api/v1/accounts/1/conversations/{number}/messages"
    attached = [("attachments[]", (name, b"data")) for name in files]
    headers = {"Api-Access-Token": "bot-token"}
    if not files:
        return desk.call("POST", path.removeprefix("/api/v1/accounts/1/"), {"content": content, **more})
    return desk.http.post(path, data={"content": content}, files=attached, headers=headers)


def test_what_is_on_its_way_is_on_no_phone_and_what_came_stands_as_it_came(desk: Desk, whatsapp: int) -> None:
    desk.sandbox.lag.set(files_s=(0.5, 0.5))
    say(desk, whatsapp, "The menu", "menu.pdf")
    assert [each["content"] for each in on_phone(desk, whatsapp)] == ["Hola"]
    say(desk, whatsapp, "Which day?")
    desk.sandbox.customer_writes("Monday", conversation_id=whatsapp)
    desk.sandbox.settle()
    came = [each["content"] for each in on_phone(desk, whatsapp)]
    assert sorted(came[1:3]) == ["Monday", "Which day?"]
    assert (came[0], came[-1]) == ("Hola", "The menu")


def test_notes_and_what_failed_are_on_no_phone(desk: Desk, whatsapp: int) -> None:
    say(desk, whatsapp, "for us", private=True)
    say(desk, whatsapp, "x" * 5000)
    lost = say(desk, whatsapp, "lost").json()["id"]
    desk.sandbox.settle()
    desk.sandbox.channel_reports(lost, "failed", "131026: Message undeliverable")
    assert [each["content"] for each in on_phone(desk, whatsapp)] == ["Hola"]


def test_whatsapp_is_given_the_first_file_and_audio_without_its_text(desk: Desk, whatsapp: int) -> None:
    for content, *files in (("Two", "a.pdf", "b.pdf"), ("Listen", "a.ogg")):
        say(desk, whatsapp, content, *files)
        desk.sandbox.settle()
    _, two, listen = on_phone(desk, whatsapp)
    assert (two["content"], len(two["attachments"])) == ("Two", 1)
    assert (listen["content"], listen["attachments"][0]["file_type"]) == (None, "audio")


def test_an_inbox_whose_messages_no_job_hands_on_shows_them_at_once(desk: Desk) -> None:
    number = desk.sandbox.conversation_ids[0]
    say(desk, number, "Two", "a.pdf", "b.pdf")
    (shown,) = on_phone(desk, number)
    assert len(shown["attachments"]) == 2


def test_a_greeting_comes_to_the_phone(desk: Desk) -> None:
    inbox = desk.sandbox.add_inbox(name="WhatsApp", channel="whatsapp", agent_bot_id=desk.bot_id)
    greeting = {"greeting_enabled": True, "greeting_message": "Welcome"}
    desk.call("PATCH", f"inboxes/{inbox.id}", greeting, token="admin")
    number = desk.sandbox.customer_writes("Hola", phone_number=LUCIA, inbox_id=inbox.id).conversation_id
    desk.sandbox.settle()
    assert [each["content"] for each in on_phone(desk, number)] == ["Hola", "Welcome"]


def test_the_api_tells_nothing_of_phones(desk: Desk, whatsapp: int) -> None:
    answer = say(desk, whatsapp, "Hi").json()
    listed = desk.call("GET", f"conversations/{whatsapp}/messages", token="admin").json()["payload"]
    assert not any("arrival" in each for each in (answer, *listed))
