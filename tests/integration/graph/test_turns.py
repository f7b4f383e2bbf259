"""Turns of stock agents on the real memory: nothing is said twice, and models accept the memory after each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage, BaseMessage, SystemMessage
from langchain_core.tools import StructuredTool, tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt

from graph.checkpoint import Memory
from graph.history import problems
from graph.loader import is_async
from graph.outcome import HandOver, Outcome, Reply
from graph.said import Said
from graph.thinking import Thinker
from tests.models import ScriptedModel, calling

THREAD = "cw:1:3"


@tool
def refund(order: str) -> str:
    """Refund an order, if the team agrees."""
    decision = interrupt(f"Refund {order}?")
    return f"the team said: {decision}"


@tool
def look_up(order: str) -> str:
    """Look an order up."""
    return f"{order} was sent on Monday"


@tool
def broken(order: str) -> str:
    """Always fails."""
    raise RuntimeError("no such order")


def customer(number: int, text: str) -> Said:
    return Said(f"chatwoot:{number}", text, place=number)


def noted(number: int, text: str) -> Said:
    return Said(f"chatwoot:{number}", text, "note", place=number)


def texts(outcome: Outcome) -> list[str]:
    return [want.text for want in outcome if isinstance(want, Reply)]


class Talk:
    """A conversation with an agent around a scripted model."""

    def __init__(self, memory: Memory, durability: Any, tools: Sequence[Any], *script: Any, **more: Any) -> None:
        self.memory = memory
        self.model = ScriptedModel(script=list(script))
        agent = create_agent(self.model, list(tools), checkpointer=memory, **more)
        self.thinker = Thinker(agent, history_limit=40, durability=durability)

    def turn(self, name: str, *said: Said, earlier: Sequence[Said] = (), resumes: bool = False) -> Outcome:
        return self.thinker.think(THREAD, name, said, earlier=earlier, resumes=resumes)

    @property
    def messages(self) -> list[BaseMessage]:
        state = self.thinker.graph.get_state({"configurable": {"thread_id": THREAD}})
        return list(state.values.get("messages", []))


@pytest.fixture(params=["exit", "sync"])
def durability(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class TestSaidOnce:
    def test_a_resumed_turn_that_is_tried_again(self, memory: Memory, durability: str) -> None:
        script = ["Hello!", calling("refund", "a", order="A1"), RuntimeError("500"), "Refunded."]
        talk = Talk(memory, durability, [refund], *script)
        assert texts(talk.turn("m1", customer(1, "Hi"))) == ["Hello!"]
        talk.turn("m2", customer(2, "Refund A1"))
        given_back = {"earlier": [noted(3, "yes")], "resumes": True}
        with pytest.raises(RuntimeError):
            talk.turn("m2.on", **given_back)
        assert texts(talk.turn("m2.on", **given_back)) == ["Refunded."]
        assert texts(talk.turn("m2.on", **given_back)) == ["Refunded."]
        assert problems(talk.messages) == []

    def test_what_we_wrote_first(self, memory: Memory, durability: str) -> None:
        talk = Talk(memory, durability, [look_up], "Good.", "And good.")
        first = [Said("chatwoot:1", "Shall we?", "bot", place=1), Said("chatwoot:2", "Hello?", "person", place=2)]
        assert texts(talk.turn("m3", customer(3, "Yes please"), earlier=first)) == ["Good."]
        assert texts(talk.turn("m4", customer(4, "At ten"))) == ["And good."]
        assert [each.text for each in talk.messages][1:3] == ["Shall we?", "Hello?"]
        assert problems(talk.messages) == []

    def test_a_turn_whose_customers_words_are_summed_up(self, memory: Memory, durability: str) -> None:
        """Its own words are not in the memory any more when it is tried again."""
        talk = Talk(memory, durability, [look_up], "One", "Two")
        talk.turn("m1", customer(1, "Hi"))
        assert texts(talk.turn("m2", customer(2, "And?"))) == ["Two"]
        assert texts(talk.turn("m2")) == ["Two"]


class TestBetweenACallAndItsAnswer:
    def asked(self, memory: Memory, durability: str, *script: Any) -> Talk:
        talk = Talk(memory, durability, [refund, look_up], calling("refund", "a", order="A1"), *script)
        outcome = talk.turn("m1", customer(1, "Refund A1"))
        assert any(isinstance(want, HandOver) and want.waits for want in outcome)
        return talk

    def test_what_was_said_meanwhile_comes_after_it(self, memory: Memory, durability: str) -> None:
        talk = self.asked(memory, durability, "Done, and it takes two days.")
        outcome = talk.turn("m3", customer(3, "How long?"), earlier=[noted(2, "yes")])
        assert texts(outcome) == ["Done, and it takes two days."]
        assert [each.text for each in talk.messages] == [
            "Refund A1",
            "",
            "the team said: True",
            "How long?",
            "Done, and it takes two days.",
        ]
        assert problems(talk.messages) == []

    def test_and_when_the_worker_died_in_between(self, memory: Memory, durability: str) -> None:
        talk = self.asked(memory, durability, RuntimeError("500"), "Done, and it takes two days.")
        with pytest.raises(RuntimeError):
            talk.turn("m3", customer(3, "How long?"), earlier=[noted(2, "yes")])
        again = talk.turn("m3", customer(3, "How long?"), earlier=[noted(2, "yes")])
        assert texts(again) == ["Done, and it takes two days."]
        assert [each.text for each in talk.messages].count("How long?") == 1
        assert problems(talk.messages) == []

    def test_and_when_a_second_call_is_to_be_approved(self, memory: Memory, durability: str) -> None:
        both = AIMessage("", tool_calls=[*calling("refund", "a").tool_calls, *calling("refund", "b").tool_calls])
        for call in both.tool_calls:
            call["args"] = {"order": call["id"]}
        talk = Talk(memory, durability, [refund], both, "Both done.")
        talk.turn("m1", customer(1, "Refund both"))
        outcome = talk.turn("m3", customer(3, "Well?"), earlier=[noted(2, "yes")])
        assert texts(outcome) == ["Both done."]
        assert problems(talk.messages) == []

    def test_and_when_the_next_step_asks_people_again(self, memory: Memory, durability: str) -> None:
        """What the customer said meanwhile is not lost."""
        talk = self.asked(memory, durability, calling("refund", "b", order="B2"), "Both done.")
        talk.turn("m3", customer(3, "And B2"), earlier=[noted(2, "yes")])
        assert texts(talk.turn("m3.on", earlier=[noted(4, "yes")], resumes=True)) == ["Both done."]
        assert "And B2" in [each.text for each in talk.messages]
        assert problems(talk.messages) == []

    def test_and_one_decision_is_not_taken_for_the_next(self, memory: Memory, durability: str) -> None:
        talk = self.asked(memory, durability, calling("refund", "b", order="B2"), "Only one.")
        talk.turn("m3", customer(3, "And B2"), earlier=[noted(2, "yes")])
        assert texts(talk.turn("m3.on", resumes=True)) == ["Only one."]
        said = [each.text for each in talk.messages]
        assert said[2:6] == ["the team said: True", "And B2", "", "the team said: False"]
        assert problems(talk.messages) == []

    def test_and_what_was_deleted_meanwhile_is_forgotten(self, memory: Memory, durability: str) -> None:
        talk = Talk(memory, durability, [refund], "Hello!", calling("refund", "a", order="A1"), "Done.")
        talk.turn("m1", customer(1, "My card is 4111"))
        talk.turn("m2", customer(2, "Refund A1"))
        outcome = talk.turn(
            "m2.on", earlier=[Said("chatwoot:1", "", "deleted", place=1), noted(3, "yes")], resumes=True
        )
        assert texts(outcome) == ["Done."]
        assert "My card is 4111" not in [each.text for each in talk.messages]

    def test_by_the_stock_middleware(self, memory: Memory, durability: str) -> None:
        middleware = [HumanInTheLoopMiddleware(interrupt_on={"look_up": True})]
        script = [calling("look_up", "a", order="A1"), "On Monday."]
        talk = Talk(memory, durability, [look_up], *script, middleware=middleware)
        outcome = talk.turn("m1", customer(1, "Where is A1?"))
        (question,) = [want for want in outcome if isinstance(want, HandOver) and want.waits]
        assert "**look_up**" in question.reason
        assert "| order | A1 |" in question.reason
        assert texts(talk.turn("m1.on", earlier=[noted(2, "@bot yes")], resumes=True)) == ["On Monday."]
        assert problems(talk.messages) == []

    def test_and_refused_with_the_reason(self, memory: Memory, durability: str) -> None:
        middleware = [HumanInTheLoopMiddleware(interrupt_on={"look_up": True})]
        script = [calling("look_up", "a", order="A1"), "I may not."]
        talk = Talk(memory, durability, [look_up], *script, middleware=middleware)
        talk.turn("m1", customer(1, "Where is A1?"))
        assert texts(talk.turn("m1.on", earlier=[noted(2, "@bot no: not hers")], resumes=True)) == ["I may not."]
        assert "not hers" in " ".join(each.text for each in talk.messages)
        assert problems(talk.messages) == []

    def test_a_long_turn_is_not_torn(self, memory: Memory, durability: str) -> None:
        """43 messages in one turn; 40 are kept as a rule."""
        script = [calling("look_up", str(number), order="A1") for number in range(21)]
        talk = Talk(memory, durability, [look_up], *script, "At last.", "More?")
        talk.thinker = Thinker(talk.thinker.graph, history_limit=20, durability=talk.thinker.durability)
        graph = talk.thinker.graph
        assert graph is not None
        assert texts(talk.turn("m1", customer(1, "All orders"))) == ["At last."]
        assert texts(talk.turn("m2", customer(2, "Thanks"))) == ["More?"]
        assert len(talk.messages) == 46
        assert problems(talk.messages) == []


def test_instructions_in_the_state_stay(memory: Memory, durability: str) -> None:
    def first(state: MessagesState) -> Any:
        begun = any(isinstance(each, SystemMessage) for each in state["messages"])
        return {"messages": [] if begun else [SystemMessage("Be kind.", id="rules")]}

    builder = StateGraph(MessagesState)
    builder.add_node("first", first)
    builder.add_node("say", lambda state: {"messages": [AIMessage("ok")]})
    builder.add_edge(START, "first")
    builder.add_edge("first", "say")
    thinker = Thinker(builder.compile(checkpointer=memory), history_limit=4, durability=durability)  # type: ignore[arg-type]
    for number in range(1, 9):
        thinker.think(THREAD, f"m{number}", [customer(number, "Hi")])
    state = thinker.graph.get_state({"configurable": {"thread_id": THREAD}})
    kept = state.values["messages"]
    assert [each.text for each in kept if isinstance(each, SystemMessage)] == ["Be kind."]
    assert len(kept) <= 7


class TestGivenUp:
    def test_the_memory_is_that_of_the_last_good_turn(self, memory: Memory, durability: str) -> None:
        talk = Talk(memory, durability, [broken, look_up], "Hello!", calling("broken", "a", order="A1"), "Good.")
        talk.turn("m1", customer(1, "Hi"))
        with pytest.raises(RuntimeError):
            talk.turn("m2", customer(2, "Look"))
        memory.restore(THREAD, "m2")
        assert [each.text for each in talk.messages] == ["Hi", "Hello!"]
        memory.restore(THREAD, "m2")
        memory.restore(THREAD, "m1.other")
        outcome = talk.turn("m3", customer(3, "And now?"), earlier=[Said("chatwoot:2", "Look", "aside", place=2)])
        assert texts(outcome) == ["Good."]
        assert [each.text for each in talk.messages] == ["Hi", "Hello!", "Look", "And now?", "Good."]

    def test_the_first_turn_of_all_leaves_nothing(self, memory: Memory, durability: str) -> None:
        talk = Talk(memory, durability, [look_up], RuntimeError("refused"))
        with pytest.raises(RuntimeError):
            talk.turn("m1", customer(1, "Hi"))
        memory.restore(THREAD, "m1")
        assert talk.messages == []

    def test_what_people_were_to_decide_can_still_be_decided(self, memory: Memory, durability: str) -> None:
        talk = Talk(memory, durability, [refund], calling("refund", "a", order="A1"), RuntimeError("500"), "Done.")
        talk.turn("m1", customer(1, "Refund A1"))
        with pytest.raises(RuntimeError):
            talk.turn("m1.on", earlier=[noted(2, "yes")], resumes=True)
        memory.restore(THREAD, "m1.on")
        assert texts(talk.turn("m1.on", earlier=[noted(3, "yes, do")], resumes=True)) == ["Done."]
        assert "the team said: yes, do" in [each.text for each in talk.messages]
        assert problems(talk.messages) == []


def test_what_was_to_be_decided_is_lost(memory: Memory, durability: str) -> None:
    """The memory has expired: people are told, and what the customer said is answered with what is left."""
    talk = Talk(memory, durability, [refund], "Hello!")
    assert [type(want) for want in talk.turn("m1.on", earlier=[noted(2, "yes")], resumes=True)] == [HandOver]
    outcome = talk.turn("m3", customer(3, "Hi"), resumes=True)
    assert texts(outcome) == ["Hello!"]
    assert any(isinstance(want, HandOver) for want in outcome)


class TestWhatCanOnlyBeAwaited:
    def test_a_tool(self, memory: Memory, durability: str) -> None:
        """As those of an MCP server are."""
        loops = set()

        async def fetch(order: str) -> str:
            """Fetch an order."""
            loops.add(id(asyncio.get_running_loop()))
            return f"{order}: sent"

        tools = [StructuredTool.from_function(coroutine=fetch, name="fetch")]
        script = [calling("fetch", "a", order="A1"), "It was sent.", calling("fetch", "b", order="B2"), "Sent, too."]
        talk = Talk(memory, durability, tools, *script)
        assert is_async(talk.thinker.graph)
        assert texts(talk.turn("m1", customer(1, "A1?"))) == ["It was sent."]
        assert texts(talk.turn("m2", customer(2, "B2?"))) == ["Sent, too."]
        assert len(loops) == 1
        assert problems(talk.messages) == []

    def test_a_node_that_fails_once(self, memory: Memory, durability: str) -> None:
        tries = iter([RuntimeError("500"), None])

        async def answer(state: MessagesState) -> Any:
            if error := next(tries):
                raise error
            return {"messages": [AIMessage("At last")]}

        builder = StateGraph(MessagesState)
        builder.add_node("answer", answer)
        builder.add_edge(START, "answer")
        thinker = Thinker(builder.compile(checkpointer=memory), 40, durability)  # type: ignore[arg-type]
        with pytest.raises(RuntimeError):
            thinker.think(THREAD, "m1", [customer(1, "Hi")])
        assert texts(thinker.think(THREAD, "m1", [customer(1, "Hi")])) == ["At last"]
