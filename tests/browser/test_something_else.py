"""From the phone comes what people really send: not only texts and files."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.chat import Chat, Salon
from tests.browser.test_everybody import tab_to
from tests.stack import wait_until

_GROUP = "120363040000000000@g.us"


@pytest.fixture
def card(salon: Salon, chat: Chat) -> Locator:
    """Opened, in a chat in which both have written."""
    salon.customer_writes("At ten?")
    salon.bot_says("Ten it is")
    chat.open().page.get_by_text("Send something else").click()
    expect(chat.phone).to_contain_text("Ten it is")
    return chat.page.locator("#something-else")


def last(salon: Salon) -> dict[str, Any]:
    return salon.sandbox.messages(1)[-1]


def test_the_chat_stays_at_its_end_when_the_card_opens(salon: Salon, chat: Chat) -> None:
    salon.customer_writes("\n".join(map(str, range(60))))
    salon.bot_says("The end")
    chat.open()
    expect(chat.phone.get_by_text("The end")).to_be_in_viewport()
    chat.page.get_by_text("Send something else").click()
    chat.page.get_by_text("Break something").click()
    at_end = "chat => chat.scrollHeight - chat.scrollTop - chat.clientHeight < 2"
    wait_until(lambda: chat.phone.evaluate(at_end), what="the chat at its end")


def test_the_last_message_is_edited(salon: Salon, chat: Chat, card: Locator) -> None:
    edit = card.get_by_label("new text")
    expect(edit).to_have_value("At ten?")
    edit.fill("At eleven?")
    card.get_by_role("button", name="Edit").click()
    expect(chat.phone.get_by_role("article").first).to_contain_text("At eleven?")
    expect(chat.desk).to_contain_text("At eleven?")
    assert salon.said() == ["At eleven?", "Ten it is"]


def test_a_reaction_stands_at_what_it_is_to(salon: Salon, chat: Chat, card: Locator) -> None:
    card.get_by_role("button", name="React").click()
    expect(chat.desk).to_contain_text("👍")
    articles = chat.phone.get_by_role("article")
    expect(articles).to_have_text([re.compile("At ten"), re.compile("Ten it is.*You reacted: 👍")])
    reaction, reply = last(salon), salon.sandbox.messages(1)[1]
    assert (reaction["content"], reaction["message_type"]) == ("👍", 0)
    wanted = {"is_reaction": True, "in_reply_to": reply["id"], "in_reply_to_external_id": reply["source_id"]}
    assert reaction["content_attributes"] == wanted


@pytest.mark.parametrize(("text", "away"), [("", False), ("Until Monday", True)])
def test_an_e_mail_has_a_subject(salon: Salon, chat: Chat, card: Locator, text: str, away: bool) -> None:
    form = card.locator("#email-form")
    form.get_by_label("subject").fill("Cancel 1234")
    form.get_by_label("text, or none").fill(text)
    form.get_by_label("absence note").set_checked(away)
    form.get_by_role("button").click()
    for side in (chat.phone, chat.desk):
        expect(side.locator(".subject")).to_have_text("Absence note: Cancel 1234" if away else "Cancel 1234")
    email = last(salon)
    assert (email["content"], email["content_type"]) == (text or None, "incoming_email")
    about = email["content_attributes"]["email"]
    assert (about["subject"], about["auto_reply"]) == ("Cancel 1234", away)
    assert about["text_content"].get("quoted") == (text or None)
    expect(form.get_by_label("subject")).to_have_value("")


def test_what_a_voice_note_says_comes_a_moment_later(salon: Salon, chat: Chat, card: Locator) -> None:
    form = card.locator("#voice-form")
    form.get_by_label("what is said").fill("Better at noon")
    form.get_by_label("transcript after").fill("0.5")
    form.get_by_role("button").click()
    expect(chat.phone.get_by_role("link", name="voice-note.ogg")).to_be_visible()
    for side in (chat.phone, chat.desk):
        expect(side.locator(".transcript")).to_have_text("“Better at noon”")
    (voice,) = last(salon)["attachments"]
    assert (voice["file_type"], voice["transcribed_text"]) == ("audio", "Better at noon")


def test_with_the_keyboard_alone(salon: Salon, chat: Chat) -> None:
    salon.customer_writes("At ten?")
    chat.open()
    tab_to(chat.page, "#something-else summary")
    chat.page.keyboard.press("Enter")
    tab_to(chat.page, "#edit-form input")
    chat.page.keyboard.press("End")
    chat.page.keyboard.type(" Please")
    chat.page.keyboard.press("Enter")
    expect(chat.desk).to_contain_text("At ten? Please")
    tab_to(chat.page, "#email-form [name=auto_reply]")
    chat.page.keyboard.press("Space")
    expect(chat.page.get_by_label("absence note")).to_be_checked()


def make_customer(chat: Chat, *, inbox: str, **fields: str) -> None:
    """`fields`: label -> what is filled in."""
    chat.button("+ New customer").click()
    form = chat.page.locator("#customer-form")
    for label, value in fields.items():
        form.get_by_label(label).fill(value)
    form.get_by_label("Writes to").select_option(inbox)
    chat.button("Make customer").click()


def test_a_group_is_a_customer_without_a_phone(salon: Salon, chat: Chat) -> None:
    api = salon.sandbox.add_inbox(name="Bridge", channel="api")
    chat.open()
    make_customer(chat, inbox="Bridge", Name="The family", Identifier=_GROUP)
    chat.write_as_customer("Who comes?")
    expect(chat.phone).to_contain_text("Who comes?")
    expect(chat.page.locator("#peer-status")).to_have_text(f"Bridge · {_GROUP}")
    (said,) = salon.sandbox.messages(1)
    assert said["sender"]["identifier"] == _GROUP
    assert said["inbox_id"] == api.id


def test_who_has_an_e_mail_address_writes_e_mails(salon: Salon, chat: Chat) -> None:
    mail = salon.sandbox.add_inbox(name="Mail", channel="email")
    chat.open()
    make_customer(chat, inbox="Mail", Name="Ana", **{"E-mail": "ana@example.com"})
    chat.write_as_customer("Hola")
    expect(chat.phone).to_contain_text("Hola")
    salon.bot_says("Hi")
    expect(chat.phone).to_contain_text("Hi")
    said = salon.sandbox.messages(1)[0]
    assert (said["inbox_id"], said["content_type"]) == (mail.id, "incoming_email")
    assert said["sender"]["email"] == "ana@example.com"
