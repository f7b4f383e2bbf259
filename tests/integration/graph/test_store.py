"""LangGraph's store on a real Redis: what it holds, who may put there, and what is left when it is forgotten."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
import redis
from langchain.agents import create_agent
from langchain.tools import ToolRuntime
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedStore
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore, GetOp, InvalidNamespaceError, PutOp
from langgraph.store.memory import InMemoryStore

from graph.checkpoint import Fence, FencedOff, Memory, MemoryAway
from graph.context import Conversation
from graph.said import Said
from graph.store import Store
from graph.thinking import Thinker
from sandbox.machine.redis import RedisServer
from tests.models import ScriptedModel, calling

ANA, EVA = ("contacts", "1", "7"), ("contacts", "1", "77")


@pytest.fixture
def store(redis_client: redis.Redis) -> Store:
    return Store(redis_client, account_id=1, ttl_s=60)


@pytest.fixture(params=["ours", "langgraph's own"])
def either(request: pytest.FixtureRequest, store: Store) -> BaseStore:
    """What both answer alike."""
    return store if request.param == "ours" else InMemoryStore()


class TestWhatItHolds:
    def test_what_is_put_is_got(self, either: BaseStore) -> None:
        value = {"size": 42, "names": ["Ana", "Łucja 🐱"], "none": None, "nested": {"empty": []}}
        either.put(ANA, "a key: of {any} kind", value)
        item = either.get(ANA, "a key: of {any} kind")
        assert item is not None
        assert (item.namespace, item.key, item.value) == (ANA, "a key: of {any} kind", value)
        assert either.get(ANA, "another") is None
        assert either.get(EVA, "a key: of {any} kind") is None

    def test_put_again_it_is_replaced(self, either: BaseStore) -> None:
        either.put(ANA, "size", {"is": 42})
        first = either.get(ANA, "size")
        either.put(ANA, "size", {"is": 43})
        again = either.get(ANA, "size")
        assert first is not None
        assert again is not None
        assert again.value == {"is": 43}
        assert again.updated_at > first.updated_at
        assert len(either.search(ANA)) == 1

    def test_it_is_known_when_it_was_first_put(self, store: Store) -> None:
        for size in (42, 43):
            store.put(ANA, "size", {"is": size})
        item = store.get(ANA, "size")
        assert item is not None
        assert item.created_at < item.updated_at

    def test_what_is_deleted_is_gone(self, either: BaseStore, redis_client: redis.Redis) -> None:
        either.put(ANA, "size", {"is": 42})
        either.delete(ANA, "size")
        either.delete(ANA, "never there")
        assert either.get(ANA, "size") is None
        assert either.search(ANA) == []
        assert list(redis_client.scan_iter()) == []

    def test_search_by_namespace_and_filter(self, either: BaseStore) -> None:
        either.put((*ANA, "orders"), "1", {"total": 10, "by": {"card": True}})
        either.put((*ANA, "orders", "old"), "2", {"total": 20, "by": {"card": False}})
        either.put(ANA, "size", {"is": 42})
        either.put(EVA, "size", {"is": 36})
        either.put(("contacts", "1", "7/a"), "size", {"is": 1})

        def keys(*args: Any, **how: Any) -> list[str]:
            return sorted(item.key for item in either.search(*args, **how))

        assert keys(ANA) == ["1", "2", "size"]
        assert keys((*ANA, "orders")) == ["1", "2"]
        assert keys(("contacts",)) == ["1", "2", "size", "size", "size"]
        assert keys(()) == keys(("contacts",))
        assert keys(ANA, filter={"total": 20}) == ["2"]
        assert keys((*ANA, "orders"), filter={"total": {"$gte": 10, "$lt": 20}}) == ["1"]
        assert keys(ANA, filter={"by": {"card": False}}) == ["2"]
        assert keys(ANA, filter={"total": {"$ne": 10}, "is": None}) == ["2"]
        assert len(either.search(ANA, limit=2)) == 2
        assert len(either.search(ANA, limit=2, offset=2)) == 1

    def test_what_was_last_put_is_found_first(self, store: Store) -> None:
        for key in ("one", "two", "three", "one"):
            store.put(ANA, key, {})
        assert [item.key for item in store.search(ANA)] == ["one", "three", "two"]

    def test_namespaces_are_listed(self, either: BaseStore) -> None:
        for namespace in ((*ANA, "orders"), ANA, EVA, ("products",)):
            either.put(namespace, "key", {})
        assert either.list_namespaces() == [ANA, (*ANA, "orders"), EVA, ("products",)]
        assert either.list_namespaces(prefix=ANA) == [ANA, (*ANA, "orders")]
        assert either.list_namespaces(prefix=("contacts", "*", "7")) == [ANA, (*ANA, "orders")]
        assert either.list_namespaces(suffix=("*", "orders")) == [(*ANA, "orders")]
        assert either.list_namespaces(max_depth=2) == [("contacts", "1"), ("products",)]
        assert either.list_namespaces(limit=1, offset=1) == [(*ANA, "orders")]

    def test_asynchronously(self, either: BaseStore) -> None:
        async def used() -> Any:
            await either.aput(ANA, "size", {"is": 42})
            await either.aput(ANA, "colour", {"is": "red"})
            await either.adelete(ANA, "colour")
            found = [item.key for item in await either.asearch(ANA)]
            return await either.aget(ANA, "size"), found, await either.alist_namespaces()

        item, found, namespaces = asyncio.run(used())
        assert (item.value, found, namespaces) == ({"is": 42}, ["size"], [ANA])

    def test_in_one_batch(self, either: BaseStore) -> None:
        either.put(ANA, "old", {"is": 1})
        puts = [PutOp(ANA, "new", {"is": 2}), PutOp(ANA, "new", {"is": 3}), PutOp(ANA, "old", None)]
        item, *rest = either.batch([GetOp(ANA, "old"), *puts])
        assert item is not None
        assert rest == [None, None, None]
        assert [(each.key, each.value) for each in either.search(ANA)] == [("new", {"is": 3})]

    def test_what_is_not_there_is_neither_more_nor_less(self, store: Store) -> None:
        store.put(ANA, "size", {"is": 42})
        assert store.search(ANA, filter={"total": {"$gte": 10}}) == []

    def test_a_namespace_that_cannot_be(self, either: BaseStore) -> None:
        for namespace in ((), ("contacts", "1.7"), ("contacts", ""), ("langgraph",)):
            with pytest.raises(InvalidNamespaceError):
                either.put(namespace, "key", {})

    def test_accounts_share_nothing(self, store: Store, redis_client: redis.Redis) -> None:
        other = Store(redis_client, account_id=11, ttl_s=60)
        store.put(("products",), "shoe", {})
        assert other.search(()) == []
        assert other.list_namespaces() == []


class TestWhatItRefuses:
    def test_a_search_by_meaning(self, store: Store) -> None:
        with pytest.raises(NotImplementedError, match="not by meaning"):
            store.search(ANA, query="what does she like?")

    def test_a_time_of_ones_own(self, store: Store) -> None:
        with pytest.raises(NotImplementedError, match="TTL is not supported"):
            store.put(ANA, "size", {}, ttl=5)

    def test_a_value_that_is_no_json_and_then_nothing_is_put(self, store: Store) -> None:
        with pytest.raises(TypeError, match="not JSON serializable"):
            store.batch([PutOp(ANA, "size", {"is": 42}), PutOp(ANA, "bad", {"is": object()})])
        assert store.search(ANA) == []

    def test_a_filter_that_nobody_knows(self, store: Store) -> None:
        store.put(ANA, "size", {"is": 42})
        with pytest.raises(ValueError, match=r"\$like: a filter knows \$eq"):
            store.search(ANA, filter={"is": {"$like": "4%"}})

    def test_what_is_to_be_indexed_is_put_as_it_is(self, either: BaseStore) -> None:
        """As LangGraph has it for stores without an index."""
        either.put(ANA, "size", {"is": "42"}, index=["is"])
        assert either.get(ANA, "size") is not None


class TestHowLong:
    def test_from_when_something_was_last_put(self, store: Store, redis_client: redis.Redis) -> None:
        store.put(ANA, "size", {"is": 42})
        for key in redis_client.scan_iter():
            redis_client.expire(key, 5)
        store.get(ANA, "size")
        assert max(redis_client.ttl(key) for key in redis_client.scan_iter()) <= 5
        store.put(ANA, "colour", {"is": "red"})
        assert min(redis_client.ttl(key) for key in redis_client.scan_iter()) > 50

    def test_what_has_expired_is_not_listed_and_its_name_goes(self, store: Store, redis_client: redis.Redis) -> None:
        store.put(ANA, "size", {})
        redis_client.delete(*redis_client.scan_iter("*:items:*"))
        assert store.list_namespaces() == []
        assert store.search(()) == []
        for number in range(40):  # one of two names is looked at, at each
            store.put(EVA, str(number), {})
        assert redis_client.zrange("contesta:{store}:1:namespaces", 0, -1) == [".".join(EVA)]


def test_redis_away(store: Store) -> None:
    with redis.Redis(port=1) as nowhere:
        away = Store(nowhere, account_id=1, ttl_s=60)
        for ask in (lambda: away.get(ANA, "size"), lambda: away.put(ANA, "size", {}), lambda: away.search(ANA)):
            with pytest.raises(MemoryAway):
                ask()


class TestForgotten:
    def test_one_contact_and_nobody_else(self, store: Store) -> None:
        for namespace in (ANA, (*ANA, "orders"), EVA, ("contacts", "1", "7/a"), ("products",)):
            store.put(namespace, "key", {})
        assert store.forget_contact(7) == 2
        assert store.forget_contact(7) == 0
        assert store.list_namespaces() == [("contacts", "1", "7/a"), EVA, ("products",)]

    def test_a_conversation_whose_contact_is_not_known(self, store: Store, redis_client: redis.Redis) -> None:
        unknown = Conversation(account_id=1, conversation_id=3)
        store.put(unknown.namespace, "size", {"is": 42})
        assert store.forget_contact(3) == 0
        assert store.forget_conversation(3) == 1
        assert list(redis_client.scan_iter()) == []


def test_two_workers_lose_nothing_of_each_other(redis_server: RedisServer, store: Store) -> None:
    """Two conversations of one contact at the same time."""

    def put(worker: int) -> None:
        with redis.Redis.from_url(redis_server.url, decode_responses=True, protocol=2) as client:
            own = Store(client, account_id=1, ttl_s=60)
            for number in range(100):
                own.put(ANA, f"{worker}-{number}", {"is": number})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put, range(4)))
    assert len(store.search(ANA, limit=1000)) == 400


@dataclass
class Whom:
    namespace: tuple[str, ...]


def remembering(node: Callable[..., Any], memory: Memory, store: Store) -> Thinker:
    builder = StateGraph(MessagesState, context_schema=Whom)
    builder.add_node("node", node)
    builder.add_edge(START, "node")
    return Thinker(builder.compile(checkpointer=memory, store=store), 40)


def by_itself(state: MessagesState, runtime: Runtime[Whom]) -> Any:
    assert runtime.store is not None
    runtime.store.put(runtime.context.namespace, "word", {"is": state["messages"][-1].text})
    return {"messages": [AIMessage("noted")]}


def from_a_thread(state: MessagesState, runtime: Runtime[Whom]) -> Any:
    """A thread that has nothing of the turn's context."""
    failed: list[BaseException] = []

    def put() -> None:
        try:
            by_itself(state, runtime)
        except BaseException as error:  # noqa: BLE001 - raised again below
            failed.append(error)

    thread = threading.Thread(target=put)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return {"messages": [AIMessage("noted")]}


async def awaited(state: MessagesState, runtime: Runtime[Whom]) -> Any:
    assert runtime.store is not None
    await runtime.store.aput(runtime.context.namespace, "word", {"is": state["messages"][-1].text})
    return {"messages": [AIMessage("noted")]}


def in_a_subgraph(state: MessagesState, runtime: Runtime[Whom]) -> Any:
    inner = StateGraph(MessagesState, context_schema=Whom)
    inner.add_node("node", by_itself)
    inner.add_edge(START, "node")
    return inner.compile().invoke(state)


@tool
def remember(word: str, runtime: ToolRuntime[Whom]) -> str:
    """Remember a word of the customer's."""
    assert runtime.store is not None
    runtime.store.put(runtime.context.namespace, "word", {"is": word})
    return "noted"


@tool
def remember_too(word: str, store: Annotated[BaseStore, InjectedStore()], runtime: ToolRuntime[Whom]) -> str:
    """Remember a word of the customer's."""
    store.put(runtime.context.namespace, "word", {"is": word})
    return "noted"


class TestInATurn:
    @pytest.fixture
    def memory(self, redis_server: RedisServer, redis_client: redis.Redis) -> Iterator[Memory]:
        with redis.Redis.from_url(redis_server.url, protocol=2) as client:
            yield Memory(client, ttl_s=60)

    @pytest.fixture
    def fence(self, redis_client: redis.Redis) -> Fence:
        redis_client.hset("turn", "token", "mine")
        redis_client.expire("turn", 60)
        return Fence("turn", "token", "mine")

    def think(self, thinker: Thinker, fence: Fence | None = None, number: int = 1, **about: Any) -> None:
        said = Said(f"chatwoot:{number}", "42", place=number)
        context = Conversation(account_id=1, conversation_id=3, **{"contact_id": 7, **about})
        thinker.think("t", f"m{number}", [said], context=context, fence=fence)

    @pytest.mark.parametrize("node", [by_itself, from_a_thread, awaited, in_a_subgraph])
    def test_only_its_holder_puts(
        self, node: Any, memory: Memory, store: Store, fence: Fence, redis_client: redis.Redis
    ) -> None:
        thinker = remembering(node, memory, store)
        self.think(thinker, fence)
        [item] = store.search(ANA)
        assert item.value == {"is": "42"}
        store.forget_contact(7)
        redis_client.hset("turn", "token", "another's")
        with pytest.raises(FencedOff):
            self.think(thinker, fence, number=2)
        assert store.search(()) == []

    @pytest.mark.parametrize("one", [remember, remember_too])
    def test_only_its_holder_puts_by_a_tool(
        self, one: Any, memory: Memory, store: Store, fence: Fence, redis_client: redis.Redis
    ) -> None:
        model = ScriptedModel(script=[calling(one.name, "a", word="red"), "Noted.", calling(one.name, "b", word="no")])
        agent = create_agent(model, [one], context_schema=Whom, checkpointer=memory, store=store)
        self.think(Thinker(agent, 40), fence)
        [item] = store.search(ANA)
        assert item.value == {"is": "red"}
        redis_client.hset("turn", "token", "another's")
        with pytest.raises(FencedOff):
            self.think(Thinker(agent, 40), fence, number=2)
        [item] = store.search(ANA)
        assert item.value == {"is": "red"}

    def test_a_turn_that_goes_on_knows_whose_it_is(self, memory: Memory, store: Store) -> None:
        """People gave it back without a word: nothing tells of the contact, but for the turn before."""
        thinker = remembering(by_itself, memory, store)
        self.think(thinker)
        self.think(thinker, number=2, contact_id=None)
        assert store.list_namespaces() == [ANA]

    def test_a_turn_that_is_given_up_has_put_what_it_put(self, memory: Memory, store: Store) -> None:
        thinker = remembering(by_itself, memory, store)
        self.think(thinker)
        memory.restore("t", "m1")
        assert len(store.search(ANA)) == 1

    def test_a_graph_that_uses_none_costs_nothing_more(
        self, memory: Memory, store: Store, fence: Fence, redis_client: redis.Redis
    ) -> None:
        def silent(state: MessagesState) -> Any:
            return {"messages": [AIMessage("noted")]}

        def calls(thinker: Thinker, number: int) -> dict[str, int]:
            before = redis_client.info("commandstats")
            self.think(thinker, fence, number)
            after = redis_client.info("commandstats")
            counts = {name: each["calls"] - before.get(name, {"calls": 0})["calls"] for name, each in after.items()}
            return {name: count for name, count in counts.items() if count and name != "cmdstat_info"}

        with_one, without = remembering(silent, memory, store), remembering(silent, memory, None)  # type: ignore[arg-type]
        for number in (1, 2):
            self.think(without, fence, number)
        assert calls(with_one, 3) == calls(without, 4)
