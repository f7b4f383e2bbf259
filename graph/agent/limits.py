"""What a turn of the agent may cost. Past it people have the conversation, and the customer reads nothing odd."""

from __future__ import annotations

from typing import Any

from langchain.agents.middleware import ModelCallLimitMiddleware, ToolCallLimitMiddleware
from langchain.agents.middleware.types import hook_config

from graph.agent.brief import of_a_turn, this_turn
from graph.outcome import HandOver
from graph.wants import wanted

MODEL_CALLS, TOOL_CALLS = 8, 12
"""In a turn. A shop's question takes two or three."""


class TurnLimit(ModelCallLimitMiddleware):
    """LangChain's limit of model calls, and one of tokens, as models count them in their answers."""

    def __init__(self, *, model_calls: int = MODEL_CALLS, tokens: int = 0) -> None:
        """`tokens`: of a turn, in and out; 0: no limit."""
        super().__init__(run_limit=model_calls)
        self._tokens = tokens

    @hook_config(can_jump_to=["end"])
    def before_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """Stop before the call that would be too much, with a hand-over instead of LangChain's English sentence."""
        if super().before_model(state, runtime) is not None:
            return self._handed_over(f"The bot asked its model {self.run_limit} times and came to no answer.", state)
        spent = tokens_of_this_turn(state)
        if 0 < self._tokens <= spent:
            return self._handed_over(f"The bot used {spent} tokens (MAX_TOKENS_PER_TURN) and came to no answer.", state)
        return None

    def _handed_over(self, reason: str, state: Any) -> dict[str, Any]:
        return {"jump_to": "end", "wants": wanted(HandOver(of_a_turn(reason, state["messages"])))}


def tool_limit() -> ToolCallLimitMiddleware[Any, Any]:
    """What is called past it does not run, and the model is told so."""
    return ToolCallLimitMiddleware(run_limit=TOOL_CALLS)


def tokens_of_this_turn(state: Any) -> int:
    """Those of the messages themselves, so that a turn that goes on in another worker goes on counting."""
    return sum(each.usage_metadata["total_tokens"] for each in this_turn(state["messages"]) if each.usage_metadata)
