"""What a task refuses to be called with, in words that say what to change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasks.customers.outreach import Letter
from tasks.records import arguments
from tasks.records.arguments import BadCall

LETTER: dict[str, Any] = {"phone_number": "+34 623 22 65 44", "content": "Hola", "key": "a key", "inbox_id": 1}


def an_id(value: object) -> int:
    return arguments.an_id(value, "conversation_id")


def a_text(value: object) -> str:
    return arguments.a_text(value, "content")


@pytest.mark.parametrize(
    ("read", "value", "reason"),
    [
        (an_id, 0, "conversation_id must be a positive number"),
        (an_id, -3, "conversation_id must be a positive number"),
        (an_id, True, "conversation_id must be a positive number"),
        (an_id, "3", "conversation_id must be a positive number"),
        (an_id, None, "conversation_id must be a positive number"),
        (a_text, "", "content must be a text that is not empty"),
        (a_text, " \n", "content must be a text that is not empty"),
        (a_text, {"text": "Hola"}, "content must be a text that is not empty"),
        (arguments.a_phone_number, "999 99 99 99", "must be in international form"),
        (arguments.a_phone_number, "Lucía", "must be in international form"),
        (arguments.a_phone_number, "+3499", "has an impossible length"),
        (arguments.a_phone_number, 34999999999, "phone_number must be a text"),
        (arguments.a_template, {}, "an object with a name"),
        (arguments.a_template, {"language": "es"}, "an object with a name"),
        (arguments.a_template, "order_update", "an object with a name"),
        (arguments.a_template, {"name": 3}, "template_params.name must be a text"),
        (arguments.a_template, {"name": "a", "language": None}, "template_params.language must be a text"),
        (arguments.a_template, {"name": "a", "processed_params": ["Ana"]}, "processed_params must be an object"),
    ],
)
def test_refuses(read: Callable[[object], object], value: object, reason: str) -> None:
    with pytest.raises(BadCall, match=reason):
        read(value)


def test_a_phone_number_is_read_as_people_write_it() -> None:
    assert arguments.a_phone_number("+34 623 22-65-44") == "+34623226544"


def test_a_refused_phone_number_is_not_repeated() -> None:
    with pytest.raises(BadCall) as refused:
        arguments.a_phone_number("623226544")
    assert "623" not in str(refused.value).replace("+34623226544", "")


def test_no_template_is_none() -> None:
    assert arguments.a_template(None) is None


@pytest.mark.parametrize("name", ["phone_number", "content", "key", "inbox_id"])
def test_a_letter_needs_all_of_it(name: str) -> None:
    with pytest.raises(BadCall, match=name):
        Letter(**{**LETTER, name: None}).checked()


def test_a_checked_letter() -> None:
    assert Letter(**LETTER).checked() == Letter(**{**LETTER, "phone_number": "+34623226544"})
