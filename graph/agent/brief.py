"""What people read when they take over: a template, filled with what is known. No model is asked for it."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage


def brief(reason: str, *, asked: str = "", tried: str = "", facts: str = "") -> str:
    """The reason, and below it a line for each thing that is known."""
    lines = [("Asked", asked), ("Tried", tried), ("Facts", facts)]
    return "\n".join([reason.strip(), *(f"- {name}: {text.strip()}" for name, text in lines if text.strip())])


def of_a_turn(reason: str, messages: Sequence[BaseMessage]) -> str:
    """Where the agent was stopped and could not say itself: the tools that it called since the customer wrote."""
    calls = [call["name"] for message in this_turn(messages) for call in message.tool_calls]
    return brief(reason, tried=", ".join(f"{name} ({calls.count(name)})" for name in dict.fromkeys(calls)))


def this_turn(messages: Sequence[BaseMessage]) -> list[AIMessage]:
    """What the model has said since the customer's last message."""
    last = max((place for place, each in enumerate(messages) if isinstance(each, HumanMessage)), default=-1)
    return [each for each in messages[last + 1 :] if isinstance(each, AIMessage)]
