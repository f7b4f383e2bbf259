"""GRAPH=graph.agent:graph: a chat model with a prompt, that can hand over to a human and leave them notes.

MODEL names the model as LangChain's `init_chat_model` does, such as `openai:gpt-5-mini`; its provider's package, such
as `langchain-openai`, is to be installed, and the key is in the provider's own environment variable.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import SystemMessage, ToolMessage
from langchain_core.tools import InjectedToolCallId, tool
from langgraph.graph import END, START, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import Command

from graph.media import IMAGE, PDF, seen
from graph.missing import keys_not_set, missing
from graph.modules import GraphError
from graph.outcome import HandOver, Note, Want
from graph.wants import TalkState, wanted

PROMPT = """You answer the customers of a business in its chat: briefly, kindly, in the customer's language.
Say only what you know. When you do not know, or the customer asks for a person, hand over to a human."""
_TIMEOUT_S = 60
AUTO = "auto"


@tool
def hand_over(reason: str, tool_call_id: Annotated[str, InjectedToolCallId]) -> Command[Any]:
    """Let a human go on with this conversation. `reason` is for the human; the customer does not see it."""
    return _noted(tool_call_id, HandOver(reason), "A human takes over. Tell the customer so in one short sentence.")


@tool
def leave_a_note(text: str, tool_call_id: Annotated[str, InjectedToolCallId]) -> Command[Any]:
    """Leave a private note for the humans of the team. The customer does not see it."""
    return _noted(tool_call_id, Note(text), "Noted.")


_TOOLS = [hand_over, leave_a_note]


def graph(model: str, prompt: str, sees: str = AUTO) -> StateGraph[Any, Any, Any, Any]:
    """The agent with the model of this name. An empty prompt is the one above. `sees`: "image,pdf", "image", "nothing",
    or "auto", which is what LangChain knows of the model.

    Raises:
        GraphError: MODEL is not set, or its provider's package or key is missing.
    """
    if not model:
        raise GraphError("graph.agent needs MODEL, such as openai:gpt-5-mini")
    made = _model(model)
    if names := keys_not_set(made):
        raise GraphError(f"MODEL={model}: set {names}")
    return build(made, prompt, sees=_kinds(sees, made))


def _model(name: str) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    try:
        return init_chat_model(name, timeout=_TIMEOUT_S, max_retries=2)
    except Exception as error:  # noqa: BLE001 - a provider's client, which may want a key, a region, a project
        unknown = "no provider of LangChain's is named so" if str(error).startswith("Unable to infer") else None
        what = missing(error) or unknown or f"{type(error).__name__}, whose words are kept back: they may hold a key"
        raise GraphError(f"MODEL={name}: {what}") from None


def build(model: BaseChatModel, prompt: str = "", *, sees: Collection[str] = ()) -> StateGraph[Any, Any, Any, Any]:
    """The agent around a chat model that can call tools, and `sees` what of `graph.media`."""
    system = SystemMessage(prompt or PROMPT)
    bound = model.bind_tools(_TOOLS)

    def think(state: TalkState) -> Any:
        return {"messages": [bound.invoke([system, *seen(state["messages"], kinds=sees)])]}

    builder = StateGraph(TalkState)
    builder.add_node("think", think)
    builder.add_node("tools", ToolNode(_TOOLS))
    builder.add_edge(START, "think")
    builder.add_conditional_edges("think", tools_condition, ["tools", END])
    builder.add_edge("tools", "think")
    return builder


def _kinds(sees: str, model: BaseChatModel) -> Collection[str]:
    if sees != AUTO:
        return sees.split(",")
    profile: Mapping[str, Any] = model.profile or {}
    return [kind for kind in (IMAGE, PDF) if profile.get(f"{kind}_inputs")]


def _noted(tool_call_id: str, want: Want, answer: str) -> Command[Any]:
    return Command(update={"wants": wanted(want), "messages": [ToolMessage(answer, tool_call_id=tool_call_id)]})
