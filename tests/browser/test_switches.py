"""The page breaks things, and shows what went over the wire."""

from __future__ import annotations

from playwright.sync_api import expect

from sandbox.faults import KINDS
from tests.browser.chat import Chat, Salon


def test_every_kind_of_fault_can_be_switched_on_and_all_off(salon: Salon, chat: Chat) -> None:
    chat.open().page.get_by_text("Break something").click()
    form = chat.page.locator("#fault-form")
    for kind in KINDS:
        form.get_by_label("Answer").select_option(kind)
        form.get_by_role("button").click()
        expect(chat.page.locator("#active-switches li", has_text=kind).last).to_contain_text("0 of 1 met")
    assert [fault["kind"] for fault in salon.sandbox.faults.shown()] == list(KINDS)
    chat.button("Clear all").click()
    expect(chat.page.locator("#active-switches li")).to_have_count(0)
    assert salon.sandbox.faults.shown() == []


def test_a_webhook_fault(salon: Salon, chat: Chat) -> None:
    chat.open().page.get_by_text("Break something").click()
    form = chat.page.locator("#webhook-fault-form")
    form.get_by_label("Deliver").select_option("twice")
    form.get_by_label("times").fill("")
    form.get_by_role("button").click()
    expect(chat.page.locator("#active-switches li")).to_contain_text("twice")
    (fault,) = salon.sandbox.webhook_faults.shown()
    assert (fault["kind"], fault["event"], fault["to"], fault["times"]) == ("twice", "message_created", None, None)


def test_a_slow_channel_is_set_shown_and_cleared(salon: Salon, chat: Chat) -> None:
    salon.sandbox.lag.set(webhooks_s=(0, 0.1), files_s=(1, 2), seed=7)
    chat.open().page.get_by_text("Break something").click()
    form = chat.page.locator("#lag-form")
    expect(form.get_by_label("files later by s, to s")).to_have_value("2")
    form.get_by_label("text after s", exact=True).fill("0.5")
    form.get_by_label("text after s, to s").fill("4")
    form.get_by_role("button").click()
    expect(chat.page.locator("#active-switches li", has_text="messages on their channel")).to_contain_text("0.5 to 4 s")
    assert salon.sandbox.lag.shown() == {
        "webhooks_s": [0, 0.1],
        "api_s": [0, 0],
        "channel_s": [0.5, 4],
        "files_s": [1, 2],
        "seed": 7,
    }
    form.get_by_label("text after s", exact=True).fill("5")
    form.get_by_role("button").click()
    expect(chat.page.locator("#phone-trouble")).to_contain_text("5 to 4 s is no span of time")
    chat.take_complaint("422")
    chat.button("Clear all").click()
    expect(chat.page.locator("#active-switches li")).to_have_count(0)
    expect(form.get_by_label("files later by s, to s")).to_have_value("0")
    assert not any(map(any, (salon.sandbox.lag.shown()[name] for name in ("webhooks_s", "channel_s", "files_s"))))


def test_the_channel_reports_what_became_of_the_last_reply(salon: Salon, chat: Chat) -> None:
    salon.customer_writes("Hola")
    salon.bot_says("Hi")
    chat.open().page.get_by_text("Break something").click()
    salon.sandbox.settle()
    form = chat.page.locator("#report-form")
    form.get_by_label("status").select_option("read")
    form.get_by_role("button").click()
    expect(chat.desk.locator(".delivery.read")).to_have_count(1)
    form.get_by_label("status").select_option("failed")
    form.get_by_role("button").click()
    expect(chat.desk).to_contain_text("Not delivered: 131047: Re-engagement message")


def test_the_log_names_webhooks_and_requests_but_not_what_the_page_looks_at(salon: Salon, chat: Chat) -> None:
    salon.sandbox.add_webhook(url=f"{salon.sandbox.url}/nobody-here")
    chat.open().page.get_by_text("What went over the wire").click()
    chat.write_as_customer("Hola")
    salon.sandbox.settle()
    webhook = chat.page.locator("#deliveries tr", has_text="message_created")
    expect(webhook).to_contain_text("account")
    expect(webhook).to_contain_text("404")
    salon.bot_says("Hi")
    expect(chat.page.locator("#requests tr", has_text="bot")).to_contain_text("POST …/conversations/1/messages")
    assert [request.path for request in salon.sandbox.requests if request.method == "GET"] == []
