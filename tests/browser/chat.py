"""The chat page as a person uses it, and what happens on the other side of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from playwright.sync_api import Locator, Page, expect

from sandbox import Sandbox
from tests.stack import BOT_TOKEN


@dataclass(frozen=True)
class Chat:
    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    """What the browser's console said."""

    def open(self) -> Chat:
        self.page.goto(self.url)
        expect(self.page.locator("#live")).to_have_text("live")
        return self

    @property
    def phone(self) -> Locator:
        """What the customer reads."""
        return self.page.get_by_role("log", name="Chat as the customer sees it")

    @property
    def desk(self) -> Locator:
        """What the agent reads."""
        return self.page.get_by_role("log", name="Messages as the agent sees them")

    @property
    def status(self) -> Locator:
        return self.page.locator("#about-status")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def write_as_customer(self, text: str) -> None:
        self.page.get_by_label("Message as the customer").fill(text)
        self.button("Send as the customer").click()

    def reply(self, text: str) -> None:
        self.page.get_by_label("Reply", exact=True).check()
        self.page.get_by_label("Reply to the customer").fill(text)
        self.button("Send reply").click()

    def note(self, text: str) -> None:
        self.page.get_by_label("Private note", exact=True).check()
        self.page.get_by_label("Private note, for agents only").fill(text)
        self.button("Add note").click()

    def take_complaint(self, text: str) -> None:
        """Expect the console to have complained of this and forget it."""
        assert any(text in complaint for complaint in self.complaints), self.complaints
        self.complaints.clear()


@dataclass(frozen=True)
class Salon:
    """A sandbox with a WhatsApp inbox. The test is its bot."""

    sandbox: Sandbox
    inbox_id: int

    def customer_writes(self, content: str, name: str = "Lucía", phone_number: str = "+34623226544") -> int:
        """Returns the conversation's id."""
        message = self.sandbox.customer_writes(content, name=name, phone_number=phone_number, inbox_id=self.inbox_id)
        return message.conversation_id

    def bot_says(self, content: str, conversation_id: int = 1, *, files: Sequence[str] = (), **more: Any) -> int:
        """Returns the message's id. Of `files` only the names count."""
        attached = [("attachments[]", (name, b"data")) for name in files]
        answer = self._post(f"{conversation_id}/messages", {"content": content, **more}, attached)
        message_id: int = answer.json()["id"]
        return message_id

    def bot_types(self, conversation_id: int = 1) -> None:
        self._post(f"{conversation_id}/toggle_typing_status", {"typing_status": "on"})

    def said(self, conversation_id: int = 1) -> list[str]:
        return [str(message["content"]) for message in self.sandbox.messages(conversation_id)]

    def _post(self, path: str, body: dict[str, Any], files: Sequence[Any] = ()) -> httpx.Response:
        address = f"{self.sandbox.url}/api/v1/accounts/1/conversations/{path}"
        given: dict[str, Any] = {"data": body, "files": files} if files else {"json": body}
        answer = httpx.post(address, headers={"Api-Access-Token": BOT_TOKEN}, trust_env=False, **given)
        return answer.raise_for_status()
