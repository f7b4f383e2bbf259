"""What the models of a turn have used, told while it runs: whatever graph it is, and whatever asks a model in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.tracers.context import register_configure_hook


@dataclass(frozen=True)
class Usage:
    """Of one call of a model, as its answer says; a model that says nothing of it is not heard of."""

    model: str
    """As the provider names it, such as "gpt-5-mini-2025-08-07"; "" where it does not."""
    input_tokens: int
    output_tokens: int


Told = Callable[[Usage], None]


@contextmanager
def told(tell: Told) -> Iterator[None]:
    """Within it `tell` is called after each call of a model, from whatever thread made it. It should not raise."""
    reset = _TELLING.set(_Teller(tell))
    try:
        yield
    finally:
        _TELLING.reset(reset)


class _Teller(BaseCallbackHandler):
    def __init__(self, tell: Told) -> None:
        self._tell = tell

    def on_llm_end(self, response: LLMResult, **_: Any) -> None:
        for generations in response.generations:
            for each in generations:
                if isinstance(each, ChatGeneration) and isinstance(each.message, AIMessage):
                    self._tell_of(each.message)

    def _tell_of(self, message: AIMessage) -> None:
        if (used := message.usage_metadata) is None:
            return
        named = message.response_metadata
        model = str(named.get("model_name") or named.get("model") or "")
        self._tell(Usage(model, used["input_tokens"], used["output_tokens"]))


_TELLING: ContextVar[_Teller | None] = ContextVar("telling", default=None)
register_configure_hook(_TELLING, inheritable=True)
