"""A real Redis for each test session, emptied for each test; no test may leave a key that never expires."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from sandbox.machine.redis import RedisServer


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(redis_server.url, decode_responses=True, protocol=2)
    client.flushall()
    yield client
    # Celery's own keys (kombu's bindings and queues) are as old as the queue.
    immortal = [key for key in client.scan_iter() if client.ttl(key) == -1 and not key.startswith("_kombu")]
    client.close()
    assert not immortal, f"keys that never expire: {immortal}"
