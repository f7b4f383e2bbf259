"""A chat model by script, as strict as the real APIs: it refuses what they refuse, and says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field

from graph.history import problems


class Refused(Exception):
    """400: the history cannot be."""


class ScriptedModel(BaseChatModel):
    """Says one line of its script after the other; then it echoes the last message."""

    script: list[Any] = Field(default_factory=list)
    """Texts, messages, and errors to raise."""
    heard: list[list[BaseMessage]] = Field(default_factory=list)
    """What it was asked, each time."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        if wrong := problems(messages):
            raise Refused("; ".join(wrong))
        self.heard.append(list(messages))
        line = self.script.pop(0) if self.script else f"Echo: {messages[-1].text}"
        if isinstance(line, Exception):
            raise line
        message = AIMessage(line) if isinstance(line, str) else line
        return ChatResult(generations=[ChatGeneration(message=message)])


class DecidingModel(ScriptedModel):
    """Says what `decide` makes of all that it is told: the same each time that it is asked the same."""

    decide: Callable[[list[BaseMessage]], Any]

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self.script = [self.decide(messages)]
        return super()._generate(messages, *args, **kwargs)


def calling(tool: str, call_id: str, /, **arguments: Any) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": tool, "args": arguments, "id": call_id, "type": "tool_call"}])
