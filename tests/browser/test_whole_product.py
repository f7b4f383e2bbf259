"""Write as the customer, see the reply: page, sandbox, web, worker, Redis, all real."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.chat import Chat
from tests.desk import Desk
from tests.stack import Stack


def test_what_a_customer_writes_is_answered_on_the_phone_and_seen_at_the_desk(
    desk: Desk, stack: Stack, chat: Chat
) -> None:
    stack.start_web()
    stack.start_worker()
    chat.open().write_as_customer("Hola, ¿tenéis hora?")
    expect(chat.phone).to_contain_text("Echo: Hola, ¿tenéis hora?", timeout=30_000)
    expect(chat.desk).to_contain_text("Echo: Hola, ¿tenéis hora?")
    expect(chat.status).to_have_text("pending")


def test_who_takes_over_at_the_desk_silences_the_bot_until_it_is_handed_back(
    desk: Desk, stack: Stack, chat: Chat
) -> None:
    stack.start_web()
    stack.start_worker()
    chat.open().write_as_customer("one")
    expect(chat.phone).to_contain_text("Echo: one", timeout=30_000)
    chat.button("Take over").click()
    expect(chat.status).to_have_text("open")
    chat.write_as_customer("two")
    expect(chat.desk).to_contain_text("two")
    chat.button("Hand back to the bot").click()
    expect(chat.status).to_have_text("pending")
    chat.write_as_customer("three")
    expect(chat.phone.get_by_text(re.compile("Echo:.*three", re.DOTALL))).to_be_visible(timeout=30_000)
    said = [str(message["content"]) for message in desk.sandbox.messages(1)]
    silent = said[said.index("two") + 1 : said.index("Conversation was marked as pending by Pablo")]
    assert silent == ["Conversation unassigned by Pablo"]
