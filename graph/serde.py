"""How a graph's state is written and read: msgpack, in which a value of a type of one's own names its type.

Whoever can write to Redis could name any function there, and reading would call it. With LANGGRAPH_STRICT_MSGPACK=true
LangGraph reads only types that it knows, that a graph's schemas name, or that are allowed. In the place of any other
value it hands out the bare data and logs a line: the graph goes on with a dict that it takes for an order. Here that is
an error, at once: when such a value is to be kept, and when one was kept before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from langgraph.checkpoint.serde.event_hooks import SerdeEvent, register_serde_event_listener
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.pregel import Pregel

_blocked: ContextVar[list[str] | None] = ContextVar("blocked", default=None)


class TypeNotAllowed(Exception):
    """A graph's state holds what may not be read again. The text names its type, and says what to change."""


class Serializer(JsonPlusSerializer):
    """LangGraph's, which raises where that one would hand out something else than was kept."""

    @classmethod
    def allowing(cls, types: Iterable[str]) -> JsonPlusSerializer:
        """One that may read these types, `module:Type`, too. Where LangGraph is not strict, it reads all."""
        return cls().with_msgpack_allowlist([tuple(each.split(":")) for each in types])

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """
        Raises:
            TypeNotAllowed: it could not be read again.
        """
        packed = super().dumps_typed(obj)
        if self._allowed_msgpack_modules is not True:
            self.loads_typed(packed)
        return packed

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """
        Raises:
            TypeNotAllowed: it holds a type that may not be read. What is kept stays as it is.
        """
        with _noted() as blocked:
            value = super().loads_typed(data)
        if blocked:
            names = ", ".join(sorted(set(blocked)))
            raise TypeNotAllowed(
                f"the graph's state holds {names}: name it in MSGPACK_MODULES, or in the state's schema"
            )
        return value


def types_in(graph: Pregel[Any, Any, Any, Any]) -> set[tuple[str, ...]]:
    """The types that the schemas of a graph and its subgraphs name, where LangGraph is strict; else none.

    LangGraph finds them as a graph is compiled, and loses them when a compiled one is copied.
    """
    subgraphs = [each for _, each in graph.get_subgraphs(recurse=True)]
    builders = [each.builder for each in (graph, *subgraphs) if hasattr(each, "builder")]
    return {name for builder in builders for name in builder.compile()._serde_allowlist or ()}


@contextmanager
def _noted() -> Iterator[list[str]]:
    blocked: list[str] = []
    token = _blocked.set(blocked)
    try:
        yield blocked
    finally:
        _blocked.reset(token)


def _note(event: SerdeEvent) -> None:
    blocked = _blocked.get()
    if blocked is not None and event["kind"] in ("msgpack_blocked", "msgpack_method_blocked"):
        blocked.append(f"{event['module']}:{event['name']}")


register_serde_event_listener(_note)
