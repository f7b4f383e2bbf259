"""What the model is given to look at: the conversation, with the customer's files, without what is not its to read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse

from graph.agent.privacy import Redaction
from graph.media import seen


class View(AgentMiddleware[Any, Any, Any]):
    """None of it is kept in the state."""

    def __init__(self, sees: Collection[str], redaction: Redaction) -> None:
        super().__init__()
        self._sees = sees
        self._redaction = redaction

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        return handler(self._viewed(request))

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        return await handler(self._viewed(request))

    def _viewed(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        messages: Any = seen(self._redaction.of(request.messages), kinds=self._sees)
        return request.override(messages=messages)
