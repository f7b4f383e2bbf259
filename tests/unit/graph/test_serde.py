"""Where LangGraph is strict, a value comes back as it was, or not at all."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, SystemMessage, ToolMessage
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Interrupt, Overwrite, Send
from pydantic import BaseModel

from graph.outcome import HandOver
from graph.said import Said
from graph.serde import Serializer, TypeNotAllowed
from graph.wants import wanted
from tests.stack import ROOT

STRICT = Serializer(allowed_msgpack_modules=None)


@dataclass
class Order:
    number: str


class Model(BaseModel):
    number: str


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    "value",
    [
        [HumanMessage("hi", id="1"), AIMessage("ho", tool_calls=[{"name": "x", "args": {}, "id": "1"}])],
        [SystemMessage("be kind"), ToolMessage("done", tool_call_id="1"), RemoveMessage(id="1")],
        wanted(HandOver("asks for a person")),
        Said("chatwoot:1", "hi", attachments=({"kind": "image"},)).as_message(),
        {"at": datetime(2026, 1, 1, tzinfo=UTC), "set": {1, 2}, 3: None},
        [Interrupt("may I?", id="1"), Overwrite([]), Send("node", {"a": 1})],
    ],
)
def test_what_ordinary_graphs_keep_needs_no_list(value: Any) -> None:
    kept = STRICT.loads_typed(STRICT.dumps_typed(value))
    assert kept == value
    assert type(kept) is type(value)


@pytest.mark.parametrize("value", [Order("A1"), Model(number="A1"), Colour.RED])
class TestATypeOfOnesOwn:
    def test_is_kept_where_it_is_listed(self, value: Any) -> None:
        listed = STRICT.with_msgpack_allowlist([(__name__, type(value).__name__)])
        assert listed.loads_typed(listed.dumps_typed([value])) == [value]

    def test_is_refused_before_it_is_kept(self, value: Any) -> None:
        with pytest.raises(TypeNotAllowed, match=f":{type(value).__name__}: name it in MSGPACK_MODULES"):
            STRICT.dumps_typed({"deep": [{"in": value}]})

    def test_is_refused_where_it_was_kept_before(self, value: Any) -> None:
        with pytest.raises(TypeNotAllowed, match=type(value).__name__):
            STRICT.loads_typed(JsonPlusSerializer().dumps_typed([value]))


def test_where_langgraph_is_not_strict_all_is_read() -> None:
    lax = Serializer.allowing(["acme.state:Order"])
    assert lax.loads_typed(lax.dumps_typed(Colour.RED)) is Colour.RED


_SCRIPT = """
import sys
from dataclasses import dataclass
from types import ModuleType
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from graph.loader import load
from graph.serde import Serializer

@dataclass
class Order:
    number: str

@dataclass
class Inner:
    number: str

class State(MessagesState):
    order: Order

class Sub(MessagesState):
    inner: Inner

inner = StateGraph(Sub)
inner.add_node("node", lambda state: {"inner": Inner("B2")})
inner.add_node("last", lambda state: {"messages": [("ai", state["inner"].number)]})
inner.add_edge(START, "node")
inner.add_edge("node", "last")
builder = StateGraph(State)
builder.add_node("inner", inner.compile(checkpointer=True).with_config(tags=["copied"]))
builder.add_node("node", lambda state: {"order": Order("A1")})
builder.add_edge(START, "inner")
builder.add_edge("inner", "node")
module = sys.modules["user_graphs"] = ModuleType("user_graphs")
module.builder, module.compiled = builder, builder.compile().with_config(tags=["copied"])
for name in ("builder", "compiled"):
    saver = InMemorySaver(serde=Serializer.allowing([]))
    graph, place = load(f"user_graphs:{name}", saver), {"configurable": {"thread_id": "t"}}
    for _ in range(2):
        graph.invoke({"messages": ["hi"]}, place, durability="sync")
    print(graph.get_state(place).values["order"])
"""


def test_types_that_the_schemas_name_are_read_of_any_graph() -> None:
    """LangGraph forgets them when a compiled graph is copied. It reads the variable as it is imported."""
    env = {"LANGGRAPH_STRICT_MSGPACK": "true", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", _SCRIPT], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["Order(number='A1')"] * 2, done.stderr
