"""docs/graphs.md does what it says: every snippet of Python is run, and so are the commands that talk to its graph."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from langchain.agents import create_agent
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.memory import InMemoryStore

from graph.context import Conversation
from graph.loader import durability_for, load
from graph.outcome import HandOver, Labels, Outcome, Reply
from graph.said import Said
from graph.thinking import Thinker
from tests.models import ScriptedModel, calling

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "graphs.md").read_text()
SNIPPETS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
ASKED = Reply("Morning or afternoon?", quick_replies=("Morning", "Afternoon"))
CALLED = HandOver("asks for a person", closing="A colleague will answer you.")
DOES: list[tuple[str, dict[str, Outcome]]] = [
    (
        "From 9 to 5",
        {"When are you open?": (Reply("From 9 to 5, Monday to Friday."),), "A person, please": (CALLED,)},
    ),
    ("create_agent(", {"When are you open?": (Reply("Closed on Sunday."),)}),
    (
        "@entrypoint",
        {"Monday": (Reply("Booked for Monday. (turn 1)"),), "Friday": (Reply("Booked for Friday. (turn 2)"),)},
    ),
    ("Welcome back", {"Hi": (Reply("Welcome back, Ana!"),)}),
    ("store.put", {"M": (Reply("Noted."),), "Which size do I wear?": (Reply("You wear size M."),)}),
    ("@once", {"A table for Tuesday": (Reply("Booked."),)}),
    (
        "quick_replies",
        {
            "Hola": (ASKED,),
            "a person": (Labels(("asks-for-person",)), HandOver("asks for a person", closing="One moment.")),
        },
    ),
]
"""In the page's order: what each snippet has in it, and what its graph wants when the customer says something."""
ANA = Conversation(account_id=1, conversation_id=3, contact_name="Ana", labels=("vip",))


def block(kind: str, has: str) -> str:
    return next(each for each in re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE) if has in each)


def test_every_snippet_is_looked_at() -> None:
    assert len(SNIPPETS) == len(DOES)


@pytest.mark.parametrize("number", range(len(DOES)), ids=[has for has, _ in DOES])
def test_a_snippet_does_what_the_page_says(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    has, does = DOES[number]
    assert has in SNIPPETS[number]
    script = [calling("opening_hours", "a", day="Sunday"), "Closed on Sunday."]
    monkeypatch.setattr("langchain.agents.factory.init_chat_model", lambda _: ScriptedModel(script=script))
    snippet: Any = ModuleType("snippet")
    monkeypatch.setitem(sys.modules, "snippet", snippet)
    exec(SNIPPETS[number], vars(snippet))
    if hasattr(snippet, "book") and not hasattr(snippet, "graph"):
        snippet.graph = create_agent(
            ScriptedModel(script=[calling("book", "a", day="Tuesday"), "Booked."]), [snippet.book]
        )
    graph = load(f"snippet:{'graph' if hasattr(snippet, 'graph') else 'builder'}", InMemorySaver(), InMemoryStore())
    thinker = Thinker(graph, 40, durability_for(graph))
    wanted = {
        text: thinker.think("t", f"m{turn}", [Said(f"chatwoot:{turn}", text, place=turn)], context=ANA)
        for turn, text in enumerate(does, start=1)
    }
    assert wanted == does


def test_the_ten_minutes_way(tmp_path: Path) -> None:
    """The file is written, the command is pasted, and it prints what stands below it."""
    (tmp_path / "my_agent.py").write_text(SNIPPETS[0])
    env = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "FLASK_APP": "cli",  # as .flaskenv says in the project's folder
    }
    command = ["bash", "-exc", block("sh", "flask chat")]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=100)
    assert done.stdout == block("text", "you: ")
    assert done.returncode == 0


def test_the_table_of_forms_has_a_row_for_each_test_of_a_form() -> None:
    tests = re.findall(r"def (test_\w+)\(", (ROOT / "tests/integration/graph/test_forms.py").read_text())
    rows = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "forms.md").read_text()))
    assert set(tests) <= rows
