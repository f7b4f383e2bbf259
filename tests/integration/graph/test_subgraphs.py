"""Graphs within a graph on the real memory: what a turn needed of them goes with it, what people are asked stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import pytest
import redis
from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt

from graph.checkpoint import Fence, FencedOff, Memory
from graph.loader import Graph
from graph.outcome import HandOver, Outcome, Reply
from graph.said import Said
from graph.thinking import Thinker
from sandbox.machine.redis import RedisServer

THREAD = "{07}:1:3"
Keeps = Literal[True] | None
"""What a subgraph is compiled with: True, it keeps a memory of its own; None, it begins anew each time."""


@pytest.fixture(params=["exit", "sync"])
def durability(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def client(redis_server: RedisServer, redis_client: redis.Redis) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_server.url, protocol=2) as client:
        yield client


@pytest.fixture
def memory(client: redis.Redis) -> Memory:
    return Memory(client, ttl_s=60)


def says(words: str) -> Any:
    return lambda state: {"messages": [AIMessage(words)]}


def asks(state: MessagesState) -> Any:
    return {"messages": [AIMessage(f"the team said: {interrupt('Refund?')}")]}


class Failing:
    """A node that fails as often as it is told."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self, state: MessagesState) -> Any:
        self.left -= 1
        if self.left >= 0:
            raise RuntimeError("500")
        return {"messages": [AIMessage("done")]}


def in_a_row(*nodes: Any, checkpointer: Any = None) -> Graph:
    builder = StateGraph(MessagesState)
    names = [f"step{number}" for number, _ in enumerate(nodes)]
    for name, node in zip(names, nodes, strict=True):
        builder.add_node(name, node)
    for before, after in zip([START, *names], names, strict=False):
        builder.add_edge(before, after)
    return builder.compile(checkpointer=checkpointer)


def supervisor(memory: Memory, keeps: Keeps) -> Graph:
    agents = [in_a_row(says(f"{name} thinks"), says(f"{name} answers"), checkpointer=keeps) for name in "ab"]
    return in_a_row(says("routed"), *agents, checkpointer=memory)


def turn(graph: Graph, durability: Any, number: int, text: str = "Hi", *more: Said, resumes: bool = False) -> Outcome:
    said = [Said(f"chatwoot:{number}", text, place=number)] if text else []
    name = f"m{number}" if text else f"m{number}.on"
    return Thinker(graph, 40, durability).think(THREAD, name, said, earlier=more, resumes=resumes)


def resumed(graph: Graph, durability: Any, number: int) -> list[str]:
    """The team has agreed, and given the conversation back."""
    note = Said(f"chatwoot:{number + 1}", "yes", "note", place=number + 1)
    outcome = turn(graph, durability, number, "", note, resumes=True)
    return [want.text for want in outcome if isinstance(want, Reply)]


def waits(outcome: Outcome) -> bool:
    return any(isinstance(want, HandOver) and want.waits for want in outcome)


def documents(client: redis.Redis) -> list[str]:
    """Checkpoints, and the writes that wait for one; without the sets that list them."""
    keys = [key.decode() for key in client.scan_iter()]
    return [key for key in keys if not key.startswith("write_registry:") and not key.endswith("!subgraphs")]


@pytest.mark.parametrize(("keeps", "most"), [(None, 2), (True, 4)])
def test_a_conversation_keeps_as_few_keys_as_without(
    memory: Memory, client: redis.Redis, durability: Any, keeps: Keeps, most: int
) -> None:
    """Two: its latest checkpoint, and the one from before the turn; and that of each subgraph that keeps its own."""
    graph = supervisor(memory, keeps)
    sizes = []
    for number in range(1, 13):
        turn(graph, durability, number)
        kept = documents(client)
        assert len([key for key in kept if key.startswith("checkpoint:")]) <= most, kept
        assert len(kept) <= most + 8, kept  # some writes of a step are late, and go in the next turn
        sizes.append(sum(client.memory_usage(key) or 0 for key in client.scan_iter()))
    assert min(sizes[-3:]) < 25_000 * most, sizes


class TestAskedInASubgraph:
    """Each step by a graph and a memory of its own, as another worker would have them."""

    @pytest.fixture(params=[1, 2], ids=["one deep", "two deep"])
    def asking(self, request: pytest.FixtureRequest, client: redis.Redis) -> Any:
        """Makes the graph: an agent that asks people, `request.param` deep, and then a node of the supervisor's."""

        def make(keeps: Keeps, then: Any) -> Graph:
            inner = in_a_row(says("looked"), asks, says("that is it"), checkpointer=keeps)
            for _ in range(request.param - 1):
                inner = in_a_row(says("outer looked"), inner, checkpointer=keeps)
            return in_a_row(says("routed"), inner, then, checkpointer=Memory(client, ttl_s=60))

        return make

    @pytest.mark.parametrize("keeps", [None, True])
    def test_it_can_be_decided_and_again_in_a_later_turn(self, asking: Any, durability: Any, keeps: Keeps) -> None:
        for number in (1, 4):
            assert waits(turn(asking(keeps, says("done")), durability, number))
            texts = resumed(asking(keeps, says("done")), durability, number)
            assert texts[-3:] == ["the team said: True", "that is it", "done"]

    def test_it_can_still_be_decided_when_the_turn_was_given_up(
        self, asking: Any, memory: Memory, client: redis.Redis, durability: Any
    ) -> None:
        assert waits(turn(asking(None, says("done")), durability, 1))
        with pytest.raises(RuntimeError):
            resumed(asking(None, Failing(1)), durability, 1)
        memory.restore(THREAD, "m1.on")
        texts = resumed(asking(None, says("done")), durability, 1)
        assert texts[-3:] == ["the team said: True", "that is it", "done"]
        for number in (4, 5):
            turn(supervisor(memory, None), durability, number)
        assert not list(client.scan_iter("checkpoint:*step*")), documents(client)


@pytest.mark.parametrize("keeps", [None, True])
def test_a_turn_that_is_given_up_leaves_no_subgraph_that_begins_anew(
    memory: Memory, client: redis.Redis, durability: Any, keeps: Keeps
) -> None:
    agent = in_a_row(says("thinks"), Failing(1), checkpointer=keeps)
    graph = in_a_row(says("routed"), agent, checkpointer=memory)
    with pytest.raises(RuntimeError):
        turn(graph, durability, 1)
    memory.restore(THREAD, "m1")
    left = [key for key in documents(client) if ":step1" in key]
    assert bool(left) == bool(keeps), left
    assert turn(graph, durability, 2)


def test_who_lost_the_turn_takes_no_subgraph_away(memory: Memory, client: redis.Redis, durability: Any) -> None:
    agent = in_a_row(says("looked"), asks)
    graph = in_a_row(agent, says("done"), checkpointer=memory)
    turn(graph, durability, 1)
    before = set(documents(client))
    client.hset("turn", "token", "another's")
    client.expire("turn", 60)
    lost = Fence("turn", "token", "mine")
    note = Said("chatwoot:2", "yes", "note", place=2)
    with pytest.raises(FencedOff):
        Thinker(graph, 40, durability).think(THREAD, "m1.on", [], earlier=[note], resumes=True, fence=lost)
    assert before <= set(documents(client))
    assert resumed(graph, durability, 1)[-1] == "done"


def test_a_forgotten_thread_leaves_nothing(memory: Memory, client: redis.Redis, durability: Any) -> None:
    turn(in_a_row(in_a_row(says("looked"), asks), checkpointer=memory), durability, 1)
    assert list(client.scan_iter())
    assert memory.forget(THREAD) == 1
    assert list(client.scan_iter()) == []
