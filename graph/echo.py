"""The graph that answers "Echo: ..." with what the customer wrote. No model, no key: to see that everything works."""

from __future__ import annotations

from langchain_core.messages import AIMessage, HumanMessage
from langgraph.graph import END, START, MessagesState, StateGraph


def echo(state: MessagesState) -> dict[str, list[AIMessage]]:
    """Answer all that the customer wrote since the last answer, as one message."""
    said: list[str] = []
    for message in reversed(state["messages"]):
        if not isinstance(message, HumanMessage):
            break
        said.insert(0, message.text)
    words = "\n".join(said)
    return {"messages": [AIMessage(f"Echo: {words}")]}


graph = StateGraph(MessagesState)
graph.add_node("echo", echo)
graph.add_edge(START, "echo")
graph.add_edge("echo", END)
