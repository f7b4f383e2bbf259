"""`@once` without a turn around it, and what it can be written on; turns: tests/integration/graph/test_once.py."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from langchain_core.tools import BaseTool, tool

from graph.once import NotDone, act_key, once
from tests.stack import ROOT


def book(day: str) -> str:
    """Book a day."""
    return f"{day} is booked"


async def book_async(day: str) -> str:
    """Book a day."""
    return f"{day} is booked"


@pytest.mark.parametrize(
    "made", [tool(once(book)), once(tool(book)), once(verify=print)(tool(book)), tool(once(verify=print)(book))]
)
def test_a_tool_stays_what_it_is(made: BaseTool) -> None:
    plain = tool(book)
    assert (made.name, made.description, made.args) == (plain.name, plain.description, plain.args)
    assert made.invoke({"day": "Tuesday"}) == "Tuesday is booked"


@pytest.mark.parametrize("made", [tool(once(book_async)), once(tool(book_async))])
def test_an_async_one(made: BaseTool) -> None:
    assert asyncio.run(made.ainvoke({"day": "Tuesday"})) == "Tuesday is booked"


def test_without_a_turn_it_is_done_each_time() -> None:
    days: list[str] = []
    note = once(days.append)
    note("Tuesday")
    note("Tuesday")
    assert days == ["Tuesday", "Tuesday"]


def test_a_test_sees_what_could_not_be_kept() -> None:
    with pytest.raises(TypeError, match="what can be kept"):
        once(lambda: object())()


def test_a_method() -> None:
    class Desk:
        @once
        def book(self, day: str) -> str:
            return f"{day} is booked"

    assert Desk().book("Tuesday") == "Tuesday is booked"


class WithoutAFunction(BaseTool):
    name: str = "book"
    description: str = "Book a day."

    def _run(self, day: str) -> str:
        return day


@pytest.mark.parametrize(
    ("what", "words"),
    [(WithoutAFunction(), "write @once on what it calls"), (3, "for functions and tools, not for int")],
)
def test_what_it_cannot_be_written_on(what: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        once(what)


def test_a_verify_that_could_not_be_waited_for() -> None:
    with pytest.raises(TypeError, match="cannot wait"):
        once(verify=book_async)(book)


def test_the_documented_tool() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/graphs.md").read_text(), re.DOTALL)
    module: dict[str, Any] = {"__name__": "example"}
    exec(next(block for block in blocks if "@once" in block), module)
    assert module["book"].invoke({"day": "Tuesday"}) == "A table for Tuesday"
    with pytest.raises(NotDone):
        module["book"].invoke({"day": "Monday"})
    assert module["find"]("Tuesday") is NotDone
    assert act_key() != act_key()
