"""A real browser for the session, a fresh window for each test, and a salon whose bot nobody runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, expect, sync_playwright

from sandbox import Sandbox
from tests.browser.chat import Chat, Salon
from tests.stack import BOT_TOKEN

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    assert found, "the page is tested in Chromium (Debian: apt-get install chromium)"
    with sync_playwright() as playwright:
        expect.set_options(timeout=30_000)  # in ms: other tests may keep the machine busy
        browser = playwright.chromium.launch(executable_path=found, args=_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def chat(browser: Browser, sandbox: Sandbox) -> Iterator[Chat]:
    """The page, not yet opened. Nothing may complain in its console, unless the test takes the complaint."""
    context = browser.new_context(viewport={"width": 1280, "height": 860}, locale="en-GB", reduced_motion="reduce")
    chat = Chat(context.new_page(), sandbox.url)

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            chat.complaints.append(message.text)

    chat.page.on("console", note)
    chat.page.on("pageerror", lambda error: chat.complaints.append(str(error)))
    yield chat
    context.close()
    assert chat.complaints == []


@pytest.fixture
def salon(sandbox: Sandbox) -> Salon:
    bot = sandbox.add_agent_bot(name="Contesta", access_token=BOT_TOKEN)
    inbox = sandbox.add_inbox(name="WhatsApp", channel="whatsapp", agent_bot_id=bot.id)
    return Salon(sandbox, inbox.id)
