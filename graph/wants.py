"""How a graph says what it wants besides its AI messages: in the state channel `wants`, empty at the start of a turn.

The channel holds plain dicts, because only plain values survive a checkpoint whatever its serializer allows.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from langgraph.channels import BinaryOperatorAggregate
from langgraph.graph import MessagesState
from langgraph.types import Overwrite
from pydantic import TypeAdapter, ValidationError

from graph.outcome import Attributes, BadWant, HandOver, Labels, Later, Note, Outcome, Reply, Resolve, Silence, Want

if TYPE_CHECKING:  # it loads what is built on the state below
    from graph.loader import Graph

WANTS = "wants"
_KIND = "want"
_KINDS: dict[str, type[Want]] = {
    "reply": Reply,
    "later": Later,
    "hand_over": HandOver,
    "note": Note,
    "labels": Labels,
    "attributes": Attributes,
    "resolve": Resolve,
    "silence": Silence,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_ADAPTERS: dict[str, TypeAdapter[Want]] = {name: TypeAdapter(kind) for name, kind in _KINDS.items()}


class TalkState(MessagesState):
    """A state with `messages` and `wants`, to build a graph on."""

    wants: Annotated[list[dict[str, Any]], operator.add]


def wanted(*wants: Want) -> list[dict[str, Any]]:
    """For a node to return: `{"wants": wanted(HandOver("asks for a person"))}`.

    Raises:
        BadWant: what stands in one cannot be written down.
    """
    return [_written(want) for want in wants]


def none_yet(graph: Graph) -> dict[str, Any]:
    """The part of a turn's input that empties `wants`, where the graph has such a channel."""
    channel = graph.channels.get(WANTS)
    if channel is None:
        return {}
    return {WANTS: Overwrite([]) if isinstance(channel, BinaryOperatorAggregate) else []}


def wants_of(values: Mapping[str, Any]) -> tuple[Want, ...]:
    """What a turn's state says that it wants.

    Raises:
        BadWant: it says something else.
    """
    return tuple(_want(each) for each in values.get(WANTS) or ())


def outcome(replies: Iterable[Reply], wants: Iterable[Want]) -> Outcome:
    """What was said, then what is wanted besides.

    A wanted `Reply` of the same text as an AI message takes that message's place, with its buttons and files: so it is
    said once, and remembered. `Silence` keeps back what would be said, and nothing else.
    """
    said, besides = list(replies), list(wants)
    dressed = {want.text: want for want in besides if isinstance(want, Reply)}
    texts = {reply.text for reply in said}
    all_of_it: list[Want] = [replace(dressed.get(reply.text, reply), said_as=reply.said_as) for reply in said]
    all_of_it += [want for want in besides if not (isinstance(want, Reply) and want.text in texts)]
    if any(isinstance(want, Silence) for want in besides):
        return tuple(_silenced(want) for want in all_of_it if not isinstance(want, Reply))
    return tuple(all_of_it)


def _silenced(want: Want) -> Want:
    return replace(want, closing=None) if isinstance(want, HandOver) else want


def _written(want: Want) -> dict[str, Any]:
    name = _NAMES.get(type(want))
    if name is None:
        raise BadWant(f"{type(want).__name__} is not among {', '.join(_KINDS)}")
    _require_json(want)
    values: dict[str, Any] = _ADAPTERS[name].dump_python(want, warnings=False)
    return {_KIND: name, **{field: _plain(value) for field, value in values.items()}}


def _plain(value: Any) -> Any:
    """As a checkpoint and JSON know it: no tuples."""
    return list(value) if isinstance(value, tuple) else value


def _want(value: object) -> Want:
    """What another version of the program wrote besides is passed over."""
    if not isinstance(value, Mapping) or value.get(_KIND) not in _KINDS:
        raise BadWant(f"`wants` holds what is not among {', '.join(_KINDS)}: use graph.wants.wanted")
    try:
        want = _ADAPTERS[value[_KIND]].validate_python({name: each for name, each in value.items() if name != _KIND})
        _require_json(want)
        return want
    except ValidationError as error:
        problems = ((".".join(map(str, each["loc"])), each["msg"]) for each in error.errors(include_input=False))
        raise BadWant(f"{value[_KIND]}: {'; '.join(f'{place}: {what}' for place, what in problems)}") from None


def _require_json(want: Want) -> None:
    """The one want that may hold anything."""
    for value in want.values.values() if isinstance(want, Attributes) else ():
        try:
            json.dumps(value)
        except (TypeError, ValueError, RecursionError):
            raise BadWant(f"attributes: a value of type {type(value).__name__} cannot be written as JSON") from None
