"""A call of a function that acts, as it is recorded: what it was given, in words for people, and what came of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from inspect import Parameter, Signature, isclass, signature
from typing import Any, get_args, get_origin, get_type_hints

from langchain_core.callbacks import BaseCallbackManager
from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import InjectedToolArg, InjectedToolCallId
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.prebuilt import ToolRuntime
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore
from langgraph.types import Command
from pydantic_core import PydanticSerializationError, to_jsonable_python

_SERDE = JsonPlusSerializer()
_INJECTED = (ToolRuntime, Runtime, BaseStore, BaseCallbackManager)
_MOST_WORDS = 500


@dataclass(frozen=True)
class Shape:
    """What a function takes: what it is called with, and what LangGraph gives it besides."""

    signature: Signature
    injected: frozenset[str]
    call_id: str
    """The parameter that gets the id of the model's tool call; "": none does."""

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Shape:
        try:
            hints = get_type_hints(function, include_extras=True)
        except (NameError, TypeError):  # of a module that names its types for type checkers only
            hints = getattr(function, "__annotations__", {})
        injected = frozenset(name for name, hint in hints.items() if _is_injected(hint)) | {"self", "cls"}
        call_id = next((name for name, hint in hints.items() if _is_marked(hint, InjectedToolCallId)), "")
        return cls(signature(function), injected, call_id)

    def call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Call:
        """
        Raises:
            TypeError: the function does not take that.
        """
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        given: dict[str, Any] = {}
        for name, value in bound.arguments.items():
            is_more = self.signature.parameters[name].kind == Parameter.VAR_KEYWORD
            given |= value if is_more else {name: value}
        runtime = next((value for value in given.values() if isinstance(value, ToolRuntime)), None)
        own = {
            name: value
            for name, value in given.items()
            if name not in self.injected and not isinstance(value, _INJECTED)
        }
        return Call(own, given.get(self.call_id) or (runtime.tool_call_id if runtime else None))


@dataclass(frozen=True)
class Call:
    """What a function is called with, without what LangGraph gives it."""

    given: Mapping[str, Any]
    id: str | None
    """Of the model's tool call, where the function is told; another one each time that the model is asked."""

    @cached_property
    def arguments(self) -> str:
        """The same for the same arguments, in whatever order they were given: JSON.

        Raises:
            TypeError: something in it has no JSON.
        """
        try:
            return json.dumps(to_jsonable_python(self.given), sort_keys=True)
        except PydanticSerializationError as error:
            raise TypeError(f"what is done once is known by its arguments, as JSON: {error}") from None

    def in_words(self, tool: str) -> str:
        """As a team reads it: `book(day="Tuesday", people=2)`."""
        plain = json.loads(self.arguments).items()
        words = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in plain)
        return f"{tool}({words if len(words) <= _MOST_WORDS else words[:_MOST_WORDS] + '…'})"

    def result_of(self, packed: str) -> Any:
        """What came of it, as this call's answer: a tool's message answers the call that is made now."""
        is_tuple, result = _SERDE.loads_typed(("msgpack", base64.b64decode(packed)))
        result = _answering(result, self.id) if self.id else result
        return tuple(result) if is_tuple else result


def packed(result: Any) -> str:
    """What the memory of a graph can keep, as text.

    Raises:
        TypeError: it cannot.
    """
    try:
        _, data = _SERDE.dumps_typed([isinstance(result, tuple), result])
    except TypeError as error:
        raise TypeError(
            f"what is done once returns what can be kept: text, numbers, dicts, messages: {error}"
        ) from None
    return base64.b64encode(data).decode()


def _answering(result: Any, call_id: str) -> Any:
    if isinstance(result, ToolMessage):
        return result.model_copy(update={"tool_call_id": call_id})
    if isinstance(result, Command):
        return replace(result, update=_answering(result.update, call_id))
    if isinstance(result, Mapping):
        return {name: _answering(value, call_id) for name, value in result.items()}
    return [_answering(each, call_id) for each in result] if isinstance(result, list) else result


def _is_injected(hint: Any) -> bool:
    kinds = [hint, get_origin(hint), *get_args(hint)]  # also `RunnableConfig | None`
    is_one = any(kind is RunnableConfig or (isclass(kind) and issubclass(kind, _INJECTED)) for kind in kinds)
    return is_one or _is_marked(hint, InjectedToolArg)


def _is_marked(hint: Any, mark: type) -> bool:
    """By `Annotated[…, mark]`."""
    return any(isinstance(each, mark) or (isclass(each) and issubclass(each, mark)) for each in get_args(hint)[1:])
