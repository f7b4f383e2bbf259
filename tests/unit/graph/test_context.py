"""A graph is told whom it talks to, in a schema of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, NotRequired, TypedDict

import pytest
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.runtime import Runtime
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel

from graph.context import CannotFill, Conversation, filled, require_fillable
from graph.outcome import Reply
from graph.said import Said
from graph.thinking import Thinker
from tests.stack import ROOT

ANA = Conversation(
    account_id=1, conversation_id=3, contact_name="Ana", labels=("vip",), contact_attributes={"size": 42}
)


@dataclass
class Some:
    contact_name: str | None
    account_id: int
    tone: str = "kind"
    tools: list[str] = field(default_factory=list)


class Model(BaseModel):
    contact_name: str
    labels: tuple[str, ...]
    tone: str = "kind"


class Typed(TypedDict):
    contact_name: str
    contact_attributes: dict[str, Any]


class Loose(TypedDict, total=False):
    contact_name: str
    tone: str


class Whose(TypedDict):
    namespace: tuple[str, ...]


class Half(TypedDict):
    contact_name: str
    tone: NotRequired[str]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (Conversation, ANA),
        (Some, Some("Ana", 1)),
        (Model, Model(contact_name="Ana", labels=("vip",))),
        (Typed, {"contact_name": "Ana", "contact_attributes": {"size": 42}}),
        (Loose, {"contact_name": "Ana"}),
        (Whose, {"namespace": ("conversations", "1", "3")}),
        (Half, {"contact_name": "Ana"}),
    ],
)
def test_a_schema_gets_what_it_asks_for(schema: Any, expected: Any) -> None:
    require_fillable(schema)
    assert filled(schema, ANA) == expected


def test_the_documented_graph_knows_in_the_next_conversation_what_was_said_in_one() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/graphs.md").read_text(), re.DOTALL)
    module: dict[str, Any] = {"__name__": "example"}
    exec(next(block for block in blocks if "store.put(" in block), module)
    graph = module["graph"].compile(checkpointer=InMemorySaver(), store=InMemoryStore())
    answers = [
        Thinker(graph, 40).think(f"t{conversation}", "1", [Said("1", "42")], context=context)
        for conversation, contact in ((3, 7), (4, 7), (5, 8))
        for context in [Conversation(account_id=1, conversation_id=conversation, contact_id=contact)]
    ]
    assert answers == [(Reply("Noted."),), (Reply("You wear size 42."),), (Reply("Noted."),)]


def test_the_namespace_is_the_contacts_where_one_is_known() -> None:
    assert ANA.namespace == ("conversations", "1", "3")
    assert replace(ANA, contact_id=7).namespace == ("contacts", "1", "7")


@dataclass
class Wanting:
    api_key: str


class WantingModel(BaseModel):
    user_id: str


class WantingDict(TypedDict):
    user_id: str


@pytest.mark.parametrize("schema", [Wanting, WantingModel, WantingDict])
def test_what_nobody_can_tell_is_refused(schema: Any) -> None:
    with pytest.raises(CannotFill, match=r"api_key|user_id"):
        require_fillable(schema)


def test_a_node_sees_it() -> None:
    def greet(state: MessagesState, runtime: Runtime[Some]) -> Any:
        return {"messages": [AIMessage(f"Hola {runtime.context.contact_name}")]}

    builder = StateGraph(MessagesState, context_schema=Some)
    builder.add_node("greet", greet)
    builder.add_edge(START, "greet")
    thinker = Thinker(builder.compile(checkpointer=InMemorySaver()), 40)
    assert thinker.think("t", "1", [Said("1", "Hi")], context=ANA) == (Reply("Hola Ana"),)
