"""What a conversation's memory holds, read as the product reads it."""

from __future__ import annotations

import redis
from langchain_core.messages import BaseMessage

from graph.checkpoint import Memory
from graph.loader import load
from sandbox.machine.redis import RedisServer


def remembered(server: RedisServer, spec: str, conversation_id: int = 3) -> list[str]:
    """The texts of a conversation's messages."""
    return [each.text for each in memory_of(server, spec, conversation_id)]


def memory_of(server: RedisServer, spec: str, conversation_id: int = 3) -> list[BaseMessage]:
    """A conversation's messages, as the graph `spec` finds them; whatever the thread is called."""
    with redis.Redis.from_url(server.url, protocol=2) as client:
        (key,) = client.scan_iter(f"checkpoint:*:{conversation_id}:")
        thread = key.decode().removeprefix("checkpoint:").removesuffix(":")
        graph = load(spec, Memory(client, ttl_s=60))
        return list(graph.get_state({"configurable": {"thread_id": thread}}).values["messages"])
