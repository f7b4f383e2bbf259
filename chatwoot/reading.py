"""Reads JSON that other versions of Chatwoot may write differently: a value of another type counts as absent.

Only `required_id` complains, since nothing can be done with a thing that has no id.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeGuard, TypeVar

T = TypeVar("T")

_LARGEST_ID = 2**63


class Misshapen(ValueError):
    """An answer without what makes it usable."""


def parsed(body: bytes) -> Any:
    """The JSON in it.

    A number that is too long for Python (4,300 digits), as a contact's attribute may be, becomes a text, so that it
    spoils nothing else.

    Raises:
        ValueError: it is not JSON, or nested too deeply.
    """
    try:
        try:
            return json.loads(body)
        except json.JSONDecodeError:
            raise
        except ValueError:  # by the parser's every number, as this is slower
            return json.loads(body, parse_int=_whole_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def required_id(value: Mapping[str, Any], key: str = "id") -> int:
    """
    Raises:
        Misshapen: there is none.
    """
    if (found := identifier(value.get(key))) is None:
        raise Misshapen(f"no {key}")
    return found


def within(answer: Any, *keys: str) -> Any:
    for key in keys:
        answer = mapping(answer).get(key)
    return answer


def all_of(shape: Callable[[Any], T], *keys: str) -> Callable[[Any], list[T]]:
    """Shapes the list that is found under `keys`."""

    def shaped(answer: Any) -> list[T]:
        found = within(answer, *keys)
        if not isinstance(found, list):
            raise Misshapen(f"no list in {'.'.join(keys)}")
        return [shape(item) for item in found]

    return shaped


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list; whatever else is in it is passed over."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts(value: object) -> tuple[str, ...]:
    found = map(text, value) if isinstance(value, list) else ()
    return tuple(item for item in found if item)


def text(value: object) -> str | None:
    """None also for the empty text: Chatwoot writes "" and null for the same.

    Half a surrogate pair, good JSON but no text that could be stored anywhere, becomes a question mark.
    """
    return value.encode(errors="replace").decode() if isinstance(value, str) and value else None


def identifier(value: object) -> int | None:
    return value if _is_int(value) and 0 < value < _LARGEST_ID else None


def number(value: object) -> float | None:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return float(value) if _is_int(value) and abs(value) < _LARGEST_ID else None


def moment(value: object) -> float | None:
    """Unix seconds of a time that is written as a number or in ISO 8601; None for Chatwoot's 0, "never"."""
    if isinstance(value, str):
        return _iso(value)
    return number(value) or None


def _iso(value: str) -> float | None:
    try:
        parsed = datetime.fromisoformat(value)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _whole_number(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:
        return digits


def _is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
