"""What the agent can do besides answering: each says by value what it wants, and `tasks` does it.

Which labels and attributes it may set is the shop's to say: the model reads what strangers write.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any

from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, InjectedToolCallId, tool
from langgraph.types import Command

from graph.agent.brief import brief
from graph.outcome import Attributes, BadWant, HandOver, Labels, Later, Note, Want
from graph.wants import wanted

CallId = Annotated[str, InjectedToolCallId]
_HOUR_S = 3600
_MOST_VALUE = 500


@tool(return_direct=True)
def hand_over(
    reason: str, closing: str, tool_call_id: CallId, asked: str = "", tried: str = "", facts: str = ""
) -> Command[Any]:
    """Let a human go on with this conversation; it ends your part.

    Args:
        reason: why, in a few words, for the human; the customer does not see it.
        closing: the one short sentence that the customer is told now, in their language.
        asked: what the customer asked for, for the human.
        tried: what you have tried or answered, for the human.
        facts: what you have learnt that the human needs, such as names, dates, numbers.
    """
    want = HandOver(brief(reason, asked=asked, tried=tried, facts=facts), closing=closing.strip() or None)
    return _noted(tool_call_id, want, "A human has the conversation now.")


@tool
def leave_a_note(text: str, tool_call_id: CallId) -> Command[Any]:
    """Leave a private note for the humans of the team. The customer does not see it."""
    return _noted(tool_call_id, Note(text), "Noted.")


@tool
def follow_up(text: str, after_hours: float, tool_call_id: CallId) -> Command[Any]:
    """Write to the customer again in a while, unless they write before: a reminder that they asked for, say.

    Args:
        text: what they are told then, in their language.
        after_hours: from now; at most 696, which is 29 days.
    """
    try:
        want = Later(text, after_hours * _HOUR_S, unless_they_write=True)
    except BadWant:
        return _answered(tool_call_id, "Not done: it must be in the future, and within 29 days.")
    return _noted(tool_call_id, want, "They will be told then, unless they write before.")


def labelling(allowed: Collection[str]) -> BaseTool:
    """Adds and removes labels of the conversation, of these only."""
    names = ", ".join(allowed)

    @tool(description=f"Add or remove labels of this conversation, for the team. There are: {names}.")
    def label(tool_call_id: CallId, add: list[str] | None = None, remove: list[str] | None = None) -> Command[Any]:
        added, removed = tuple(add or ()), tuple(remove or ())
        if not {*added, *removed} <= set(allowed):
            return _answered(tool_call_id, f"Not done: there are only {names}.")
        return _noted(tool_call_id, Labels(added, removed), "Done.")

    return label


def remembering(allowed: Collection[str]) -> BaseTool:
    """Sets custom attributes of the conversation, of these only."""
    names = ", ".join(allowed)

    @tool(description=f"Write down a fact about this conversation for the team. `name` is one of: {names}.")
    def remember(name: str, value: str, tool_call_id: CallId) -> Command[Any]:
        if name not in allowed:
            return _answered(tool_call_id, f"Not done: there is only {names}.")
        return _noted(tool_call_id, Attributes({name: value[:_MOST_VALUE]}), "Written down.")

    return remember


def _noted(tool_call_id: str, want: Want, answer: str) -> Command[Any]:
    message = ToolMessage(answer, tool_call_id=tool_call_id)
    return Command(update={"wants": wanted(want), "messages": [message]})


def _answered(tool_call_id: str, answer: str) -> Command[Any]:
    return Command(update={"messages": [ToolMessage(answer, tool_call_id=tool_call_id, status="error")]})
