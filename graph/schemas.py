"""The fields of a schema that a graph names: of its state, or of its context."""

from __future__ import annotations

import dataclasses
from typing import Any, NotRequired, Required, get_origin, get_type_hints

from pydantic import BaseModel

MESSAGES = "messages"
"""The field, and the channel, in which a graph hears and answers."""


def fields_of(schema: type[Any]) -> dict[str, bool]:
    """Of a pydantic model, a dataclass or a TypedDict: name -> whether it has no default."""
    if issubclass(schema, BaseModel):
        return {name: each.is_required() for name, each in schema.model_fields.items()}
    if dataclasses.is_dataclass(schema):
        return {each.name: _has_no_default(each) for each in dataclasses.fields(schema) if each.init}
    return {name: _is_required(schema, name, hint) for name, hint in _hints(schema).items()}


def is_typed_dict(schema: type[Any]) -> bool:
    """Python's, or that of typing_extensions, which `typing.is_typeddict` does not know."""
    return hasattr(schema, "__required_keys__")


def _has_no_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _hints(schema: type[Any]) -> dict[str, Any]:
    try:
        return get_type_hints(schema, include_extras=True)
    except NameError:  # of a function's own types, which nobody else can resolve: their names are enough
        bases = [getattr(each, "__annotations__", {}) for each in reversed(schema.__mro__)]
        return {name: hint for annotations in bases for name, hint in annotations.items()}


def _is_required(schema: type[Any], name: str, hint: Any) -> bool:
    """Python takes `NotRequired[…]` for required where annotations are texts (`from __future__ import annotations`)."""
    if get_origin(hint) in (Required, NotRequired):
        return get_origin(hint) is Required
    return is_typed_dict(schema) and name in schema.__required_keys__
