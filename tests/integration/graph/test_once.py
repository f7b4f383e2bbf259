"""Acts on the real memory and mailbox: a worker is cut off at any point, and what its tools did is done once.

Cut off means that nothing of it reaches Redis any more, as nothing does of a process that is killed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import pytest
import redis
from langchain.agents import create_agent
from langchain.agents.middleware import ToolRetryMiddleware
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.tools import InjectedToolCallId, tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.runtime import get_runtime
from langgraph.types import Command, RetryPolicy, Send, interrupt

from graph.acts import InDoubt, OutsideOfTurn
from graph.acts import told as sentences
from graph.checkpoint import FencedOff, Memory
from graph.once import NotDone, act_key, once
from graph.outcome import HandOver, Outcome, Reply
from graph.said import Said
from graph.thinking import Thinker
from sandbox.machine.redis import RedisServer
from tasks.mailbox import Mailbox, Turn
from tasks.thinking.acts import ActsInMailbox
from tests.models import DecidingModel, ScriptedModel, calling
from tests.stack import wait_until

THREAD, CONVERSATION = "{00}:1:3", 3


class CutOff(BaseException):
    """The worker is dead from here on."""


class Service:
    """Books whatever it is asked to, and counts."""

    def __init__(self) -> None:
        self.booked: list[str] = []
        self.keys: list[str] = []
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None

    def book(self, day: str) -> str:
        """Book a day."""
        self.before()
        self.booked.append(day)
        self.keys.append(act_key())
        self.after()
        return f"{day} is booked as number {len(self.booked)}"

    def find(self, day: str) -> Any:
        return f"{day} was booked" if act_key() in self.keys else NotDone


class DyingMemory(Memory):
    is_dead = False
    has_saved_an_answer = False
    """That of a task, before its step has ended."""

    def put(self, *args: Any, **kwargs: Any) -> Any:
        if self.is_dead:
            raise CutOff
        return super().put(*args, **kwargs)

    def put_writes(self, *args: Any, **kwargs: Any) -> None:
        if self.is_dead:
            raise CutOff
        super().put_writes(*args, **kwargs)
        _, writes, *_ = args
        self.has_saved_an_answer |= any("AIMessage" in repr(value) for _, value in writes)


class World:
    """A conversation, a service, and one worker after the other."""

    def __init__(self, memory: DyingMemory, mailbox: Mailbox, durability: Any) -> None:
        self.memory, self.mailbox, self.durability = memory, mailbox, durability
        self.service = Service()
        self.cut_at, self.passes = "", Counter[str]()
        mailbox_did, mailbox_intend = mailbox.did, mailbox.intend

        def did(*args: Any) -> None:
            self.at("did.before")
            mailbox_did(*args)
            self.at("did.after")

        def intend(*args: Any) -> str:
            self.at("intend.before")
            act = mailbox_intend(*args)
            self.at("intend.after")
            return act

        mailbox.did, mailbox.intend = did, intend  # type: ignore[method-assign]
        self.service.before = lambda: self.at("act.before")
        self.service.after = lambda: self.at("act.after")

    def at(self, place: str) -> None:
        if self.memory.is_dead:
            raise CutOff
        self.passes[place] += 1
        where, _, count = self.cut_at.partition(":")
        if where == place and self.passes[place] >= int(count or 1):
            self.memory.is_dead = True
            raise CutOff

    def thinker(self, graph: Any) -> Thinker:
        return Thinker(graph.copy(update={"checkpointer": self.memory}), history_limit=40, durability=self.durability)

    def claim(self) -> Turn:
        """As after a release, or after a worker's death was noticed."""
        self.memory.is_dead = False
        redis_client = self.mailbox._redis
        state = self.mailbox.state_key(CONVERSATION)
        redis_client.hset(state, mapping={"stage": "thinking", "token": f"w/{act_key()}"})
        redis_client.expire(state, 60)
        return Turn(CONVERSATION, 1, 1, str(redis_client.hget(state, "token")), ())

    def think(self, graph: Any, name: str, *said: Said, cut_at: str = "", **more: Any) -> Outcome:
        """One attempt at a turn."""
        self.cut_at, self.passes = cut_at, Counter()
        book = ActsInMailbox(self.mailbox, self.claim())
        return self.thinker(graph).think(THREAD, name, said, book=book, **more)

    def cut_off(self, graph: Any, name: str, *said: Said, at: str, **more: Any) -> None:
        with pytest.raises(CutOff):
            self.think(graph, name, *said, cut_at=at, **more)


def customer(number: int, text: str = "Book Tuesday", by: Any = "customer") -> Said:
    return Said(f"chatwoot:{number}", text, by, place=number)


def texts(outcome: Outcome) -> list[str]:
    return [want.text for want in outcome if isinstance(want, Reply)]


def told(outcome: Outcome) -> list[str]:
    return [want.reason for want in outcome if isinstance(want, HandOver)]


@pytest.fixture(params=["exit", "sync"])
def world(request: pytest.FixtureRequest, redis_server: RedisServer, redis_client: redis.Redis) -> Iterator[World]:
    with redis.Redis.from_url(redis_server.url, protocol=2) as client:
        mailbox = Mailbox(redis_client, account_id=1, shards=1, owner="w")
        yield World(DyingMemory(client, ttl_s=60), mailbox, request.param)


def booking(*days: str) -> Callable[[list[BaseMessage]], Any]:
    """Books these days one after the other, and says what it was told last."""

    def decide(messages: list[BaseMessage]) -> Any:
        done = [each for each in messages if isinstance(each, ToolMessage)]
        return calling("book", f"call-{act_key()}", day=days[len(done)]) if len(done) < len(days) else done[-1].text

    return decide


def at_once(*days: str) -> Callable[[list[BaseMessage]], Any]:
    """Books all of them with one message."""

    def decide(messages: list[BaseMessage]) -> Any:
        if isinstance(messages[-1], ToolMessage):
            return " and ".join(sorted(each.text for each in messages if isinstance(each, ToolMessage)))
        calls = [calling("book", f"call-{act_key()}", day=day).tool_calls[0] for day in days]
        return AIMessage("", tool_calls=calls)

    return decide


def one(node: Any, **how: Any) -> Any:
    builder = StateGraph(MessagesState)
    builder.add_node("node", node, **how)
    builder.add_edge(START, "node")
    return builder.compile()


# -- the same act in graphs of all kinds


def stock_agent(book: Any) -> Any:
    return create_agent(DecidingModel(decide=booking("Tuesday")), [tool(book)])


def stock_agent_that_is_given_a_tool(book: Any) -> Any:
    return create_agent(DecidingModel(decide=booking("Tuesday")), [once(tool(book.__wrapped__))])


def async_agent(book: Any) -> Any:
    async def wait(day: str) -> str:
        """Book a day."""
        return await asyncio.to_thread(book.__wrapped__, day)

    wait.__name__ = "book"
    return create_agent(DecidingModel(decide=booking("Tuesday")), [tool(once(wait))])


def agent_with_middleware(book: Any) -> Any:
    retry = ToolRetryMiddleware(max_retries=2, initial_delay=0.01, jitter=False)
    return create_agent(DecidingModel(decide=booking("Tuesday")), [tool(book)], middleware=[retry])


def tool_node(book: Any) -> Any:
    """With a tool node that takes every error for an answer."""
    model = DecidingModel(decide=booking("Tuesday"))
    builder = StateGraph(MessagesState)
    builder.add_node("think", lambda state: {"messages": [model.invoke(state["messages"])]})
    builder.add_node("tools", ToolNode([tool(book)], handle_tool_errors=True))
    builder.add_edge(START, "think")
    builder.add_conditional_edges("think", tools_condition)
    builder.add_edge("tools", "think")
    return builder.compile()


def hand_written_node(book: Any) -> Any:
    """Calls the tool itself, and takes every error for an answer."""
    model, it = DecidingModel(decide=booking("Tuesday")), tool(book)

    def act(state: MessagesState) -> Any:
        (call,) = state["messages"][-1].tool_calls
        try:
            return {"messages": [it.invoke(call)]}
        except Exception as error:  # noqa: BLE001 - as people write it
            return {"messages": [ToolMessage(f"failed: {error}", tool_call_id=call["id"])]}

    builder = StateGraph(MessagesState)
    builder.add_node("think", lambda state: {"messages": [model.invoke(state["messages"])]})
    builder.add_node("act", act)
    builder.add_edge(START, "think")
    builder.add_conditional_edges("think", tools_condition, {"tools": "act", "__end__": "__end__"})
    builder.add_edge("act", "think")
    return builder.compile()


def plain_function(book: Any) -> Any:
    return one(lambda state: {"messages": [AIMessage(book(day="Tuesday"))]})


def async_node(book: Any) -> Any:
    async def node(state: MessagesState) -> Any:
        return {"messages": [AIMessage(await asyncio.to_thread(book, "Tuesday"))]}

    return one(node)


def subgraph(book: Any) -> Any:
    return one(stock_agent(book))


def subgraph_in_a_node(book: Any) -> Any:
    agent = stock_agent(book)
    return one(lambda state: {"messages": [agent.invoke(state)["messages"][-1]]})


def node_that_is_retried(book: Any) -> Any:
    def node(state: MessagesState) -> Any:
        answer = book("Tuesday")
        if get_runtime().execution_info.node_attempt == 1:
            raise ConnectionError("after the act")
        return {"messages": [AIMessage(answer)]}

    return one(node, retry_policy=RetryPolicy(initial_interval=0.01, jitter=False))


def subgraph_in_a_node_that_is_retried(book: Any) -> Any:
    agent = stock_agent(book)

    def node(state: MessagesState) -> Any:
        answer = agent.invoke(state)["messages"][-1]
        if get_runtime().execution_info.node_attempt == 1:
            raise ConnectionError("after the act")
        return {"messages": [answer]}

    return one(node, retry_policy=RetryPolicy(initial_interval=0.01, jitter=False))


KINDS = [
    stock_agent,
    stock_agent_that_is_given_a_tool,
    async_agent,
    agent_with_middleware,
    tool_node,
    hand_written_node,
    plain_function,
    async_node,
    subgraph,
    subgraph_in_a_node,
    node_that_is_retried,
    subgraph_in_a_node_that_is_retried,
]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
BOOKED = ["Tuesday is booked as number 1"]


class TestOfEachKind:
    @each_kind
    def test_a_turn_that_is_not_cut_off(self, kind: Any, world: World) -> None:
        assert texts(world.think(kind(once(world.service.book)), "m1", customer(1))) == BOOKED
        assert world.service.booked == ["Tuesday"]

    @each_kind
    @pytest.mark.parametrize("place", ["intend.before", "did.after"])
    def test_cut_off_where_it_can_be_told(self, place: str, kind: Any, world: World) -> None:
        """Nothing was intended, or it is known to be done."""
        graph = kind(once(world.service.book))
        world.cut_off(graph, "m1", customer(1), at=place)
        outcome = world.think(graph, "m1", customer(1))
        assert (texts(outcome), told(outcome), world.service.booked) == (BOOKED, [], ["Tuesday"])

    @each_kind
    @pytest.mark.parametrize("place", ["act.before", "act.after"])
    def test_cut_off_where_only_people_can_tell(self, place: str, kind: Any, world: World) -> None:
        graph = kind(once(world.service.book))
        world.cut_off(graph, "m1", customer(1), at=place)
        before = list(world.service.booked)
        with pytest.raises(InDoubt, match="book"):
            world.think(graph, "m1", customer(1))
        assert world.service.booked == before
        words = told_when_given_up(world, graph, "m1", customer(1))
        assert words == ['The bot may or may not have done book(day="Tuesday"): please check.']

    @pytest.mark.parametrize(
        "kind", [stock_agent, tool_node, plain_function, async_node], ids=lambda kind: kind.__name__
    )
    @pytest.mark.parametrize("place", ["act.before", "act.after"])
    def test_cut_off_where_the_service_can_tell(self, place: str, kind: Any, world: World) -> None:
        graph = kind(once(verify=world.service.find)(world.service.book))
        world.cut_off(graph, "m1", customer(1), at=place)
        outcome = world.think(graph, "m1", customer(1))
        assert world.service.booked == ["Tuesday"]
        assert texts(outcome) in (BOOKED, ["Tuesday was booked"])


def told_when_given_up(world: World, graph: Any, name: str, *said: Said) -> list[str]:
    book = ActsInMailbox(world.mailbox, world.claim())
    return sentences(world.thinker(graph).acted(THREAD, name, said, book))


def by_key(world: World) -> Any:
    return once(verify=world.service.find)(world.service.book)


class TestWhichActItIs:
    """Equal calls of one turn are acts of their own, and none is done again."""

    @pytest.mark.parametrize("place", ["intend.before", "did.after"])
    @pytest.mark.parametrize("passing", [1, 2, 3])
    @pytest.mark.parametrize("decide", [booking, at_once])
    def test_three_that_are_equal(self, decide: Any, passing: int, place: str, world: World) -> None:
        graph = create_agent(DecidingModel(decide=decide("Tuesday", "Tuesday", "Tuesday")), [tool(by_key(world))])
        world.cut_off(graph, "m1", customer(1), at=f"{place}:{passing}")
        world.think(graph, "m1", customer(1))
        assert world.service.booked == ["Tuesday"] * 3

    def test_each_attempt_is_cut_off_after_one_more(self, world: World) -> None:
        graph = create_agent(
            DecidingModel(decide=booking("Tuesday", "Tuesday", "Tuesday")), [tool(once(world.service.book))]
        )
        for _ in range(3):
            world.cut_off(graph, "m1", customer(1), at="did.after")
        world.think(graph, "m1", customer(1))
        assert world.service.booked == ["Tuesday"] * 3

    def test_the_model_fails_in_between(self, world: World) -> None:
        """What was saved when it failed is not run again, and what comes next is another act."""
        model = DecidingModel(decide=booking("Tuesday", "Tuesday"))
        graph = create_agent(model, [tool(once(world.service.book))])
        decide = model.decide
        model.decide = lambda messages: (
            RuntimeError("500") if isinstance(messages[-1], ToolMessage) else decide(messages)
        )
        with pytest.raises(RuntimeError):
            world.think(graph, "m1", customer(1))
        assert world.service.booked == ["Tuesday"]
        model.decide = decide
        world.think(graph, "m1", customer(1))
        assert world.service.booked == ["Tuesday", "Tuesday"]

    def test_one_of_two_side_by_side_is_cut_off(self, world: World) -> None:
        """The other's answer is saved where each step is; so it is not asked for again."""

        def spread(state: MessagesState) -> Any:
            return [Send("act", {"number": number}) for number in (1, 2)]

        book = once(world.service.book)

        def act(state: dict[str, Any]) -> Any:
            if state["number"] == 2:
                wait_until(lambda: world.service.booked, what="the first to be booked")
                if world.durability == "sync":
                    wait_until(lambda: world.memory.has_saved_an_answer, what="it to be saved")
            return {"messages": [AIMessage(book("Tuesday"))]}

        builder = StateGraph(MessagesState)
        builder.add_node("act", act)
        builder.add_conditional_edges(START, spread, ["act"])
        graph = builder.compile()
        world.cut_off(graph, "m1", customer(1), at="intend.before:2")
        world.think(graph, "m1", customer(1))
        assert world.service.booked == ["Tuesday"] * 2

    def test_one_of_two_side_by_side_fails_after_the_other_was_done_again(self, world: World) -> None:
        """The record is the last one's whose call it was: of a task that has finished by now."""
        world.durability = "exit"
        book, fails = once(world.service.book), [True]

        def act(state: dict[str, Any]) -> Any:
            if state["number"] == 2 and fails:
                raise ValueError("the second fails")
            return {"messages": [AIMessage(book("Tuesday"))]}

        builder = StateGraph(MessagesState)
        builder.add_node("act", act)
        builder.add_conditional_edges(START, lambda _: [Send("act", {"number": 1})], ["act"])
        world.cut_off(builder.compile(), "m1", customer(1), at="did.after")
        builder = StateGraph(MessagesState)
        builder.add_node("act", act)
        builder.add_conditional_edges(START, lambda _: [Send("act", {"number": each}) for each in (1, 2)], ["act"])
        with pytest.raises(ValueError, match="the second fails"):
            world.think(builder.compile(), "m1", customer(1))
        fails.clear()
        world.think(builder.compile(), "m1", customer(1))
        assert world.service.booked == ["Tuesday"] * 2

    def test_in_a_subgraph_that_goes_on_where_it_was(self, world: World) -> None:
        graph = one(create_agent(DecidingModel(decide=booking(*["Tuesday"] * 3)), [tool(once(world.service.book))]))
        for _ in range(3):
            world.cut_off(graph, "m1", customer(1), at="did.after")
        world.think(graph, "m1", customer(1))
        assert world.service.booked == ["Tuesday"] * 3

    def test_the_next_turn_means_another(self, world: World) -> None:
        graph = plain_function(once(world.service.book))
        world.think(graph, "m1", customer(1))
        world.think(graph, "m2", customer(2))
        assert world.service.booked == ["Tuesday"] * 2

    def test_arguments_are_what_is_given_not_how(self, world: World) -> None:
        calls: list[Any] = []

        @once
        def pay(amount: int, to: str = "us") -> None:
            calls.append(amount)

        first, second = [
            one(lambda state, how=how: [how(), {"messages": [AIMessage("ok")]}][1])
            for how in (lambda: pay(1), lambda: pay(to="us", amount=1))
        ]
        with pytest.raises(CutOff):
            world.think(first, "m1", customer(1), cut_at="did.after")
        world.think(second, "m1", customer(1))
        assert calls == [1]


class TestWhichTurnItIs:
    """A turn is known by what it answers, however it is called."""

    def test_the_customer_has_written_again(self, world: World) -> None:
        graph = stock_agent(once(world.service.book))
        world.cut_off(graph, "m1", customer(1), at="did.after")
        assert texts(world.think(graph, "m2", customer(1), customer(2, "Please"))) == BOOKED
        assert world.service.booked == ["Tuesday"]

    def test_and_the_first_message_was_deleted_then(self, world: World) -> None:
        graph = stock_agent(once(world.service.book))
        world.cut_off(graph, "m1", customer(1), at="did.after")
        world.cut_off(graph, "m2", customer(1), customer(2, "Please"), at="intend.after")
        assert texts(world.think(graph, "m2", customer(2, "Please"))) == BOOKED
        assert world.service.booked == ["Tuesday"]

    def test_its_answer_was_withheld_and_it_is_asked_again(self, world: World) -> None:
        graph = stock_agent(once(world.service.book))
        world.think(graph, "m1", customer(1))
        assert texts(world.think(graph, "m2", customer(1), customer(2, "Please"))) == BOOKED
        assert world.service.booked == ["Tuesday"]

    def test_it_was_given_up_and_is_known_to_the_next_one(self, world: World) -> None:
        graph = stock_agent(once(world.service.book))
        world.cut_off(graph, "m1", customer(1), at="did.after")
        world.memory.is_dead = False
        world.memory.restore(THREAD, "m1")
        outcome = world.think(graph, "m2", customer(2, "Well?"), earlier=[customer(1, by="unanswered")])
        assert (texts(outcome), told(outcome)) == (BOOKED, [])
        assert world.service.booked == ["Tuesday"]

    @pytest.mark.parametrize("people", ["decide", "decide, and the customer has written"])
    def test_people_decide_in_the_node_that_has_acted(self, people: str, world: World) -> None:
        book = once(world.service.book)

        def node(state: MessagesState) -> Any:
            answer = book("Tuesday")
            decision = interrupt("And Wednesday?")
            return {"messages": [AIMessage(f"{answer}; {book('Tuesday')}; {decision}")]}

        graph = one(node)
        outcome = world.think(graph, "m1", customer(1))
        assert [want.waits for want in outcome if isinstance(want, HandOver)] == [True]
        said = [customer(3, "Hurry")] if "written" in people else []
        given_back: dict[str, Any] = {"earlier": [customer(2, "yes", "note")], "resumes": not said}
        world.cut_off(graph, "m1.on", *said, at="did.after", **given_back)
        outcome = world.think(graph, "m1.on", *said, **given_back)
        assert texts(outcome) == ["Tuesday is booked as number 1; Tuesday is booked as number 2; True"]
        assert world.service.booked == ["Tuesday"] * 2


class TestWhatPeopleAreTold:
    @pytest.mark.parametrize(
        ("place", "words"),
        [
            ("did.after", 'The bot has done book(day="Tuesday"), and may not have told the customer so.'),
            ("act.before", 'The bot may or may not have done book(day="Tuesday"): please check.'),
        ],
        ids=["done", "in-doubt"],
    )
    def test_the_next_attempt_does_something_else(self, place: str, words: str, world: World) -> None:
        """As a model may that is asked again. Where each step is saved, it is not asked again."""
        world.durability = "exit"
        book = tool(once(world.service.book))
        world.cut_off(create_agent(DecidingModel(decide=booking("Tuesday")), [book]), "m1", customer(1), at=place)
        outcome = world.think(create_agent(ScriptedModel(script=["Which day?"]), [book]), "m1", customer(1))
        assert (texts(outcome), told(outcome)) == (["Which day?"], [words])
        assert told(world.think(create_agent(ScriptedModel(script=["Hi"]), [book]), "m2", customer(2))) == []

    def test_a_tool_raised_and_its_graph_took_that_for_an_answer(self, world: World) -> None:
        def fail() -> None:
            raise TimeoutError("no answer")

        world.service.after = fail
        outcome = world.think(tool_node(once(world.service.book)), "m1", customer(1))
        assert told(outcome) == ['The bot may or may not have done book(day="Tuesday"): please check.']
        assert "Error: TimeoutError" in texts(outcome)[0]

    def test_and_called_it_again(self, world: World) -> None:
        def fail() -> None:
            raise TimeoutError("no answer")

        def insist(messages: list[BaseMessage]) -> Any:
            return calling("book", f"call-{len(messages)}", day="Tuesday")

        world.service.after = fail
        book = tool(once(world.service.book))
        builder = StateGraph(MessagesState)
        model = DecidingModel(decide=insist)
        builder.add_node("think", lambda state: {"messages": [model.invoke(state["messages"])]})
        builder.add_node("tools", ToolNode([book], handle_tool_errors=True))
        builder.add_edge(START, "think")
        builder.add_conditional_edges("think", tools_condition)
        builder.add_edge("tools", "think")
        with pytest.raises(InDoubt):
            world.think(builder.compile(), "m1", customer(1))
        assert world.service.booked == ["Tuesday"]

    def test_the_service_cannot_tell_either(self, world: World) -> None:
        graph = plain_function(once(verify=lambda day: None)(world.service.book))
        world.cut_off(graph, "m1", customer(1), at="act.after")
        with pytest.raises(InDoubt):
            world.think(graph, "m1", customer(1))

    def test_a_node_makes_another_error_of_it(self, world: World) -> None:
        book = once(world.service.book)

        def node(state: MessagesState) -> Any:
            try:
                return {"messages": [AIMessage(book("Tuesday"))]}
            except Exception as error:
                raise ValueError("it did not work") from error

        world.cut_off(one(node), "m1", customer(1), at="act.after")
        with pytest.raises(InDoubt):
            world.think(one(node), "m1", customer(1))


class TestWhatIsCertain:
    @pytest.mark.parametrize("how", ["says so", "is said to"])
    def test_an_error_says_that_nothing_was_done(self, how: str, world: World) -> None:
        error: Exception = NotDone("fully booked") if how == "says so" else ValueError("no such day")

        def fail() -> None:
            world.service.before = lambda: None
            raise error

        world.service.before = fail
        graph = plain_function(once(not_done=(ValueError,))(world.service.book))
        with pytest.raises(type(error)):
            world.think(graph, "m1", customer(1))
        assert told_when_given_up(world, graph, "m1", customer(1)) == []
        assert texts(world.think(graph, "m1", customer(1))) == BOOKED

    def test_a_tool_asks_people_before_it_acts(self, world: World) -> None:
        def book(day: str) -> str:
            """Book a day."""
            return world.service.book(day) if interrupt(f"Book {day}?") else "They said no."

        graph = create_agent(DecidingModel(decide=booking("Tuesday")), [tool(once(book))])
        world.think(graph, "m1", customer(1))
        given_back: dict[str, Any] = {"earlier": [customer(2, "yes", "note")], "resumes": True}
        world.cut_off(graph, "m1.on", at="did.after", **given_back)
        assert texts(world.think(graph, "m1.on", **given_back)) == BOOKED
        assert world.service.booked == ["Tuesday"]

    def test_who_has_lost_the_turn_does_not_act(self, world: World) -> None:
        graph = plain_function(once(world.service.book))
        book = ActsInMailbox(world.mailbox, world.claim())
        world.claim()
        with pytest.raises(FencedOff):
            world.thinker(graph).think(THREAD, "m1", [customer(1)], book=book)
        assert world.service.booked == []

    def test_who_loses_it_while_it_acts_says_that_it_was_done(self, world: World) -> None:
        graph = plain_function(once(world.service.book))
        world.service.after = lambda: [world.claim(), None][1]  # type: ignore[func-returns-value]
        world.think(graph, "m1", customer(1))
        world.service.after = lambda: None
        assert texts(world.think(graph, "m1", customer(1))) == BOOKED
        assert world.service.booked == ["Tuesday"]

    def test_a_turn_that_is_undone_and_thought_anew(self, world: World) -> None:
        graph = plain_function(once(world.service.book))
        world.think(graph, "m1", customer(1))
        world.memory.restore(THREAD, "m1")
        assert texts(world.think(graph, "m1", customer(1))) == BOOKED
        assert world.service.booked == ["Tuesday"]

    def test_a_thread_that_does_not_know_of_its_turn(self, world: World) -> None:
        book = once(world.service.book)

        def node(state: MessagesState) -> Any:
            with ThreadPoolExecutor(1) as pool:
                return {"messages": [AIMessage(pool.submit(book, "Tuesday").result())]}

        with pytest.raises(OutsideOfTurn):
            world.think(one(node), "m1", customer(1))
        assert world.service.booked == []


class TestItsResult:
    """It is given again as the answer to the call that is made now."""

    def answer(self, world: World, make: Callable[[str, str], Any]) -> Outcome:
        def book(day: str, tool_call_id: Annotated[str, InjectedToolCallId]) -> Any:
            """Book a day."""
            return make(world.service.book(day), tool_call_id)

        world.durability = "exit"  # so that the model is asked again, and calls by another id
        graph = create_agent(DecidingModel(decide=booking("Tuesday")), [tool(once(book))])
        world.cut_off(graph, "m1", customer(1), at="did.after")
        outcome = world.think(graph, "m1", customer(1))
        assert world.service.booked == ["Tuesday"]
        return outcome

    def test_a_message(self, world: World) -> None:
        assert texts(self.answer(world, lambda text, id: ToolMessage(text, tool_call_id=id))) == BOOKED

    def test_a_command(self, world: World) -> None:
        def make(text: str, id: str) -> Any:
            return Command(update={"messages": [ToolMessage(text, tool_call_id=id)]})

        assert texts(self.answer(world, make)) == BOOKED

    def test_what_cannot_be_kept(self, world: World) -> None:
        graph = plain_function(once(lambda day: object()))
        with pytest.raises(TypeError, match="what can be kept"):
            world.think(graph, "m1", customer(1))
