"""What the agent asks of Chatwoot: how, it is given as functions. Where one fails, the answer does not hang on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from langchain.tools import ToolRuntime
from langchain_core.tools import BaseTool, tool

from graph.context import Conversation


class Article(Protocol):
    """Of a help centre: its text, or the part of it that was found, and where the customer reads it."""

    @property
    def title(self) -> str: ...

    @property
    def text(self) -> str: ...

    @property
    def url(self) -> str: ...


HelpCenter = Callable[[str], Sequence[Article]]
"""The articles in which some words stand, the best first."""
OpeningHours = Callable[[int], str]
"""An inbox's opening hours in words, and whether it is open now."""

_MOST_ARTICLES, _MOST_TEXT = 3, 2_000


def help_center_tool(search: HelpCenter) -> BaseTool:
    """Finds articles, each with its link."""

    @tool
    def search_help_center(words: str) -> str:
        """Find articles of our help centre. `words`: one or two, as they would stand in the article.

        Give the customer the link of the article that you answer by, as it is written.
        """
        try:
            found = search(words)
        except Exception:  # noqa: BLE001 - whatever keeps it from being asked
            return "The help centre cannot be asked now."
        shown = (f"# {each.title}\n{each.text[:_MOST_TEXT]}\nLink: {each.url}" for each in found[:_MOST_ARTICLES])
        return "\n\n".join(shown) or "Nothing found. Try one other word."

    return search_help_center


def opening_hours_tool(hours: OpeningHours) -> BaseTool:
    """Tells those of the inbox in which the customer writes."""

    @tool
    def opening_hours(runtime: ToolRuntime[Conversation, Any]) -> str:
        """Tell when people are there to answer, and whether they are now."""
        inbox_id = runtime.context.inbox_id if runtime.context else None
        try:
            return hours(inbox_id) if inbox_id is not None else "Not known."
        except Exception:  # noqa: BLE001 - whatever keeps it from being asked
            return "Not known at the moment."

    return opening_hours
