"""`package.module:attribute` -> a compiled graph with our checkpointer."""

from __future__ import annotations

from importlib import import_module
from inspect import signature
from typing import Any

from langgraph.channels import DeltaChannel
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.pregel import Pregel
from langgraph.types import Durability

Graph = Pregel[Any, Any, Any, Any]
MESSAGES = "messages"


class GraphError(Exception):
    """The graph cannot be loaded, or cannot be run here. The text says what to change."""


def load(spec: str, checkpointer: BaseCheckpointSaver[Any], **offered: str) -> Graph:
    """The graph that `spec` names: a compiled graph, a builder, or a function that returns one.

    A function is given what it asks for, by name, of what is `offered`.

    Whatever checkpointer a compiled graph brings is replaced by ours.

    Raises:
        GraphError: there is no such module or attribute, it is no graph, it has no `messages` channel, or it
            keeps state that a latest-only checkpointer cannot hold (DeltaChannel).
    """
    found = _attribute(spec)
    if callable(found) and not isinstance(found, Pregel | StateGraph):
        asked = signature(found).parameters
        found = found(**{name: value for name, value in offered.items() if name in asked})
    if isinstance(found, StateGraph):
        graph: Graph = found.compile(checkpointer=checkpointer)
    elif isinstance(found, Pregel):
        graph = found.copy(update={"checkpointer": checkpointer})
    else:
        raise GraphError(f"GRAPH={spec} is a {type(found).__name__}, not a graph, a builder or a factory of one")
    _check(graph, spec)
    return graph


def durability_for(graph: Graph) -> Durability:
    """Save each step ("sync") where there are tools, which may act on the world: what ended is not run again."""
    subgraphs = [subgraph for _, subgraph in graph.get_subgraphs(recurse=True) if isinstance(subgraph, Pregel)]
    nodes = [node.bound for each in (graph, *subgraphs) for node in each.nodes.values()]
    return "sync" if any(isinstance(node, ToolNode) for node in nodes) else "exit"


def _attribute(spec: str) -> Any:
    module_name, _, attribute = spec.partition(":")
    if not attribute:
        raise GraphError(f"GRAPH={spec}: write package.module:attribute")
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        raise GraphError(f"GRAPH={spec}: no module named {error.name}") from error
    if not hasattr(module, attribute):
        names = ", ".join(name for name, value in vars(module).items() if isinstance(value, Pregel | StateGraph))
        raise GraphError(f"GRAPH={spec}: {module_name} has no {attribute} (graphs in it: {names or 'none'})")
    return getattr(module, attribute)


def _check(graph: Graph, spec: str) -> None:
    if MESSAGES not in graph.channels:
        raise GraphError(f"GRAPH={spec} has no `messages` channel: where would the customer's message go?")
    if asynchronous := [name for name, node in graph.nodes.items() if _is_async_only(node.bound)]:
        raise GraphError(f"GRAPH={spec}: async nodes ({', '.join(asynchronous)}) cannot run here: make them functions")
    if deltas := [name for name, channel in graph.channels.items() if isinstance(channel, DeltaChannel)]:
        raise GraphError(
            f"GRAPH={spec}: DeltaChannel ({', '.join(deltas)}) loses messages on a latest-only checkpointer"
        )


def _is_async_only(bound: Any) -> bool:
    return getattr(bound, "func", bound) is None and getattr(bound, "afunc", None) is not None
