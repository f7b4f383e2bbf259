"""LangGraph's Functional API: an `@entrypoint` of messages as a graph of one node, with a channel for them.

What it saves for itself, its `previous`, is in the state: forgotten, undone and fenced as all of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from inspect import iscoroutinefunction, signature
from typing import Any, get_args, get_origin, get_type_hints
from uuid import uuid4

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import RunnableConfig
from langgraph.func import entrypoint
from langgraph.graph import START, StateGraph
from langgraph.pregel import Pregel
from langgraph.runtime import Runtime
from pydantic import BaseModel

from graph.schemas import MESSAGES, fields_of, is_typed_dict
from graph.wants import WANTS, TalkState


class NotOfMessages(Exception):
    """An entrypoint that takes something else. The text goes on after its name."""


class _State(TalkState):
    previous: Any
    heard: list[str]
    """The ids of the messages that it has been given, or has said."""


def is_entrypoint(graph: Pregel[Any, Any, Any, Any]) -> bool:
    return {START, "__end__", "__previous__"} <= set(graph.channels)


def as_graph(graph: Pregel[Any, Any, Any, Any]) -> StateGraph[Any, Any, Any, Any]:
    """
    An entrypoint that asks for `previous` is given what is new since it last ran, any other one the whole memory.

    Raises:
        NotOfMessages: neither is its input annotated as a list of messages, nor has it a field `messages`.
    """
    ((name, node),) = graph.nodes.items()
    func: Any = getattr(node.bound, "func", None) or getattr(node.bound, "afunc", None)
    kind: Any = AsyncEntrypoint if iscoroutinefunction(func) else Entrypoint
    builder = StateGraph(_State, context_schema=graph.context_schema, input_schema=TalkState, output_schema=TalkState)
    builder.add_node(name, kind(func, _has_a_field(func)), retry_policy=node.retry_policy or graph.retry_policy or None)
    builder.add_edge(START, name)
    return builder


def runs_tasks(node: object) -> bool:
    """Whether it is the node of an entrypoint, whose tasks may act on the world."""
    return isinstance(getattr(node, "func", None) or getattr(node, "afunc", None), _Called)


@dataclass(frozen=True)
class _Called:
    func: Callable[..., Any]
    has_field: bool
    """It takes `{"messages": [...]}`, else a list."""

    def _given(self, state: _State) -> list[BaseMessage]:
        heard = set(state.get("heard") or ()) if "previous" in self._asked else ()
        return [message for message in state["messages"] if message.id not in heard]

    def _arguments(self, state: _State, config: RunnableConfig, runtime: Runtime[Any]) -> dict[str, Any]:
        previous = state.get("previous")
        offered = {
            "config": config,
            "previous": previous,
            "runtime": runtime.override(previous=previous),
            "store": runtime.store,
            "writer": runtime.stream_writer,
        }
        return {name: value for name, value in offered.items() if name in self._asked}

    def _input(self, state: _State) -> Any:
        given = self._given(state)
        return {MESSAGES: given} if self.has_field else given

    def _update(self, state: _State, returned: Any) -> dict[str, Any]:
        value, saved = (
            (returned.value, returned.save) if isinstance(returned, entrypoint.final) else (returned, returned)
        )
        said, wants = _messages(value), value.get(WANTS, []) if isinstance(value, Mapping) else []
        _named([*said, *_kept(saved)])
        old = {message.id for message in (*state["messages"], *_kept(state.get("previous")))}
        new = [message for message in said if message.id not in old]
        heard = [str(message.id) for message in (*state["messages"], *new)]
        return {MESSAGES: new, WANTS: wants, "previous": saved, "heard": heard}

    @property
    def _asked(self) -> Sequence[str]:
        return list(signature(self.func).parameters)[1:]


class Entrypoint(_Called):
    """The node that calls it."""

    def __call__(self, state: _State, config: RunnableConfig, runtime: Runtime[Any]) -> dict[str, Any]:
        return self._update(state, self.func(self._input(state), **self._arguments(state, config, runtime)))


class AsyncEntrypoint(_Called):
    async def __call__(self, state: _State, config: RunnableConfig, runtime: Runtime[Any]) -> dict[str, Any]:
        answer: Awaitable[Any] = self.func(self._input(state), **self._arguments(state, config, runtime))
        return self._update(state, await answer)


def _has_a_field(func: Callable[..., Any]) -> bool:
    """By the annotation of what it takes first."""
    try:
        hint = get_type_hints(func).get(next(iter(signature(func).parameters)))
    except NameError:  # of types that only its function knows
        hint = None
    if get_origin(hint) in (list, Sequence) and "Message" in str(get_args(hint)):
        return False
    if isinstance(hint, type) and (is_typed_dict(hint) or issubclass(hint, BaseModel)) and MESSAGES in fields_of(hint):
        return True
    raise NotOfMessages(
        "is an @entrypoint whose input is no messages: annotate it as list[BaseMessage], or as a TypedDict with "
        "`messages`"
    )


def _messages(value: Any) -> list[BaseMessage]:
    """What it says.

    Raises:
        TypeError: no message is in it.
    """
    if isinstance(value, Mapping):
        value = value.get(MESSAGES, [])
    if isinstance(value, str):
        return [AIMessage(value)]
    found = [value] if isinstance(value, BaseMessage) else value
    if not isinstance(found, list | tuple) or not all(isinstance(each, BaseMessage) for each in found):
        raise TypeError(f"an @entrypoint returns a message, a list of them or a text, not a {type(value).__name__}")
    return list(found)


def _kept(saved: Any) -> list[BaseMessage]:
    """The messages of what it has saved, if it is any."""
    values = saved.get(MESSAGES) if isinstance(saved, Mapping) else saved
    return [each for each in values if isinstance(each, BaseMessage)] if isinstance(values, list | tuple) else []


def _named(messages: Iterable[BaseMessage]) -> None:
    """So that what it saves and what it says are known for the same."""
    for message in messages:
        message.id = message.id or str(uuid4())
