"""What a conversation's memory holds, read as the product reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import redis
from langchain_core.messages import BaseMessage

from graph import history
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


def refused_by_models(url: str) -> list[str]:
    """What a model API would refuse of all that is remembered, with the thread in which it stands."""
    with redis.Redis.from_url(url, protocol=2) as client:
        memory = Memory(client, ttl_s=60)
        return [f"{thread}: {problem}" for thread in _threads(client) for problem in refused(_messages(memory, thread))]


def refused(messages: Sequence[BaseMessage]) -> list[str]:
    """What a model API would refuse of them in the next turn.

    A tool call at the end may wait for its answer: for what people decide, or since the test ends in the midst of it.
    What the graph said without a word is gone before the next turn.
    """
    heard = [message for message in messages if not history.says_nothing(message)]
    return [problem for problem in history.problems(heard) if problem != history.LAST_CALL_WAITS]


def _threads(client: redis.Redis) -> Iterator[str]:
    """Without their subgraphs, and without what they were before their latest turn."""
    for key in client.scan_iter("checkpoint:*:"):
        yield key.decode().removeprefix("checkpoint:").removesuffix(":")


def _messages(memory: Memory, thread: str) -> list[BaseMessage]:
    try:
        found = memory.get_tuple({"configurable": {"thread_id": thread, "checkpoint_ns": ""}})
    except KeyError:  # the released saver's, beside which ours is tested
        return []
    kept = found.checkpoint["channel_values"].get("messages", []) if found else []
    return [each for each in kept if isinstance(each, BaseMessage)]  # the checkpointer's own tests keep anything
