"""LangGraph's own tools open our graphs by `langgraph.json`: loaded here as langgraph-api 0.16 loads them."""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.graph import StateGraph
from langgraph.pregel import Pregel

from graph.modules import GraphError
from tests.models import ScriptedModel

ROOT = Path(__file__).parents[2]
CONFIG = json.loads((ROOT / "langgraph.json").read_text())


def opened(spec: str, monkeypatch: pytest.MonkeyPatch) -> Pregel[Any, Any, Any, Any]:
    path, _, attribute = spec.partition(":")
    name = path.replace("/", "__").replace(".py", "").lstrip(".")
    found = spec_from_file_location(name, ROOT / path)
    assert found is not None
    assert found.loader is not None
    module = module_from_spec(found)
    monkeypatch.setitem(sys.modules, name, module)
    found.loader.exec_module(module)
    value = getattr(module, attribute)
    if callable(value) and not isinstance(value, Pregel | StateGraph):
        assert not inspect.signature(value).parameters  # it may be given a config and a runtime, and nothing else
        value = asyncio.run(value()) if inspect.iscoroutinefunction(value) else value()
    return value.compile() if isinstance(value, StateGraph) else value


@pytest.fixture(autouse=True)
def developer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has neither settings nor a model's key."""
    monkeypatch.chdir(tmp_path)
    for name in ("MODEL", "PROMPT", "GRAPH"):
        monkeypatch.delenv(name, raising=False)


def test_it_names_the_bundled_graphs() -> None:
    assert CONFIG["graphs"].keys() == {"echo", "agent"}
    assert CONFIG["dependencies"] == ["."]


def test_the_echo(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = opened(CONFIG["graphs"]["echo"], monkeypatch)
    assert graph.checkpointer is None  # theirs is put in
    said: Any = graph.invoke({"messages": [{"role": "user", "content": "Hola"}]})
    assert said["messages"][-1].text == "Echo: Hola"


def test_the_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def init(name: str, **_: Any) -> Any:
        asked.append(name)
        return ScriptedModel(script=[AIMessage("Hi!")])

    monkeypatch.setattr("langchain.chat_models.init_chat_model", init)
    monkeypatch.setenv("MODEL", "openai:gpt-5-mini")
    graph = opened(CONFIG["graphs"]["agent"], monkeypatch)
    said: Any = graph.invoke({"messages": [{"role": "user", "content": "Hola"}]})
    assert (said["messages"][-1].text, asked) == ("Hi!", ["openai:gpt-5-mini"])


def test_the_agent_without_a_model_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(GraphError, match="needs MODEL"):
        opened(CONFIG["graphs"]["agent"], monkeypatch)
