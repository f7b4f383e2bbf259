"""What an agent does at the desk goes through Chatwoot's API, and what Chatwoot says of it is shown."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.chat import Chat, Salon
from tests.stack import wait_until


def test_take_over_and_hand_back(salon: Salon, chat: Chat) -> None:
    salon.customer_writes("Hola")
    chat.open()
    expect(chat.status).to_have_text("pending")
    chat.button("Take over").click()
    expect(chat.status).to_have_text("open")
    expect(chat.page.get_by_label("Assignee")).to_have_value(f"User:{salon.sandbox.agent.id}")
    chat.button("Hand back to the bot").click()
    expect(chat.status).to_have_text("pending")
    expect(chat.page.get_by_label("Assignee")).to_have_value("")
    expect(chat.desk.locator(".activity")).to_have_text(
        [
            re.compile("Pablo self-assigned this conversation"),
            re.compile("Conversation was reopened by Pablo"),
            re.compile("Conversation unassigned by Pablo"),
            re.compile("Conversation was marked as pending by Pablo"),
        ]
    )


def test_snooze_resolve_reopen(salon: Salon, chat: Chat) -> None:
    salon.customer_writes("Hola")
    chat.open()
    for act, status in (("Snooze", "snoozed"), ("Resolve", "resolved"), ("Reopen", "open")):
        chat.button(act).click()
        expect(chat.status).to_have_text(status)
    assert salon.sandbox.conversation(1)["status"] == "open"


def test_a_reply_and_a_note_are_told_apart(salon: Salon, chat: Chat) -> None:
    salon.customer_writes("Hola")
    chat.open().reply("For the customer")
    expect(chat.desk.locator(".message.agent")).to_contain_text("For the customer")
    chat.note("For us")
    expect(chat.desk.locator(".message.note")).to_contain_text("Private note by Pablo")
    assert [message["private"] for message in salon.sandbox.messages(1)] == [False, False, True]


def test_a_failed_message_shows_its_error_and_can_be_tried_again(salon: Salon, chat: Chat) -> None:
    salon.customer_writes("Hola")
    reply = salon.bot_says("Hi")
    salon.sandbox.settle()
    salon.sandbox.channel_reports(reply, "failed", "131047: Re-engagement message")
    chat.open()
    expect(chat.desk.locator(".message.failed")).to_contain_text("Not delivered: 131047: Re-engagement message")
    chat.button("Try again").click()
    expect(chat.desk.locator(".message.failed")).to_have_count(0)
    expect(chat.phone).to_contain_text("Hi")


def test_labels(salon: Salon, chat: Chat) -> None:
    salon.customer_writes("Hola")
    chat.open()
    pause = chat.button("bot-paused")
    pause.click()
    expect(pause).to_have_attribute("aria-pressed", "true")
    chat.page.get_by_label("Add a label").fill("VIP client")
    chat.page.get_by_label("Add a label").press("Enter")
    expect(chat.button("Remove the label vip-client")).to_be_visible()
    assert salon.sandbox.conversation(1)["labels"] == ["bot-paused", "vip-client"]
    pause.click()
    expect(pause).to_have_attribute("aria-pressed", "false")
    assert salon.sandbox.conversation(1)["labels"] == ["vip-client"]


def test_the_desk_acts_as_who_is_signed_in(salon: Salon, chat: Chat) -> None:
    salon.customer_writes("Hola")
    chat.open().page.get_by_label("Signed in as").select_option(label="Marta, administrator")
    chat.button("Take over").click()
    expect(chat.page.get_by_label("Assignee")).to_have_value(f"User:{salon.sandbox.admin.id}")
    assert {request.token for request in salon.sandbox.requests} <= {"admin", "agent"}
    chat.reply("I am Marta")
    expect(chat.desk.locator(".message.agent strong")).to_have_text("Marta")


def test_what_chatwoot_refuses_is_said_and_not_lost(salon: Salon, chat: Chat) -> None:
    salon.customer_writes("Hola")
    chat.open()
    salon.sandbox.faults.add("503")
    chat.reply("Are you there?")
    expect(chat.page.locator("#desk-trouble")).to_contain_text("was answered 503")
    expect(chat.page.get_by_label("Reply to the customer")).to_have_value("Are you there?")
    chat.take_complaint("503")
    chat.button("Send reply").click()
    expect(chat.desk).to_contain_text("Are you there?")
    expect(chat.page.locator("#desk-trouble")).to_be_empty()


def test_the_list_tells_who_waits_and_what_is_unread(salon: Salon, chat: Chat) -> None:
    salon.customer_writes("Hola")
    chat.open()
    expect(chat.desk).to_contain_text("Hola")
    salon.customer_writes("I wait", name="Andrés", phone_number="+34600111222")
    entry = chat.page.get_by_role("navigation", name="Conversations").get_by_role("button", name="Andrés")
    expect(entry).to_contain_text("I wait")
    expect(entry).to_contain_text("1 unread")
    expect(entry).to_contain_text("waits since")
    entry.click()
    expect(entry).not_to_contain_text("unread")
    expect(chat.desk).to_contain_text("I wait")
    wait_until(lambda: salon.sandbox.conversation(2)["unread_count"] == 0, what="Chatwoot to know it was read")


def test_a_draft_stays_with_its_conversation(salon: Salon, chat: Chat) -> None:
    salon.customer_writes("Hola")
    salon.customer_writes("Hola", name="Andrés", phone_number="+34600111222")
    chat.open()
    conversations = chat.page.get_by_role("navigation", name="Conversations")
    conversations.get_by_role("button", name="Lucía").click()
    chat.page.get_by_label("Reply to the customer").fill("For Lucía")
    conversations.get_by_role("button", name="Andrés").click()
    expect(chat.page.get_by_label("Reply to the customer")).to_be_empty()
    conversations.get_by_role("button", name="Lucía").click()
    expect(chat.page.get_by_label("Reply to the customer")).to_have_value("For Lucía")
