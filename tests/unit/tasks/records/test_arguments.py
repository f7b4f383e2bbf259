"""What a task refuses to be called with, in words that say what to change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasks.customers.outreach import FirstMessage
from tasks.records import arguments
from tasks.records.arguments import InvalidArguments

MESSAGE: dict[str, Any] = {"phone_number": "+34 623 22 65 44", "content": "Hola", "key": "a key", "inbox_id": 1}


def require_id(value: object) -> int:
    return arguments.require_id(value, "conversation_id")


def require_text(value: object) -> str:
    return arguments.require_text(value, "content")


@pytest.mark.parametrize(
    ("read", "value", "reason"),
    [
        (require_id, 0, "conversation_id must be a positive number"),
        (require_id, -3, "conversation_id must be a positive number"),
        (require_id, True, "conversation_id must be a positive number"),
        (require_id, "3", "conversation_id must be a positive number"),
        (require_id, None, "conversation_id must be a positive number"),
        (require_text, "", "content must be a text that is not empty"),
        (require_text, " \n", "content must be a text that is not empty"),
        (require_text, {"text": "Hola"}, "content must be a text that is not empty"),
        (arguments.require_phone_number, "999 99 99 99", "must be in international form"),
        (arguments.require_phone_number, "Lucía", "must be in international form"),
        (arguments.require_phone_number, "+3499", "has an impossible length"),
        (arguments.require_phone_number, 34999999999, "phone_number must be a text"),
        (arguments.require_template, {}, "an object with a name"),
        (arguments.require_template, {"language": "es"}, "an object with a name"),
        (arguments.require_template, "order_update", "an object with a name"),
        (arguments.require_template, {"name": 3}, "template_params.name must be a text"),
        (arguments.require_template, {"name": "a", "language": None}, "template_params.language must be a text"),
        (arguments.require_template, {"name": "a", "processed_params": ["Ana"]}, "processed_params must be an object"),
    ],
)
def test_refuses(read: Callable[[object], object], value: object, reason: str) -> None:
    with pytest.raises(InvalidArguments, match=reason):
        read(value)


def test_a_phone_number_is_read_as_people_write_it() -> None:
    assert arguments.require_phone_number("+34 623 22-65-44") == "+34623226544"


def test_a_refused_phone_number_is_not_repeated() -> None:
    with pytest.raises(InvalidArguments) as refused:
        arguments.require_phone_number("623226544")
    assert "623" not in str(refused.value).replace("+34623226544", "")


def test_no_template_is_none() -> None:
    assert arguments.require_template(None) is None


@pytest.mark.parametrize("name", ["phone_number", "content", "key", "inbox_id"])
def test_a_letter_needs_all_of_it(name: str) -> None:
    with pytest.raises(InvalidArguments, match=name):
        FirstMessage(**{**MESSAGE, name: None}).checked()


def test_a_checked_letter() -> None:
    assert FirstMessage(**MESSAGE).checked() == FirstMessage(**{**MESSAGE, "phone_number": "+34623226544"})
