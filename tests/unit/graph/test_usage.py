"""What models have used is told, whatever graph asked them, and from whatever thread."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

from graph.said import Said
from graph.thinking import Thinker
from graph.usage import Usage, told
from tests.models import ScriptedModel


def answer(text: str) -> AIMessage:
    usage: Any = {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}
    return AIMessage(text, usage_metadata=usage, response_metadata={"model_name": "m-1"})


def thinker(model: ScriptedModel, *, is_async: bool) -> Thinker:
    def say(state: MessagesState) -> Any:
        return {"messages": [model.invoke(state["messages"])]}

    async def asay(state: MessagesState) -> Any:
        return {"messages": [await model.ainvoke(state["messages"])]}

    builder = StateGraph(MessagesState)
    builder.add_node("say", asay if is_async else say)
    builder.add_edge(START, "say")
    return Thinker(builder.compile(checkpointer=InMemorySaver()), 40)


@pytest.mark.parametrize("is_async", [False, True])
def test_each_call_is_told_where_it_is_asked_for(is_async: bool) -> None:
    model = ScriptedModel(script=[answer("One"), answer("Two"), "says nothing of it", answer("Four")])
    used: list[Usage] = []
    talk = thinker(model, is_async=is_async)
    with told(used.append):
        for turn in ("1", "2", "3"):
            talk.think("t", turn, [Said(turn, "Hi")])
    talk.think("t", "4", [Said("4", "Hi")])
    assert used == [Usage("m-1", 7, 3)] * 2
