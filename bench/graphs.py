"""A graph in a model's place: GRAPH=bench.graphs:graph. Customers say how long it takes, or that it fails."""

from __future__ import annotations

import time

from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph

FAIL = "fail"


class ToldToFail(Exception):
    """The customer wrote `FAIL`."""


def think(state: MessagesState) -> dict[str, list[AIMessage]]:
    """Take as many seconds as the customer wrote."""
    said = state["messages"][-1].text
    if said == FAIL:
        raise ToldToFail
    time.sleep(float(said))
    return {"messages": [AIMessage(f"{said} s")]}


graph = StateGraph(MessagesState)
graph.add_node("think", think)
graph.add_edge(START, "think")
