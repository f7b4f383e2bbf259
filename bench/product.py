"""The product on real processes, new for each benchmark: Redis, a Chatwoot, web, and workers as they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.customers import Customers
from sandbox import Sandbox
from sandbox.machine.redis import RedisServer
from tests.desk import Desk
from tests.stack import BOT_TOKEN, SECRET, Process, Stack, settings

THREADS = 50
"""A worker's, as in production; `Stack` gives fewer."""


@dataclass(frozen=True)
class Product:
    stack: Stack
    customers: Customers

    def start_worker(self, **env: str) -> Process:
        return self.stack.start_worker(WORKER_CONCURRENCY=str(THREADS), **env)


@contextmanager
def product(directory: Path) -> Iterator[Product]:
    """Everything but workers. It ends with the block."""
    directory.mkdir()
    with ExitStack() as running:
        redis_server = running.enter_context(RedisServer(directory / "redis"))
        sandbox = running.enter_context(Sandbox(admin_token="admin-token"))
        stack = running.enter_context(Stack(_settings(redis_server, sandbox), directory))
        bot = sandbox.add_agent_bot(outgoing_url=stack.webhook_url, secret=SECRET, access_token=BOT_TOKEN)
        inbox = sandbox.add_inbox(agent_bot_id=bot.id)
        stack.start_web()
        yield Product(stack, Customers(Desk(sandbox, inbox.id)))


def _settings(redis_server: RedisServer, sandbox: Sandbox) -> dict[str, str]:
    return {
        **settings(redis_server.url, sandbox.url),
        "GRAPH": "bench.graphs:graph",
        "COALESCE_SECONDS": "0",
        # It is our time that is measured, not how politely we treat a small Chatwoot.
        "CHATWOOT_RATE_PER_MINUTE": "0",
    }
