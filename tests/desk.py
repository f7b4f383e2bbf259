"""Chatwoot as a test sees it: who writes, what the customer was told, what was asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from sandbox import Sandbox
from tests.stack import BOT_TOKEN, wait_until


@dataclass(frozen=True)
class Desk:
    """What a test does and sees in Chatwoot."""

    sandbox: Sandbox
    inbox_id: int

    def conversation(self, id: int = 3, phone_number: str = "+34623226544") -> int:
        contact = self.sandbox.add_contact(name="Lucía", phone_number=phone_number)
        self.sandbox.add_conversation(inbox_id=self.inbox_id, contact_id=contact.id, id=id)
        return id

    def written(self, conversation_id: int = 3) -> list[str]:
        """What the customer wrote."""
        return [str(each["content"]) for each in self.sandbox.messages(conversation_id) if each["message_type"] == 0]

    def replies(self, conversation_id: int = 3) -> list[str]:
        """What the customer was told."""
        return [
            str(message["content"])
            for message in self.sandbox.messages(conversation_id)
            if message["message_type"] == 1 and not message["private"]
        ]

    def notes(self, conversation_id: int = 3) -> list[str]:
        return [str(each["content"]) for each in self.sandbox.messages(conversation_id) if each["private"]]

    def person_writes(self, text: str, conversation_id: int = 3) -> None:
        """Marta, the administrator, answers the customer."""
        self._call(f"conversations/{conversation_id}/messages", {"content": text})

    def writes_itself(self, text: str, conversation_id: int = 3, **by: Any) -> None:
        """`by`: `campaign_id`, or `content_attributes` with an `automation_rule_id`."""
        self._call(f"conversations/{conversation_id}/messages", {"content": text, **by})

    def bot_writes(self, text: str, conversation_id: int = 3) -> None:
        """A program with the bot's token that is not ours."""
        self._call(f"conversations/{conversation_id}/messages", {"content": text}, token=BOT_TOKEN)

    def person_notes(self, text: str, conversation_id: int = 3) -> None:
        """Marta leaves a private note."""
        self._call(f"conversations/{conversation_id}/messages", {"content": text, "private": True})

    def person_asks(self, question: str, *choices: str, conversation_id: int = 3) -> int:
        """Marta sends quick replies; returns the message's id."""
        items = [{"title": choice, "value": choice} for choice in choices]
        body = {"content": question, "content_type": "input_select", "content_attributes": {"items": items}}
        self._call(f"conversations/{conversation_id}/messages", body)
        return int(self.sandbox.messages(conversation_id)[-1]["id"])

    def set_status(self, conversation_id: int, status: str) -> None:
        self._call(f"conversations/{conversation_id}/toggle_status", {"status": status})

    def assign_to_a_person(self, conversation_id: int, assignee_id: int | None = 1) -> None:
        self._call(f"conversations/{conversation_id}/assignments", {"assignee_id": assignee_id})

    def assign_to_a_bot(self, conversation_id: int, bot_id: int) -> None:
        body = {"assignee_id": bot_id, "assignee_type": "AgentBot"}
        self._call(f"conversations/{conversation_id}/assignments", body)

    def label(self, conversation_id: int, *labels: str) -> None:
        self._call(f"conversations/{conversation_id}/labels", {"labels": labels})

    def label_contact(self, conversation_id: int, *labels: str) -> None:
        contact_id = self.sandbox.conversation(conversation_id)["meta"]["sender"]["id"]
        self._call(f"contacts/{contact_id}/labels", {"labels": labels})

    def set_inbox(self, inbox_id: int, **settings: Any) -> None:
        url = f"{self.sandbox.url}/api/v1/accounts/1/inboxes/{inbox_id}"
        httpx.patch(url, json=settings, headers={"Api-Access-Token": "admin-token"}).raise_for_status()

    def delete_message(self, conversation_id: int, message_id: int) -> None:
        url = f"{self.sandbox.url}/api/v1/accounts/1/conversations/{conversation_id}/messages/{message_id}"
        httpx.delete(url, headers={"Api-Access-Token": "admin-token"}).raise_for_status()

    def _call(self, path: str, body: dict[str, Any], *, token: str = "admin-token") -> None:
        url = f"{self.sandbox.url}/api/v1/accounts/1/{path}"
        httpx.post(url, json=body, headers={"Api-Access-Token": token}).raise_for_status()

    def wait_for_replies(self, count: int, conversation_id: int = 3) -> list[str]:
        return wait_until(
            lambda: self.replies(conversation_id) if len(self.replies(conversation_id)) >= count else None,
            what=f"{count} replies in conversation {conversation_id}",
        )

    def calls(self) -> list[tuple[str, str]]:
        """Method and path of each call that we made to Chatwoot."""
        return [(request.method, request.path) for request in self.sandbox.requests]

    def posts(self) -> list[Any]:
        return [each for each in self.sandbox.requests if each.method == "POST" and each.path.endswith("/messages")]
