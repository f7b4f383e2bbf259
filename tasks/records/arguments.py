"""What the tasks may be called with, by hand or by another program: looked at before anything is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import phonenumbers

from chatwoot.phones import written_forms
from tasks.runtime.redaction import SafeError

_WORDS = ("name", "category", "language", "namespace")


class InvalidArguments(SafeError):
    """The task was called with arguments that make no sense. Chatwoot was asked nothing."""


def require_id(value: object, name: str) -> int:
    """
    Raises:
        InvalidArguments: not a positive whole number.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise InvalidArguments(f"{name} must be a positive number")
    return value


def require_text(value: object, name: str) -> str:
    """
    Raises:
        InvalidArguments: not a text, or nothing in it.
    """
    if not isinstance(value, str) or not value.strip():
        raise InvalidArguments(f"{name} must be a text that is not empty")
    return value


def require_key(value: object) -> str:
    """A text, as Redis and Chatwoot can carry it: half a surrogate pair has no UTF-8.

    Raises:
        InvalidArguments: not a text, or nothing in it.
    """
    return require_text(value, "key").encode(errors="backslashreplace").decode()


def require_phone_number(value: object) -> str:
    """`+34 623 22 65 44` -> `+34623226544`, as Chatwoot stores it, in whichever of the forms that a phone may have.

    Raises:
        InvalidArguments: without "+" and country, or of an impossible length. The text does not repeat it.
    """
    try:
        number = phonenumbers.parse(require_text(value, "phone_number"))
    except phonenumbers.NumberParseException as error:
        raise InvalidArguments("phone_number must be in international form, like +34623226544") from error
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if not any(map(_is_possible, written_forms(written))):
        raise InvalidArguments("phone_number has an impossible length for its country")
    return written


def _is_possible(phone_number: str) -> bool:
    return phonenumbers.is_possible_number(phonenumbers.parse(phone_number))


def require_template(value: object) -> dict[str, Any] | None:
    """`template_params`, as Chatwoot wants them, or None.

    Raises:
        InvalidArguments: no object, or one without a name; or its words are none.
    """
    if value is None:
        return None
    if not isinstance(value, Mapping) or not value.get("name"):
        raise InvalidArguments(
            'template_params must be an object with a name, like {"name": "order_update", "language": "es"}'
        )
    for name in _WORDS:
        if not isinstance(value.get(name, ""), str):
            raise InvalidArguments(f"template_params.{name} must be a text")
    if not isinstance(value.get("processed_params", {}), Mapping):
        raise InvalidArguments("template_params.processed_params must be an object")
    return dict(value)
