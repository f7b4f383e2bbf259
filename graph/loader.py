"""What GRAPH names -> a compiled graph with our checkpointer and store."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import Parameter, signature
from typing import Any

from langchain_core.messages import HumanMessage
from langgraph.channels import BinaryOperatorAggregate, DeltaChannel
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.pregel import Pregel
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore
from langgraph.types import Durability

from graph.context import CannotFill, require_fillable
from graph.functional import NotOfMessages, as_graph, is_entrypoint, runs_tasks
from graph.modules import GraphError as GraphError
from graph.modules import attribute_of, run_for
from graph.schemas import MESSAGES, fields_of, is_typed_dict
from graph.serde import types_in
from graph.wants import WANTS

Graph = Pregel[Any, Any, Any, Any]
_OURS = (MESSAGES, WANTS)
"""The channels that a turn's input fills."""


def load(spec: str, checkpointer: BaseCheckpointSaver[Any], store: BaseStore | None = None, **offered: Any) -> Graph:
    """The graph that `spec` names: a compiled graph, a builder, or a function that returns one.

    A function is given what it asks for, by name, of what is `offered`, and an empty `config`.

    Whatever checkpointer a compiled graph brings is replaced by ours, and so is a store in the process's own memory. A
    store that all workers see is kept: it may search by meaning, which ours does not.

    Raises:
        GraphError: there is no such module or attribute, it is no graph, or it could not work here.
    """
    found = attribute_of(spec)
    if callable(found) and not isinstance(found, Pregel | StateGraph):
        factory, arguments = found, _arguments(found, spec, {"config": {"configurable": {}}, **offered})
        found = run_for(spec, lambda: factory(**arguments))
    own = _shared(found.store, spec) if isinstance(found, Pregel) else None
    store = own if own is not None else store
    if isinstance(found, Pregel) and is_entrypoint(found):
        found = _of_messages(found, spec)
    if isinstance(found, StateGraph):
        graph: Graph = found.compile(checkpointer=checkpointer, store=store)
    elif isinstance(found, Pregel):
        graph = found.copy(update={"checkpointer": checkpointer, "store": store})
    else:
        raise GraphError(f"GRAPH={spec} is a {type(found).__name__}, not a graph, a builder or a factory of one")
    if problem := next(_problems(graph), None):
        raise GraphError(f"GRAPH={spec} {problem}")
    graph.checkpointer = checkpointer.with_allowlist(types_in(graph))
    return graph


def durability_for(graph: Graph) -> Durability:
    """Save each step ("sync"), so that what ended is not run again; at the end ("exit") where a turn is one step.

    A graph that calls tools cannot be told from one that does not: any function may, whatever its node is called.
    """
    return "exit" if _is_one_step(graph) and not any(map(runs_tasks, _nodes(graph))) else "sync"


def is_async(graph: Graph) -> bool:
    """Whether something in it can only be awaited: a node, or a tool, as those of an MCP server."""
    return any(_is_async_only(node) for node in _nodes(graph))


def _is_one_step(graph: Graph) -> bool:
    """Whether it is one node, after which nothing can follow, as far as it says so itself."""
    builder = getattr(graph, "builder", None)
    if len(graph.nodes) != 2 or len(list(_nodes(graph))) != 2 or not isinstance(builder, StateGraph):  # and its start
        return False
    ((name, node),) = builder.nodes.items()
    return not builder.branches.get(name) and not set(node.ends or ()) - {END}


def _nodes(graph: Graph) -> Iterator[Any]:
    subgraphs = [subgraph for _, subgraph in graph.get_subgraphs(recurse=True) if isinstance(subgraph, Pregel)]
    return (node.bound for each in (graph, *subgraphs) for node in each.nodes.values())


def _is_async_only(node: Any) -> bool:
    tools = node.tools_by_name.values() if isinstance(node, ToolNode) else ()
    return any(getattr(each, "func", each) is None and _is_awaited(each) for each in (node, *tools))


def _is_awaited(what: Any) -> bool:
    return getattr(what, "afunc", None) is not None or getattr(what, "coroutine", None) is not None


def _shared(store: BaseStore | None, spec: str) -> BaseStore | None:
    """The graph's own store, if it is one that all workers see."""
    if type(store) is not InMemoryStore:
        return store
    if store.index_config:
        raise GraphError(
            f"GRAPH={spec} searches a store by meaning that is in one process's memory: each worker would know "
            "something else. Compile it with a store that all share, such as Postgres, or without an index"
        )
    return None


def _of_messages(graph: Graph, spec: str) -> StateGraph[Any, Any, Any, Any]:
    try:
        return as_graph(graph)
    except NotOfMessages as error:
        raise GraphError(f"GRAPH={spec} {error}") from None


def _arguments(factory: Any, spec: str, offered: dict[str, Any]) -> dict[str, Any]:
    asked = {name: each for name, each in signature(factory).parameters.items() if each.kind != Parameter.VAR_KEYWORD}
    unknown = [name for name, each in asked.items() if name not in offered and each.default is Parameter.empty]
    if unknown:
        raise GraphError(f"GRAPH={spec} asks for {', '.join(unknown)}; a factory may ask for {', '.join(offered)}")
    return {name: value for name, value in offered.items() if name in asked}


def _problems(graph: Graph) -> Iterator[str]:
    """Why it could not work here, in words that go on after its name."""
    if MESSAGES not in graph.channels:
        yield "has no `messages` channel: where would the customer's message go?"
        return
    if deltas := [name for name, channel in graph.channels.items() if isinstance(channel, DeltaChannel)]:
        yield f"has a DeltaChannel ({', '.join(deltas)}), which loses messages on a latest-only checkpointer"
    if not _adds_messages(graph.channels[MESSAGES]):
        yield "keeps `messages` without the reducer add_messages: each turn would forget, or repeat, the last one"
    outputs = [graph.output_channels] if isinstance(graph.output_channels, str) else graph.output_channels
    if MESSAGES not in outputs:
        yield "has no `messages` in its output schema: nobody would hear its answers"
    schema = getattr(getattr(graph, "builder", None), "input_schema", None)
    if isinstance(schema, type):
        fields = fields_of(schema)
        if MESSAGES not in fields:
            yield "has no `messages` in its input schema: it would not hear the customer"
        # A TypedDict is made without any of them.
        required = [] if is_typed_dict(schema) else [name for name, has_no_default in fields.items() if has_no_default]
        if missing := [name for name in required if name not in _OURS]:
            yield f"wants {', '.join(missing)} in its state, and nobody gives it: have it begin with a default"
    if graph.context_schema is not None:
        try:
            require_fillable(graph.context_schema)
        except CannotFill as error:
            yield f"cannot be told what it asks for: {error}"


def _adds_messages(channel: Any) -> bool:
    """Whether a message that comes again takes the place of the first one, by whatever reducer."""
    if not isinstance(channel, BinaryOperatorAggregate):
        return False
    one, again = HumanMessage("one", id="1"), HumanMessage("again", id="1")
    try:
        return [message.text for message in channel.operator([one], [again])] == ["again"]
    except Exception:  # noqa: BLE001 - somebody's own reducer, which may do anything
        return False
