"""The real memory; after each test, what it holds is what every model would accept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from graph.checkpoint import Memory
from sandbox.machine.redis import RedisServer


@pytest.fixture
def memory(redis_server: RedisServer, redis_client: redis.Redis) -> Iterator[Memory]:
    with redis.Redis.from_url(redis_server.url, protocol=2) as client:
        yield Memory(client, ttl_s=60)
