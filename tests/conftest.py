"""A real Redis for each test session, emptied for each test.

No test may leave a key that never expires, nor a conversation that a model would refuse.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from sandbox import Sandbox
from sandbox.machine.redis import RedisServer
from tests.desk import Desk
from tests.memory import refused_by_models
from tests.nursery import Nursery
from tests.stack import BOT_TOKEN, SECRET, Stack, settings

# Neither says anything of our code where other tests keep the machine busy.
hypothesis_settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("busy")


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with Nursery() as nursery:
        yield nursery


@pytest.fixture
def redis_client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(redis_server.url, decode_responses=True, protocol=2)
    client.flushall()
    yield client
    # Celery's own keys (queues, their bindings, what is not acknowledged) live as long as it does.
    ours = ("contesta:", "checkpoint", "write_registry:")
    # The counters never expire, and are few: tasks/runtime/counters.py.
    ours_for_ever = ("contesta:1:counters",)
    immortal = [
        key for key in client.scan_iter() if client.ttl(key) == -1 and key.startswith(ours) and key not in ours_for_ever
    ]
    client.close()
    assert not immortal, f"keys that never expire: {immortal}"
    refused = refused_by_models(redis_server.url)
    assert not refused, f"memories that no model would take: {refused}"


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
def stack(
    redis_server: RedisServer, redis_client: redis.Redis, sandbox: Sandbox, nursery: Nursery, tmp_path: Path
) -> Iterator[Stack]:
    """The settings of a bot on this sandbox and Redis. Processes are the test's to start."""
    env = {
        **settings(redis_server.url, f"{sandbox.url}/"),
        "COALESCE_SECONDS": "0.05",
        "LEASE_SECONDS": "4",
        "CHATWOOT_STORING_SECONDS": "1",
    }
    with Stack(env, tmp_path, nursery.start) as processes:
        yield processes
