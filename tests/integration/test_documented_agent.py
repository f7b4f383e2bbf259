"""docs/agent.md does what it says: its files are written, its settings read, its snippet run, its command pasted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from dotenv import dotenv_values
from langgraph.checkpoint.memory import InMemorySaver

from graph.agent import factory
from graph.loader import load
from graph.outcome import Reply
from graph.said import Said
from graph.thinking import Thinker
from settings import GraphSettings, Settings
from tests.chat_api import ChatApi, call, serving
from tests.models import ScriptedModel, calling
from tests.stack import settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "agent.md").read_text()


def block(kind: str, has: str = "") -> str:
    return next(each for each in re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE) if has in each)


def env() -> dict[str, str]:
    return {name: value or "" for name, value in dotenv_values(stream=StringIO(block("sh", "GRAPH="))).items()}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder as the page has made it by its third step."""
    (tmp_path / "facts").mkdir()
    (tmp_path / "facts" / "shop.md").write_text(block("markdown"))
    (tmp_path / ".env").write_text(block("sh", "GRAPH="))
    return tmp_path


@pytest.fixture
def model() -> Iterator[ChatApi]:
    with serving() as api:
        yield api


def test_its_settings_make_the_agent_that_it_describes(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop)
    scripted = ScriptedModel(script=["Within 30 days."])
    monkeypatch.setattr(factory, "_model", lambda name: {"openai:gpt-5-mini": scripted}[name])
    configured = GraphSettings.from_env(env())
    graph = load(configured.graph, InMemorySaver(), **configured.offered)
    said = Thinker(graph, 40, "sync").think("t", "1", [Said("1", "Returns? I am ana@example.com")])
    assert said == (Reply("Within 30 days."),)
    system, customer = scripted.heard[0]
    assert "Zapatos Sol" in system.text
    assert "Within 30 days, with the receipt." in system.text
    assert customer.text == "Returns? I am [REDACTED_EMAIL]"
    assert Settings.from_env({**settings("redis://r", "http://c"), **env()}).max_cost_per_day == 5


def test_it_can_be_talked_to_as_the_page_shows(shop: Path, model: ChatApi) -> None:
    """The command is pasted, with a model that says what the page shows, and the page's output is what it prints."""
    shown = block("text", "you: ")
    first, last = re.findall(r"^bot: (.*)$", shown, re.MULTILINE)
    reason, *lines = shown.partition("-> hand over: ")[2].splitlines()
    brief = {
        name.casefold(): text for name, _, text in (line.strip().removeprefix("- ").partition(": ") for line in lines)
    }
    model.script = [first, call("hand_over", reason=reason, closing=last, **brief)]
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "FLASK_APP": "cli",
        "GRAPH": "tests.agents:graph",  # the bundled agent, with a model that is here
        "CHAT_API_URL": model.url,
    }
    command = ["bash", "-exc", block("sh", "flask chat")]
    done = subprocess.run(command, cwd=shop, env=environment, capture_output=True, text=True, timeout=100)
    assert done.stdout == shown, done.stderr
    assert "Within 30 days, with the receipt." in model.texts(0)
    assert {each["function"]["name"] for each in model.asked[0]["tools"]} == {
        "hand_over",
        "leave_a_note",
        "follow_up",
        "label",
        "remember",
    }


def test_its_snippet_has_a_tool_of_the_shops(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop)
    scripted = ScriptedModel(script=[calling("order_status", "a", number="7"), "It left the house on Monday."])
    monkeypatch.setattr("langchain.chat_models.init_chat_model", lambda *_, **__: scripted)
    snippet: Any = ModuleType("snippet")
    monkeypatch.setitem(sys.modules, "snippet", snippet)
    exec(block("python"), vars(snippet))
    offered = {**GraphSettings.from_env(env()).offered, "help_center": None, "opening_hours": None}
    thinker = Thinker(load("snippet:graph", InMemorySaver(), **offered), 40, "sync")
    assert thinker.think("t", "1", [Said("1", "Order 7?")]) == (Reply("It left the house on Monday."),)
    assert scripted.heard[-1][-1].text == "left the house on Monday"


def test_no_snippet_is_passed_over() -> None:
    kinds = re.findall(r"^```(\w+)$", PAGE, re.MULTILINE)
    assert sorted(kinds) == ["markdown", "python", "sh", "sh", "sh", "text"]
