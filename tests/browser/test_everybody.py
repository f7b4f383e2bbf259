"""For everybody: with a keyboard alone, on a phone, in the dark, and through a break in the connection."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from sandbox import Sandbox
from sandbox.machine.ports import free_port
from tests.browser.chat import Chat, Salon

_MANY_TABS = 80
_SOMETHING = re.compile(r"\S")
_TOO_FAINT = (Path(__file__).parent / "too_faint.js").read_text()


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is there."""
    wanted = page.locator(selector)
    for _ in range(_MANY_TABS):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"{_MANY_TABS} tabs did not lead to {selector}")


def test_with_the_keyboard_alone(salon: Salon, chat: Chat) -> None:
    chat.open()
    tab_to(chat.page, "#customer-text")
    chat.page.keyboard.type("Hola")
    chat.page.keyboard.press("Shift+Enter")
    chat.page.keyboard.type("¿hay hora?")
    chat.page.keyboard.press("Enter")
    expect(chat.desk).to_contain_text("Hola\n¿hay hora?", use_inner_text=True)
    expect(chat.page.locator("#customer-text")).to_be_focused()
    tab_to(chat.page, "#actions [data-action=take-over]")
    chat.page.keyboard.press("Enter")
    expect(chat.status).to_have_text("open")
    # The button that was pressed is gone; the focus is on what can be done next, not at the top of the page.
    expect(chat.button("Hand back to the bot")).to_be_focused()
    tab_to(chat.page, "#agent-text")
    chat.page.keyboard.type("Claro")
    chat.page.keyboard.press("Enter")
    expect(chat.phone).to_contain_text("Claro")
    tab_to(chat.page, "#log summary")
    chat.page.keyboard.press("Space")
    expect(chat.page.locator("#requests tr").first).to_be_visible()


def test_a_customer_is_made_and_chosen_with_the_keyboard(salon: Salon, chat: Chat) -> None:
    salon.customer_writes("I am Lucía")
    chat.open()
    tab_to(chat.page, "#new-customer")
    chat.page.keyboard.press("Enter")
    chat.page.keyboard.press("Escape")
    expect(chat.page.locator("#new-customer")).to_be_focused()
    chat.page.keyboard.press("Enter")
    chat.page.keyboard.type("Andrés")
    chat.page.keyboard.press("Tab")
    chat.page.keyboard.type("+34600111222")
    chat.page.keyboard.press("Enter")
    expect(chat.page.get_by_role("radio", name="Andrés")).to_be_checked()
    expect(chat.page.locator("#customer-text")).to_be_focused()
    tab_to(chat.page, "#customers input:checked")
    chat.page.keyboard.press("ArrowRight")
    expect(chat.page.get_by_role("radio", name="Lucía")).to_be_checked()
    expect(chat.phone).to_contain_text("I am Lucía")


def test_everything_that_can_be_used_has_a_name(salon: Salon, chat: Chat) -> None:
    salon.customer_writes("Hola")
    chat.open()
    chat.page.get_by_text("Break something").click()
    chat.page.get_by_text("Send something else").click()
    chat.button("+ New customer").click()
    controls = chat.page.locator("button:visible, input:visible, select:visible, textarea:visible, a:visible")
    expect(chat.desk).to_contain_text("Hola")
    assert controls.count() > 30
    for at in range(controls.count()):
        expect(controls.nth(at)).to_have_accessible_name(_SOMETHING)


@pytest.mark.parametrize("size", [(320, 640), (390, 844), (760, 900), (761, 900), (1024, 700)])
def test_nothing_sticks_out_of_a_small_window(salon: Salon, chat: Chat, size: tuple[int, int]) -> None:
    long = "averylongwordthatnobodywouldbreak" * 6
    salon.customer_writes(f"https://example.com/{long}", name=f"María José {long}")
    salon.bot_says(long)
    width, height = size
    chat.page.set_viewport_size({"width": width, "height": height})
    chat.open()
    expect(chat.phone).to_contain_text(long)
    assert sticks_out(chat.page) == []
    for card in ("Send something else", "Break something"):
        chat.page.get_by_text(card).click()
    assert sticks_out(chat.page) == []
    if width <= 760:
        chat.page.get_by_role("group", name="Show").get_by_role("button", name="Desk").click()
        expect(chat.page.locator("#phone")).to_be_hidden()
    chat.page.get_by_role("navigation", name="Conversations").get_by_role("button").first.click()
    expect(chat.desk).to_contain_text(long)
    assert sticks_out(chat.page) == []


def sticks_out(page: Page) -> list[str]:
    """What can be scrolled sideways, and what of it lies beyond the window."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll(
                "html, main, .side, .chat, .messages, .list, .about, .composer, .switches")]
            .filter((each) => each.checkVisibility() && (each.scrollWidth > each.clientWidth + 1
                || each.getBoundingClientRect().right > innerWidth + 1))
            .map((each) => each.className || each.tagName)"""
    )
    return found


def test_on_a_phone_one_goes_from_the_list_to_a_conversation_and_back(salon: Salon, chat: Chat) -> None:
    salon.customer_writes("Hola")
    chat.page.set_viewport_size({"width": 390, "height": 844})
    chat.open()
    chat.page.get_by_role("group", name="Show").get_by_role("button", name="Desk").click()
    entry = chat.page.get_by_role("navigation", name="Conversations").get_by_role("button", name="Lucía")
    entry.click()
    expect(entry).to_be_hidden()
    expect(chat.desk).to_be_visible()
    chat.button("All conversations").click()
    expect(entry).to_be_focused()
    expect(chat.desk).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(salon: Salon, chat: Chat, scheme: str) -> None:
    """WCAG AA: 4.5 to 1 for all text that is there, in both colour schemes."""
    salon.customer_writes("Hola https://example.com")
    reply = salon.bot_says(
        "Hi", content_type="input_select", content_attributes={"items": [{"title": "A", "value": "a"}]}
    )
    chat.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    chat.open()
    chat.note("Note")
    chat.button("bot-paused").click()
    chat.button("Take over").click()
    chat.reply("Reply")
    expect(chat.desk.locator(".message.agent")).to_be_visible()
    salon.sandbox.settle()
    salon.sandbox.channel_reports(reply, "failed", "No")
    expect(chat.desk).to_contain_text("Not delivered")
    chat.page.get_by_text("Break something").click()
    chat.page.get_by_text("Send something else").click()
    away = {"email": {"subject": "Away", "auto_reply": True}}
    voice = salon.sandbox.customer_writes(
        conversation_id=1,
        content_attributes=away,
        attachments=[{"filename": "note.ogg", "content_type": "audio/ogg", "data": b""}],
    )
    salon.sandbox.transcribe(voice.id, "At noon")
    expect(chat.phone).to_contain_text("At noon")
    salon.sandbox.lag.set(channel_s=(1, 2))
    chat.button("React").click()
    expect(chat.desk).to_contain_text("👍")
    for act in ("Snooze", "Resolve"):
        assert too_faint(chat.page) == []
        chat.button(act).click()
        expect(chat.status).to_have_text("snoozed" if act == "Snooze" else "resolved")
    assert too_faint(chat.page) == []


def too_faint(page: Page) -> list[str]:
    faint: list[str] = page.evaluate(_TOO_FAINT)
    return faint


def test_after_a_break_the_page_catches_up(chat: Chat) -> None:
    port = free_port()
    here = Chat(chat.page, f"http://127.0.0.1:{port}", chat.complaints)
    with Sandbox(port=port) as sandbox:
        salon = Salon(sandbox, sandbox.add_inbox().id)
        salon.customer_writes("before")
        expect(here.open().phone).to_contain_text("before")
    expect(chat.page.locator("#live")).to_have_text("no connection")
    with Sandbox(port=port) as sandbox:
        salon = Salon(sandbox, sandbox.add_inbox().id)
        salon.customer_writes("after")
        expect(here.phone).to_contain_text("after", timeout=30_000)
        expect(here.phone).not_to_contain_text("before")
        expect(chat.page.locator("#live")).to_have_text("live")
    chat.complaints.clear()  # the browser has noted each attempt to connect
