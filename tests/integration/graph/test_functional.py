"""The Functional API on the real memory: entrypoints of messages, with what they save for themselves."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage
from langgraph.func import entrypoint, task
from langgraph.graph import MessagesState
from langgraph.graph.message import add_messages
from langgraph.types import interrupt

from graph.checkpoint import Memory
from graph.loader import GraphError, durability_for, load
from graph.outcome import HandOver, Outcome, Reply
from graph.said import Said
from graph.thinking import Thinker
from graph.wants import wanted


def thinker(found: Any, memory: Memory, monkeypatch: pytest.MonkeyPatch, *, history_limit: int = 40) -> Thinker:
    module = ModuleType("functional")
    module.found = found  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "functional", module)
    graph = load("functional:found", memory)
    return Thinker(graph, history_limit, durability_for(graph))


def customer(number: int, text: str) -> Said:
    return Said(f"chatwoot:{number}", text, place=number)


def texts(outcome: Outcome) -> list[str]:
    return [want.text for want in outcome if isinstance(want, Reply)]


def turns(thinker: Thinker, *said: str) -> list[list[str]]:
    return [
        texts(thinker.think("t", f"m{number}", [customer(number, text)])) for number, text in enumerate(said, start=1)
    ]


def answer(messages: list[BaseMessage]) -> AIMessage:
    return AIMessage(" ".join(each.text for each in messages if each.type == "human"))


def test_without_previous_it_is_given_the_whole_conversation(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    @entrypoint()
    def agent(messages: list[BaseMessage]) -> Any:
        return add_messages(messages, [answer(messages)])  # type: ignore[arg-type]

    assert turns(thinker(agent, memory, monkeypatch), "one", "two") == [["one"], ["one two"]]


def test_with_previous_it_is_given_what_is_new(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[list[str]] = []

    @entrypoint()
    def agent(messages: list[BaseMessage], *, previous: list[BaseMessage] | None = None) -> Any:
        given.append([each.text for each in messages])
        known: Any = add_messages(previous or [], messages)  # type: ignore[arg-type]
        response = answer(known)
        return entrypoint.final(value=response, save=add_messages(known, [response]))  # type: ignore[arg-type]

    assert turns(thinker(agent, memory, monkeypatch), "one", "two") == [["one"], ["one two"]]
    assert given == [["one"], ["two"]]


def test_what_it_returns_whole_is_said_once_however_short_the_memory(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    @entrypoint()
    def agent(messages: list[BaseMessage], *, previous: list[BaseMessage] | None = None) -> Any:
        known: Any = add_messages(previous or [], messages)  # type: ignore[arg-type]
        return add_messages(known, [AIMessage(f"{len(known)}")])  # type: ignore[arg-type]

    said = turns(thinker(agent, memory, monkeypatch, history_limit=2), *"abcdef")
    assert said == [["1"], ["3"], ["5"], ["7"], ["9"], ["11"]]


def test_a_turn_that_is_given_up_leaves_nothing_in_previous(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    @entrypoint()
    def agent(messages: list[BaseMessage], *, previous: int | None = None) -> Any:
        return entrypoint.final(value=AIMessage(f"turn {(previous or 0) + 1}"), save=(previous or 0) + 1)

    it = thinker(agent, memory, monkeypatch)
    assert texts(it.think("t", "m1", [customer(1, "a")])) == ["turn 1"]
    assert texts(it.think("t", "m2", [customer(2, "b")])) == ["turn 2"]
    memory.restore("t", "m2")
    assert texts(it.think("t", "m3", [customer(3, "c")])) == ["turn 2"]


def test_a_task_that_ended_is_not_run_again(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    @task
    def book(day: str) -> str:
        ran.append(day)
        return f"booked {day}"

    @entrypoint()
    def agent(inputs: MessagesState) -> Any:
        booked = book(inputs["messages"][-1].text).result()
        if len(ran) == 1 and not failed:
            failed.append(True)
            raise RuntimeError("500")
        return {"messages": [AIMessage(booked)]}

    failed: list[bool] = []
    it = thinker(agent, memory, monkeypatch)
    with pytest.raises(RuntimeError):
        it.think("t", "m1", [customer(1, "Monday")])
    assert texts(it.think("t", "m1", [customer(1, "Monday")])) == ["booked Monday"]
    assert ran == ["Monday"]


def test_people_decide(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    @task
    def draft(text: str) -> str:
        ran.append(text)
        return f"draft of {text}"

    @entrypoint()
    async def agent(messages: list[BaseMessage]) -> Any:
        text = await draft(messages[0].text)
        return f"{text}: {interrupt('May I?')}"

    it = thinker(agent, memory, monkeypatch)
    (hand_over,) = it.think("t", "m1", [customer(1, "refund")])
    assert hand_over == HandOver(hand_over.reason, waits=True)  # type: ignore[union-attr]
    outcome = it.think("t", "m1.on", [], earlier=[Said("chatwoot:2", "yes", "note", place=2)], resumes=True)
    assert (texts(outcome), ran) == (["draft of refund: True"], ["refund"])


def test_it_may_want_more_than_to_answer(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    @entrypoint()
    def agent(messages: list[BaseMessage]) -> Any:
        return {"messages": [], "wants": wanted(HandOver("asks for a person"))}

    it = thinker(agent, memory, monkeypatch)
    assert it.think("t", "m1", [customer(1, "a person")]) == (HandOver("asks for a person"),)


@pytest.mark.parametrize("annotation", [dict, str, "list[int]", None])
def test_what_takes_no_messages_is_refused(annotation: Any, memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    def agent(inputs: Any) -> Any:
        return inputs

    agent.__annotations__ = {"inputs": annotation} if annotation else {}
    with pytest.raises(GraphError, match=r"is an @entrypoint whose input is no messages: annotate it as list"):
        thinker(entrypoint()(agent), memory, monkeypatch)
