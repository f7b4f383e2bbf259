"""Graphs whose tools book what the customer writes, at the service of BOOKINGS_URL: GRAPH=tests.graphs_that_act:agent.

With BOOKINGS_ONCE=no they book as often as they are run; with `verify` the service is asked in doubt.
"""

from __future__ import annotations

import os
import uuid
from typing import Any

import httpx
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import tools_condition

from graph.once import NotDone, once
from tests.models import DecidingModel, calling


def _book(day: str) -> str:
    """Book a day."""
    httpx.post(os.environ["BOOKINGS_URL"], json={"day": day}, timeout=30).raise_for_status()
    return day


def _find(day: str) -> Any:
    return day if day in httpx.get(os.environ["BOOKINGS_URL"], timeout=30).json() else NotDone


_HOW = {"no": lambda function: function, "yes": once(name="book"), "verify": once(name="book", verify=_find)}
book = tool("book")(_HOW[os.environ.get("BOOKINGS_ONCE", "yes")](_book))


def _decide(messages: list[BaseMessage]) -> Any:
    """Books each day that it was told of since it last spoke, one after the other, and says so."""
    spoken = [index for index, each in enumerate(messages) if isinstance(each, AIMessage) and each.text]
    new = messages[spoken[-1] + 1 if spoken else 0 :]
    days = [each.text for each in new if each.type == "human"]
    done = [each.text for each in new if isinstance(each, ToolMessage)]
    if len(done) < len(days):
        return calling("book", f"call-{uuid.uuid4()}", day=days[len(done)])
    return f"Echo: {chr(10).join(done)}"


def agent() -> Any:
    return create_agent(DecidingModel(decide=_decide), [book])


def by_hand() -> Any:
    """A tool node that somebody wrote themselves, in a graph that shows none."""
    model = DecidingModel(decide=_decide)

    def act(state: MessagesState) -> Any:
        return {"messages": [book.invoke(call) for call in state["messages"][-1].tool_calls]}

    builder = StateGraph(MessagesState)
    builder.add_node("think", lambda state: {"messages": [model.invoke(state["messages"])]})
    builder.add_node("act", act)
    builder.add_edge(START, "think")
    builder.add_conditional_edges("think", tools_condition, {"tools": "act", "__end__": "__end__"})
    builder.add_edge("act", "think")
    return builder
