"""GRAPH names a graph; what cannot be one is said at start."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Annotated

import pytest
from langchain_core.messages import HumanMessage
from langgraph.channels import DeltaChannel
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from typing_extensions import TypedDict

from graph.loader import GraphError, load


class Silent(TypedDict):
    count: int


def builder_of(state: type) -> StateGraph:
    builder = StateGraph(state)
    builder.add_node("node", lambda state: {})
    builder.add_edge(START, "node")
    return builder


@pytest.fixture
def user_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's module."""
    module = ModuleType("user_graphs")
    module.builder = builder_of(MessagesState)  # type: ignore[attr-defined]
    module.compiled = builder_of(MessagesState).compile(checkpointer=InMemorySaver())  # type: ignore[attr-defined]
    module.factory = lambda: builder_of(MessagesState)  # type: ignore[attr-defined]
    module.silent = builder_of(Silent)  # type: ignore[attr-defined]
    module.number = 3  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "user_graphs", module)


@pytest.mark.usefixtures("user_graphs")
@pytest.mark.parametrize("name", ["builder", "compiled", "factory"])
def test_a_graph_gets_our_checkpointer(name: str) -> None:
    ours = InMemorySaver()
    graph = load(f"user_graphs:{name}", ours)
    assert graph.checkpointer is ours
    graph.invoke({"messages": [HumanMessage("hi")]}, {"configurable": {"thread_id": "t"}})


@pytest.mark.usefixtures("user_graphs")
@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("user_graphs", "package.module:attribute"),
        ("no_such_module:graph", "no module named no_such_module"),
        ("user_graphs:grph", r"has no grph \(graphs in it: builder, compiled, silent\)"),
        ("user_graphs:number", "is a int"),
        ("user_graphs:silent", "no `messages` channel"),
    ],
)
def test_what_is_no_graph_is_said(spec: str, words: str) -> None:
    with pytest.raises(GraphError, match=words):
        load(spec, InMemorySaver())


def test_a_delta_channel_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Delta(TypedDict):
        messages: Annotated[list[str], DeltaChannel(lambda old, new: [*old, *new])]

    module = ModuleType("delta_graph")
    module.graph = builder_of(Delta)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "delta_graph", module)
    with pytest.raises(GraphError, match="DeltaChannel"):
        load("delta_graph:graph", InMemorySaver())
