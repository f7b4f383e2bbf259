"""GRAPH names a graph; what cannot be one is said at start."""

from __future__ import annotations

import operator
import sys
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelCallLimitMiddleware
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.channels import DeltaChannel
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.message import add_messages
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command
from pydantic import BaseModel
from typing_extensions import TypedDict

from graph.loader import GraphError, durability_for, load
from tests.models import ScriptedModel


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


OURS = InMemoryStore()
"""Whatever it is."""


class Theirs(BaseStore):
    """As somebody's own Postgres: all workers see it."""

    def batch(self, ops: Any) -> Any:
        raise NotImplementedError

    async def abatch(self, ops: Any) -> Any:
        raise NotImplementedError


class TestStore:
    def load(self, monkeypatch: pytest.MonkeyPatch, graph: Any) -> Any:
        module = ModuleType("user_graph")
        module.graph = graph  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "user_graph", module)
        return load("user_graph:graph", InMemorySaver(), OURS)

    @pytest.mark.parametrize(
        "graph",
        [
            builder_of(MessagesState),
            builder_of(MessagesState).compile(),
            builder_of(MessagesState).compile(store=InMemoryStore()),
        ],
    )
    def test_a_graph_gets_ours(self, graph: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """One in this process's memory is replaced, as a checkpointer is: another worker would know nothing of it."""
        assert self.load(monkeypatch, graph).store is OURS

    def test_so_do_its_subgraphs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen = []
        inner = StateGraph(MessagesState)
        inner.add_node("node", lambda state, store: seen.append(store) or {})
        inner.add_edge(START, "node")
        outer = StateGraph(MessagesState)
        outer.add_node("inner", inner.compile())
        outer.add_edge(START, "inner")
        graph = self.load(monkeypatch, outer.compile())
        graph.invoke({"messages": [HumanMessage("hi")]}, {"configurable": {"thread_id": "t"}})
        assert seen == [OURS]

    def test_one_that_others_see_is_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        theirs = Theirs()
        graph = self.load(monkeypatch, builder_of(MessagesState).compile(store=theirs))
        assert graph.store is theirs

    def test_an_entrypoints_own_is_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        theirs = Theirs()

        @entrypoint(store=theirs)
        def graph(messages: list[BaseMessage]) -> AIMessage:
            return AIMessage("Hello")

        assert self.load(monkeypatch, graph).store is theirs

    def test_one_that_searches_by_meaning_in_one_process_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        index: Any = {"dims": 1, "embed": lambda texts: [[1.0] for _ in texts]}
        with pytest.raises(GraphError, match="searches a store by meaning that is in one process's memory"):
            self.load(monkeypatch, builder_of(MessagesState).compile(store=InMemoryStore(index=index)))


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


class Forgetful(TypedDict):
    messages: list[Any]


class Repeating(TypedDict):
    messages: Annotated[list[Any], operator.add]


class Mute(TypedDict):
    count: int


class Strict(BaseModel):
    messages: Annotated[list[Any], add_messages] = []
    customer: str


@dataclass
class StrictToo:
    customer: str
    messages: Annotated[list[Any], add_messages] = field(default_factory=list)


class Wanting(TypedDict):
    api_key: str


@pytest.mark.parametrize(
    ("schemas", "words"),
    [
        ({"state_schema": Forgetful}, "without the reducer add_messages"),
        ({"state_schema": Repeating}, "without the reducer add_messages"),
        ({"state_schema": MessagesState, "output_schema": Mute}, "no `messages` in its output schema"),
        ({"state_schema": MessagesState, "input_schema": Mute}, "no `messages` in its input schema"),
        ({"state_schema": Strict}, "wants customer in its state"),
        ({"state_schema": StrictToo}, "wants customer in its state"),
        ({"state_schema": MessagesState, "context_schema": Wanting}, r"cannot be told what it asks for: .*api_key"),
    ],
)
def test_what_could_not_work_is_refused(schemas: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    builder: Any = StateGraph(**schemas)
    builder.add_node("node", lambda state: {})
    builder.add_edge(START, "node")
    module = ModuleType("hopeless")
    module.graph = builder  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "hopeless", module)
    with pytest.raises(GraphError, match=words):
        load("hopeless:graph", InMemorySaver())


def in_a_file(folder: Path, factory: str) -> str:
    (folder / "words.py").write_text('WORDS = "from a file"')
    path = folder / "my_agent.py"
    path.write_text(
        f"""
from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph
from words import WORDS

{factory}
    builder = StateGraph(MessagesState)
    builder.add_node("say", lambda state: {{"messages": [AIMessage(WORDS)]}})
    builder.add_edge(START, "say")
    return builder
"""
    )
    return f"{path}:make_graph"


@pytest.mark.parametrize("factory", ["def make_graph():", "def make_graph(config):", "def make_graph(config, tone=1):"])
def test_a_file_and_a_factory_as_langgraphs_own_tools_take_them(factory: str, tmp_path: Path) -> None:
    graph = load(in_a_file(tmp_path, factory), InMemorySaver())
    said = graph.invoke({"messages": [HumanMessage("hi")]}, {"configurable": {"thread_id": "t"}})["messages"]
    assert said[-1].text == "from a file"


def test_a_factory_that_asks_for_what_nobody_gives_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match="asks for customer; a factory may ask for config"):
        load(in_a_file(tmp_path, "def make_graph(customer):"), InMemorySaver())
    with pytest.raises(GraphError, match="no file"):
        load(f"{tmp_path}/nowhere.py:graph", InMemorySaver())


def test_a_delta_channel_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Delta(TypedDict):
        messages: Annotated[list[str], DeltaChannel(lambda old, new: [*old, *new])]

    module = ModuleType("delta_graph")
    module.graph = builder_of(Delta)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "delta_graph", module)
    with pytest.raises(GraphError, match="DeltaChannel"):
        load("delta_graph:graph", InMemorySaver())


def steps(*names: str) -> StateGraph:
    builder = StateGraph(MessagesState)
    for before, name in pairwise((START, *names)):
        builder.add_node(name, lambda state: {})
        builder.add_edge(before, name)
    return builder


def looping() -> StateGraph:
    builder = steps("node")
    builder.add_conditional_edges("node", lambda state: END, {"again": "node", END: END})
    return builder


def looping_by_command() -> StateGraph:
    builder = StateGraph(MessagesState)
    builder.add_node("node", lambda state: Command(goto=END), destinations=("node", END))
    builder.add_edge(START, "node")
    return builder


@tool
def look_up(day: str) -> str:
    """Look a day up."""
    return day


def an_agent() -> Any:
    return create_agent(ScriptedModel(), [])


def with_an_agent_in_its_node() -> StateGraph:
    builder = StateGraph(MessagesState)
    builder.add_node("node", an_agent())
    builder.add_edge(START, "node")
    return builder


def that_calls_an_agent() -> StateGraph:
    agent = create_agent(ScriptedModel(), [])
    builder = StateGraph(MessagesState)
    builder.add_node("node", lambda state: agent.invoke(state))
    builder.add_edge(START, "node")
    return builder


@pytest.mark.parametrize(
    ("make", "durability"),
    [
        (lambda: steps("node"), "exit"),
        (lambda: steps("think", "act"), "sync"),
        (looping, "sync"),
        (looping_by_command, "sync"),
        (an_agent, "exit"),
        (with_an_agent_in_its_node, "sync"),
        (that_calls_an_agent, "sync"),
        (lambda: create_agent(ScriptedModel(), [look_up]), "sync"),
        (lambda: create_agent(ScriptedModel(), [], middleware=[ModelCallLimitMiddleware(run_limit=3)]), "sync"),
    ],
)
def test_each_step_is_saved_where_there_is_more_than_one(
    make: Any, durability: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function may call tools, whatever its node is called."""
    module = ModuleType("stepping")
    module.graph = make()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "stepping", module)
    assert durability_for(load("stepping:graph", InMemorySaver())) == durability
