"""A call of what acts once: told apart by what it is given, in words for people, and its result kept as it was."""

from __future__ import annotations

import enum
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import pytest
from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import InjectedToolCallId
from langgraph.prebuilt import InjectedState, ToolRuntime
from langgraph.types import Command
from pydantic import BaseModel

from graph.calls import Call, Shape, packed


class Size(enum.Enum):
    SMALL = "small"


class Order(BaseModel):
    number: int


def book(day: Any, people: int = 2, **more: Any) -> None: ...


def call(*args: Any, **kwargs: Any) -> Call:
    return Shape.of(book).call(args, kwargs)


def test_it_is_known_by_what_it_is_given_not_by_how() -> None:
    assert call("Tuesday").arguments == call(people=2, day="Tuesday").arguments
    assert call("Tuesday", a=1, b=2).arguments == call("Tuesday", b=2, a=1).arguments
    assert len({call("Tuesday").arguments, call("Tuesday", 3).arguments, call("Tuesday", a=1).arguments}) == 3


@pytest.mark.parametrize("value", [date(2026, 1, 2), Decimal("1.50"), Size.SMALL, Order(number=3), ["a", {"b": None}]])
def test_whatever_has_json(value: Any) -> None:
    assert call(value).arguments == call(value).arguments


def test_what_has_none_is_refused() -> None:
    with pytest.raises(TypeError, match="known by its arguments, as JSON"):
        _ = call(object()).arguments


def test_what_langgraph_gives_does_not_count() -> None:
    def act(
        order: str,
        state: Annotated[dict[str, Any], InjectedState],
        config: RunnableConfig | None,
        call_id: Annotated[str, InjectedToolCallId],
        runtime: ToolRuntime,
    ) -> None: ...

    given = Shape.of(act).call(("A1", {}, {}, "call-1", None), {})
    assert (given.given, given.id) == ({"order": "A1"}, "call-1")


def test_its_words() -> None:
    assert call("mañana", note='say "hi"').in_words("book") == r'book(day="mañana", note="say \"hi\"", people=2)'
    assert len(call("x" * 2000).in_words("book")) < 600


@pytest.mark.parametrize(
    "result", ["text", None, 1.5, {"a": [1, None]}, ("content", {"artifact": 1}), datetime(2026, 1, 2), b"x"]
)
def test_a_result_is_given_again_as_it_was(result: Any) -> None:
    assert call("Tuesday").result_of(packed(result)) == result


def test_a_tools_message_answers_the_call_that_is_made_now() -> None:
    now = Call({}, "call-2")
    message = ToolMessage("booked", tool_call_id="call-1")
    assert now.result_of(packed(message)).tool_call_id == "call-2"
    command = now.result_of(packed(Command(update={"messages": [message], "wants": []}, goto="next")))
    assert command.goto == "next"
    assert [each.tool_call_id for each in command.update["messages"]] == ["call-2"]
    assert Call({}, None).result_of(packed(message)).tool_call_id == "call-1"


def test_what_cannot_be_kept_is_refused() -> None:
    with pytest.raises(TypeError, match="what can be kept"):
        packed(object())
