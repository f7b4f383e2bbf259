"""Graphs that want more than to answer: GRAPH=tests.graphs_that_want:obedient and so on."""

from __future__ import annotations

import os
import time
from datetime import date
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage
from langgraph.graph import START, StateGraph

from graph.outcome import Attributes, File, HandOver, Labels, Later, Note, Reply, Resolve, Silence, Want
from graph.wants import TalkState, wanted

# What the customer writes -> what the graph says and wants.
_ORDERS: dict[str, tuple[str, tuple[Want, ...]]] = {
    "buttons": ("Which one?", (Reply("Which one?", quick_replies=("Cut", "Colour")),)),
    "file": ("", (Reply("Here it is", files=(File("hours.txt", b"9 to 5", "text/plain"),)),)),
    "template": ("Write {{contact.name}} or {% if %}", ()),
    "long": ("A sentence of words. " * 300, ()),
    "bubbles": ("One", (Reply("Two"), Reply("Three"))),
    "five bubbles": ("One", tuple(map(Reply, ("Two", "Three", "Four", "Five")))),
    "a file and a question": (
        "",
        (Reply("Our hours", files=(File("hours.txt", b"9 to 5", "text/plain"),)), Reply("Which day?")),
    ),
    "hand over": ("", (HandOver("asks for a person", team_id=1, closing="A colleague goes on."),)),
    "tidy": ("Done", (Labels(add=("vip",), remove=("new",)), Attributes({"size": 42}), Note("likes tea"), Resolve())),
    "later": ("In a moment", (Later("Now", after_s=1),)),
    "follow up": ("Noted", (Later("Still there?", after_s=5, unless_they_write=True), Later("It is time", after_s=6))),
    "nonsense": ("Done", (Attributes({"score": float("nan")}),)),
    "a date": ("Done", (Attributes({"born": date(1990, 5, 17)}),)),
    "bytes": ("Done", (Attributes({"photo": b"\xff"}),)),
    "a set": ("Done", (Attributes({"sizes": {"nested": {38, 39}}}),)),
    "an object": ("Done", (Attributes({"who": object()}),)),
    "a number of 5,000 digits": ("Done", (Attributes({"score": 10**5000}),)),
    "a reply of None": ("Done", (Reply(None),)),  # type: ignore[arg-type]
    "a note of 7": ("Done", (Note(7),)),  # type: ignore[arg-type]
    "no want": ("Done", (7,)),  # type: ignore[dict-item]
    "silence": ("never said", (Silence("only thanks"),)),
}


def _obey(state: TalkState) -> dict[str, Any]:
    if state["messages"][-1].text == "a file of None":
        return {"wants": wanted(Reply("Here", files=(File("a.txt", None),)))}  # type: ignore[arg-type]
    if state["messages"][-1].text == "a date by hand":
        return {"wants": [{"want": "attributes", "values": {"born": date(1990, 5, 17)}}]}
    text, wants = _ORDERS[state["messages"][-1].text]
    return {"messages": [AIMessage(text)], "wants": wanted(*wants)}


def _think_long(state: TalkState) -> dict[str, Any]:
    """Until the gate is opened; then answer, or fail where that is asked for."""
    gate = Path(os.environ["TEST_GATE"])
    (gate / f"thinking-{os.getpid()}").touch()
    while (gate / "closed").exists():
        time.sleep(0.02)
    if (gate / "failing").exists():
        raise RuntimeError("as it was told")
    return {"messages": [AIMessage("Thought through")]}


def _one(node: Any) -> StateGraph[Any, Any, Any, Any]:
    builder = StateGraph(TalkState)
    builder.add_node("node", node)
    builder.add_edge(START, "node")
    return builder


obedient = _one(_obey)
slow = _one(_think_long)
