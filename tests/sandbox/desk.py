"""A furnished stand-in, as most tests want it."""

from dataclasses import dataclass
from typing import Any

import httpx

from sandbox import Sandbox
from tests.sandbox.receiver import Received, Receiver

BOT_TOKEN = "bot-token"
SECRET = "the-secret"
CONVERSATION = 3
_TOKENS = {"admin": "admin-token", "agent": "agent-token", "bot": BOT_TOKEN}


@dataclass(frozen=True)
class Desk:
    sandbox: Sandbox
    receiver: Receiver
    http: httpx.Client
    inbox_id: int
    bot_id: int
    contact_id: int

    @classmethod
    def furnish(cls, sandbox: Sandbox, receiver: Receiver, http: httpx.Client, channel: str = "api") -> "Desk":
        bot = sandbox.add_agent_bot(
            name="Contesta", outgoing_url=f"{receiver.url}/bot", secret=SECRET, access_token=BOT_TOKEN
        )
        inbox = sandbox.add_inbox(name="Tienda", channel=channel, agent_bot_id=bot.id)
        sandbox.add_webhook(url=f"{receiver.url}/account", secret=SECRET)
        contact = sandbox.add_contact(name="Lucía", phone_number="+34623226544")
        sandbox.add_conversation(inbox_id=inbox.id, contact_id=contact.id, id=CONVERSATION)
        sandbox.settle()
        receiver.clear()
        return cls(sandbox, receiver, http, inbox.id, bot.id, contact.id)

    def call(self, method: str, path: str, body: Any = None, *, token: str | None = "bot") -> httpx.Response:
        """An API call to `/api/v1/accounts/1/` + path."""
        headers = {"Api-Access-Token": _TOKENS[token]} if token else {}
        return self.http.request(method, f"/api/v1/accounts/1/{path}", json=body, headers=headers)

    def reply(self, content: str = "Hola", **more: Any) -> httpx.Response:
        return self.call("POST", f"conversations/{CONVERSATION}/messages", {"content": content, **more})

    def customer_writes(self, content: str = "Hola") -> int:
        return self.sandbox.customer_writes(content, conversation_id=CONVERSATION).id

    def told(self, to: str, event: str | None = None) -> list[Received]:
        """The webhooks that came, once all have."""
        self.sandbox.settle()
        return self.receiver.to(to, event)

    @property
    def contents(self) -> list[str]:
        """What is said in the conversation, activities left out."""
        said = self.sandbox.messages(CONVERSATION)
        return [message["content"] for message in said if message["message_type"] != 2]

    @property
    def status(self) -> str:
        status: str = self.sandbox.conversation(CONVERSATION)["status"]
        return status
