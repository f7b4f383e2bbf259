"""What the model is not to read: addresses and numbers are taken out of what it is given, and stay in the memory.

LangChain's `PIIMiddleware` looks at the last message only, where customers write several at once, and not at what is
summarized: its rules are applied to all of it here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from langchain.agents.middleware import RedactionRule
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, SystemMessage

from graph.modules import GraphError

KINDS = ("email", "credit_card", "ip", "mac_address", "url")


class Redaction:
    """Takes what is of some kinds out of messages: each becomes a word such as [REDACTED_EMAIL]."""

    def __init__(self, kinds: Collection[str]) -> None:
        """
        Raises:
            GraphError: a kind that there is not.
        """
        if unknown := set(kinds) - set(KINDS):
            raise GraphError(f"REDACT_PII: {', '.join(sorted(unknown))}: not among {', '.join(KINDS)}")
        self._rules = [RedactionRule(pii_type=kind, strategy="redact").resolve() for kind in kinds]

    def of(self, messages: Sequence[AnyMessage]) -> list[Any]:
        """Copies where something is taken out. Instructions are left as they are."""
        if not self._rules:
            return list(messages)
        return [each if isinstance(each, SystemMessage) else self._message(each) for each in messages]

    def _message(self, message: BaseMessage) -> BaseMessage:
        update: dict[str, Any] = {"content": self._value(message.content)}
        if isinstance(message, AIMessage):
            update["tool_calls"] = [{**call, "args": self._value(call["args"])} for call in message.tool_calls]
        return message.model_copy(update=update)

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return [self._value(each) for each in value]
        if isinstance(value, dict):
            return {name: self._value(each) for name, each in value.items()}
        return value

    def _text(self, text: str) -> str:
        for rule in self._rules:
            text, _ = rule.apply(text)
        return text
