"""An e-mail inbox: what tests/recorded/27-e-mail.json does not show of it."""

from __future__ import annotations

import pytest

from tests.sandbox.desk import Desk

ANA = "ana@example.com"


@pytest.fixture
def mail(desk: Desk) -> int:
    return desk.sandbox.add_inbox(name="mail", channel="email", agent_bot_id=desk.bot_id).id


def test_an_answer_gets_the_id_of_its_e_mail_later(desk: Desk, mail: int) -> None:
    number = desk.sandbox.customer_writes("Hola", email=ANA, inbox_id=mail).conversation_id
    answer = desk.call("POST", f"conversations/{number}/messages", {"content": "Hola"}).json()
    assert answer["source_id"] is None
    (updated,) = desk.told("bot", "message_updated")
    uuid = desk.sandbox.conversation(number)["uuid"]
    assert updated.body["source_id"] == f"conversation/{uuid}/messages/{answer['id']}@in.example.com"
    assert desk.sandbox.arrived(number) == ["Hola"]


def test_a_customer_goes_on_where_they_answer_and_begins_elsewhere(desk: Desk, mail: int) -> None:
    first = desk.sandbox.customer_writes("Hola", email=ANA, inbox_id=mail)
    answering = {"email": {"in_reply_to": first.source_id, "subject": "Re: Hola"}}
    second = desk.sandbox.customer_writes("Sí", email=ANA, inbox_id=mail, content_attributes=answering)
    third = desk.sandbox.customer_writes("Otra", email=ANA, inbox_id=mail)
    assert second.conversation_id == first.conversation_id != third.conversation_id
    assert first.content_type == "incoming_email"


def test_what_was_added_to_a_post_stays_and_a_note_is_no_e_mail(desk: Desk, mail: int) -> None:
    number = desk.sandbox.customer_writes("Hola", email=ANA, inbox_id=mail).conversation_id
    path = f"conversations/{number}/messages"
    posted = desk.call("POST", path, {"content": "One\n\n**two** & <b>", "content_attributes": {"ours": 1}}).json()
    assert posted["content_attributes"]["ours"] == 1
    in_full = posted["content_attributes"]["email"]["html_content"]["full"]
    assert in_full == "<p>One</p>\n<p><strong>two</strong> &amp; &lt;b&gt;</p>\n"
    note = desk.call("POST", path, {"content": "for us", "private": True}).json()
    assert "email" not in note["content_attributes"]


def test_who_has_no_e_mail_address_cannot_be_written_to(desk: Desk, mail: int) -> None:
    asked = {"inbox_id": mail, "contact_id": desk.contact_id}
    refused = desk.call("POST", "conversations", asked, token="admin")
    assert (refused.status_code, refused.json()["error"]) == (
        422,
        "param is missing or the value is empty: contact email",
    )
    desk.call("PUT", f"contacts/{desk.contact_id}", {"email": ANA}, token="admin")
    assert desk.call("POST", "conversations", asked, token="admin").status_code == 200
