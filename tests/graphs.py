"""Graphs that misbehave, for tests: GRAPH=tests.graphs:failing and so on. What they do is steered by files.

TEST_GATE names a folder. While it holds a file "closed", `gated` waits; each time a graph begins to think it leaves a
file there, so that a test can wait for it.
"""

from __future__ import annotations

import base64
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, interrupt

from graph.context import Conversation
from graph.echo import echo
from graph.media import seen
from graph.said import quoted


def _gate() -> Path:
    return Path(os.environ["TEST_GATE"])


def _leave_a_trace(name: str) -> None:
    (_gate() / f"{name}-{time.time_ns()}-{os.getpid()}").touch()


def _wait_and_echo(state: MessagesState) -> Any:
    _leave_a_trace("thinking")
    while (_gate() / "closed").exists():
        time.sleep(0.02)
    return echo(state)


def _fail(state: MessagesState) -> Any:
    _leave_a_trace("failing")
    raise RuntimeError(f"the words of the customer: {state['messages'][-1].text}")


def _die(state: MessagesState) -> Any:
    """As a crash in C would, or running out of memory."""
    _leave_a_trace("dying")
    if "poison" in state["messages"][-1].text:
        os.kill(os.getpid(), signal.SIGKILL)
    return echo(state)


def _one(node: Any) -> StateGraph[Any, Any, Any, Any]:
    builder = StateGraph(MessagesState)
    builder.add_node("node", node)
    builder.add_edge(START, "node")
    return builder


def _first(state: MessagesState) -> Any:
    _leave_a_trace("first")
    return {"messages": [AIMessage("first")]}


def _second(state: MessagesState) -> Any:
    _leave_a_trace("second")
    while (_gate() / "closed").exists():
        time.sleep(0.02)
    return {"messages": [AIMessage("second")]}


def _filtered(state: MessagesState) -> Any:
    """As a model's content filter: it refuses the whole history for one message in it."""
    if any("poison" in message.text for message in state["messages"]):
        raise RuntimeError("400: refused")
    return echo(state)


def _step_then_fail(state: MessagesState) -> Any:
    """A step that is saved, and then one that fails for good."""
    if "poison" in state["messages"][-1].text:
        return Command(update={"messages": [AIMessage("half of it")]}, goto="fail")
    return Command(update=echo(state), goto=END)


def _say_nothing(state: MessagesState) -> Any:
    _leave_a_trace("wordless")
    if "always" in state["messages"][-1].text or len(list(_gate().glob("wordless-*"))) == 1:
        return {"messages": [AIMessage(" ")]}
    return echo(state)


wordless = _one(_say_nothing)


def _tell_what_it_knows(state: MessagesState, runtime: Runtime[Conversation]) -> Any:
    it = runtime.context
    known = [it.contact_name, it.phone_number, it.channel, it.conversation_id, *it.labels]
    back = "handed back" if it.handed_back else "never handed back"
    open_for_h = int((it.window_open_until or 0) - time.time()) // 3600
    return {"messages": [AIMessage(f"{' '.join(map(str, known))}, {back}, {open_for_h} h left")]}


knowing = StateGraph(MessagesState, context_schema=Conversation)
knowing.add_node("node", _tell_what_it_knows)
knowing.add_edge(START, "node")


def _remember(state: MessagesState, runtime: Runtime[Conversation]) -> Any:
    """Keeps the customer's last words, and tells those before. It dies right after it has put "poison", once."""
    assert runtime.store is not None
    said, whose = state["messages"][-1].text, runtime.context.namespace
    known = [item.value["text"] for item in runtime.store.search(whose)]
    _leave_a_trace("remembering")
    while (_gate() / "closed").exists():
        time.sleep(0.02)
    runtime.store.put(whose, "said", {"text": said})
    if said == "poison" and len(list(_gate().glob("remembering-*"))) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"messages": [AIMessage(f"Before, you said: {', '.join(known) or 'nothing'}")]}


remembering = StateGraph(MessagesState, context_schema=Conversation)
remembering.add_node("node", _remember)
remembering.add_edge(START, "node")


@dataclass
class Order:
    """A type of one's own in a graph's state."""

    number: str


class Ordering(MessagesState):
    order: Any
    """Of a type that no schema names."""


def _order(state: Ordering) -> Any:
    known = state.get("order")
    words = f"Order {known.number}" if known else "Ordered"
    return {"order": Order(state["messages"][-1].text), "messages": [AIMessage(words)]}


ordering = StateGraph(Ordering)
ordering.add_node("node", _order)
ordering.add_edge(START, "node")


class StatusError(Exception):
    """As a model's client raises it."""

    def __init__(self, status_code: int) -> None:
        super().__init__("Incorrect API key provided: sk-no")
        self.status_code = status_code


def _refused(state: MessagesState) -> Any:
    _leave_a_trace("refused")
    raise StatusError(401)


def _away_twice(state: MessagesState) -> Any:
    _leave_a_trace("away")
    if len(list(_gate().glob("away-*"))) <= 2:
        raise StatusError(503)
    return echo(state)


refused = _one(_refused)
away_twice = _one(_away_twice)
gated = _one(_wait_and_echo)
filtered = _one(_filtered)
halfway: StateGraph[Any, Any, Any, Any] = StateGraph(MessagesState)
halfway.add_node("step", _step_then_fail, destinations=("fail", END))
halfway.add_node("fail", _fail)
halfway.add_edge(START, "step")
failing = _one(_fail)
deadly = _one(_die)

stepwise: StateGraph[Any, Any, Any, Any] = StateGraph(MessagesState)
stepwise.add_node("first", _first)
stepwise.add_node("second", _second)
stepwise.add_edge(START, "first")
stepwise.add_edge("first", "second")


def _ask_a_human(state: MessagesState) -> Any:
    decision = interrupt("May I refund 40 euros?")
    return {"messages": [AIMessage(f"The team says: {decision}")]}


def _ask_if_told(state: MessagesState) -> Any:
    return _ask_a_human(state) if state["messages"][-1].text == "refund" else echo(state)


def _quote(state: MessagesState) -> Any:
    last = state["messages"][-1]
    of = quoted(last, state["messages"])
    return {"messages": [AIMessage(f"You quote: {of.text}" if of else f"You say: {last.text}")]}


def _see(state: MessagesState) -> Any:
    (*_, last) = seen(state["messages"])
    blocks = last.content[1:] if isinstance(last.content, list) else []
    sights = [
        str(each.get("text") or f"{each['mime_type']} of {len(base64.b64decode(each['base64']))}") for each in blocks
    ]
    return {"messages": [AIMessage(f"I see {', '.join(sights)}")]}


quoting = _one(_quote)
seeing = _one(_see)
asking = _one(_ask_a_human)
asking_if_told = _one(_ask_if_told)
stepwise_inside = _one(stepwise.compile())
