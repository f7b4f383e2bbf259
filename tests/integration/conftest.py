"""A real Redis for each test session, emptied for each test; no test may leave a key that never expires."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis

from sandbox import Sandbox
from sandbox.machine.redis import RedisServer
from tests.stack import BOT_TOKEN, SECRET, Stack, wait_until


@dataclass(frozen=True)
class Desk:
    """What a test does and sees in Chatwoot."""

    sandbox: Sandbox
    inbox_id: int

    def conversation(self, id: int = 3, phone_number: str = "+34623226544") -> int:
        contact = self.sandbox.add_contact(name="Lucía", phone_number=phone_number)
        self.sandbox.add_conversation(inbox_id=self.inbox_id, contact_id=contact.id, id=id)
        return id

    def replies(self, conversation_id: int = 3) -> list[str]:
        """What the customer was told."""
        return [
            str(message["content"])
            for message in self.sandbox.messages(conversation_id)
            if message["message_type"] == 1 and not message["private"]
        ]

    def notes(self, conversation_id: int = 3) -> list[str]:
        return [str(each["content"]) for each in self.sandbox.messages(conversation_id) if each["private"]]

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


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(redis_server.url, decode_responses=True, protocol=2)
    client.flushall()
    yield client
    # Celery's own keys (queues, their bindings, what is not acknowledged) live as long as it does.
    ours = ("contesta:", "checkpoint", "write_registry:")
    immortal = [key for key in client.scan_iter() if client.ttl(key) == -1 and key.startswith(ours)]
    client.close()
    assert not immortal, f"keys that never expire: {immortal}"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A fresh Chatwoot; ids are its own."""
    with Sandbox(port=0, admin_token="admin-token", agent_token="agent-token") as stand_in:
        yield stand_in


@pytest.fixture
def desk(sandbox: Sandbox, stack: Stack) -> Desk:
    """An inbox with our bot in it, whose webhooks go to our web process."""
    bot = sandbox.add_agent_bot(name="Contesta", outgoing_url=stack.webhook_url, secret=SECRET, access_token=BOT_TOKEN)
    inbox = sandbox.add_inbox(name="WhatsApp", channel="whatsapp", agent_bot_id=bot.id)
    return Desk(sandbox, inbox.id)


@pytest.fixture
def stack(redis_server: RedisServer, redis_client: redis.Redis, sandbox: Sandbox, tmp_path: Path) -> Iterator[Stack]:
    """The settings of a bot on this sandbox and Redis. Processes are the test's to start."""
    env = {
        "REDIS_URL": redis_server.url,
        "CHATWOOT_API_URL": f"{sandbox.url}/",
        "CHATWOOT_ACCOUNT_ID": "1",
        "CHATWOOT_INBOX_ID": "1",
        "ANSWER_INBOX_IDS": "*",
        "CHATWOOT_API_TOKEN": "admin-token",
        "CHATWOOT_BOT_TOKEN": BOT_TOKEN,
        "CHATWOOT_WEBHOOK_SECRET": SECRET,
        "COALESCE_SECONDS": "0.05",
        "LEASE_SECONDS": "4",
    }
    with Stack(env, tmp_path) as processes:
        yield processes
