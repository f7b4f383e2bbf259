"""What people decide, in the shape that a graph asked for; and what it asks them, in words."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt

from graph.decisions import NOBODY, decided, in_words
from graph.outcome import Reply
from graph.said import Said
from graph.thinking import Thinker

REFUND = {"action_requests": [{"name": "refund", "args": {"order": "A1", "euros": 40}}], "review_configs": []}
TWO = {"action_requests": [*REFUND["action_requests"], {"name": "refund", "args": {"order": "B2"}}]}
INBOX = [{"action_request": {"action": "refund", "args": {"order": "A1"}}, "config": {}}]
SIZES = {"question": "Which size?", "choices": ["S", "M", "L"]}


@pytest.mark.parametrize(
    ("asked", "note", "expected"),
    [
        ("May I?", "@bot yes", True),
        ("May I?", "Sí", True),
        ("May I?", "ok.", True),
        ("May I?", "@bot no: too late", False),
        ("May I?", "No, we cannot refund this", False),
        ("May I?", "Only 20 euros", "Only 20 euros"),
        ("May I?", "Nobody knows yet", "Nobody knows yet"),
        ("May I?", None, False),
        ({"question": "What?", "answer": "text"}, "no", "no"),
        ({"question": "What?", "answer": "text"}, None, ""),
        ({"question": "What?", "answer": "public"}, "a note", "what they wrote"),
        (REFUND, "yes", {"decisions": [{"type": "approve"}]}),
        (TWO, "yes", {"decisions": [{"type": "approve"}, {"type": "approve"}]}),
        (REFUND, "@bot no: too late", {"decisions": [{"type": "reject", "message": "too late"}]}),
        (REFUND, "Ask for the receipt", {"decisions": [{"type": "reject", "message": "Ask for the receipt"}]}),
        (REFUND, None, {"decisions": [{"type": "reject", "message": NOBODY}]}),
        (INBOX, "yes", [{"type": "accept", "args": None}]),
        (INBOX, "no: too late", [{"type": "response", "args": "too late"}]),
        (INBOX, None, [{"type": "ignore", "args": None}]),
        (SIZES, "@bot 2", "M"),
        (SIZES, "l", "L"),
        (SIZES, "XL", "XL"),
        (SIZES, None, ""),
    ],
)
def test_what_was_decided(asked: Any, note: str | None, expected: Any) -> None:
    assert decided(asked, [note] if note is not None else [], "what they wrote") == expected


def test_the_last_note_counts() -> None:
    assert decided("May I?", ["yes", "no: I was wrong"], "") is False


@pytest.mark.parametrize("asked", [REFUND, INBOX, SIZES, "May I?", {"question": "May I?", "order": {"id": 7}}])
def test_the_question_is_readable(asked: Any) -> None:
    words = in_words(asked)
    assert not any(sign in words for sign in ("{'", "[{", "action_request"))
    assert "private note" in words


def test_what_it_asks_is_a_table() -> None:
    assert "**refund**\n\n| | |\n|---|---|\n| order | A1 |\n| euros | 40 |" in in_words(REFUND)
    assert "1. S\n2. M\n3. L" in in_words(SIZES)


def test_a_question_to_the_customer_calls_no_people() -> None:
    def ask(state: MessagesState) -> Any:
        size = interrupt({"question": "Which size?", "waits_for": "customer"})
        return {"messages": [AIMessage(f"{size} it is.")]}

    builder = StateGraph(MessagesState)
    builder.add_node("ask", ask)
    builder.add_edge(START, "ask")
    thinker = Thinker(builder.compile(checkpointer=InMemorySaver()), 40)
    assert thinker.think("t", "m1", [Said("1", "A shirt")]) == (Reply("Which size?"),)
    assert thinker.think("t", "m2", [Said("2", "M")]) == (Reply("M it is."),)
