"""What GRAPH names is found, or one sentence says what to change; a user's modules are never taken for ours."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import FakeListChatModel
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import Field, SecretStr

import graph.outcome
from graph import agent
from graph.loader import GraphError, load
from graph.missing import keys_not_set

ROOT = Path(__file__).parents[3]
A_GRAPH = """
from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph

graph = StateGraph(MessagesState)
graph.add_node("say", lambda state: {"messages": [AIMessage("hi")]})
graph.add_edge(START, "say")
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user's project, on the path; what it imports is forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def written(home: Path, **files: str) -> None:
    for name, text in files.items():
        path = home / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def loaded(spec: str) -> Any:
    return load(spec, InMemorySaver())


class TestNamesThatShadowOurs:
    @pytest.mark.parametrize("name", ["tasks", "graph", "settings", "cli", "chatwoot", "webhook_app", "celeryconfig"])
    @pytest.mark.parametrize("how", ["import {}", "from {} import KEY", "def later():\n    import {}"])
    def test_both_files_are_named(self, home: Path, name: str, how: str) -> None:
        written(home, mine=how.format(name) + A_GRAPH, **{name: "KEY = 1"})
        with pytest.raises(GraphError) as error:
            loaded(f"{home}/mine.py:graph")
        ours = next(each for each in (ROOT / f"{name}.py", ROOT / name / "__init__.py") if each.exists())
        assert str(error.value) == (
            f"GRAPH={home}/mine.py:graph: {home}/mine.py imports `{name}`, which is {home}/{name}.py in your project "
            f"and {ours} here: rename yours, or move it into a package of its own"
        )

    def test_so_it_is_of_a_package_by_name(self, home: Path) -> None:
        written(home, mine__agent="from mine import nodes" + A_GRAPH, mine__nodes="from tasks import x", tasks="x = 1")
        (home / "mine" / "__init__.py").touch()
        with pytest.raises(GraphError, match=r"mine/nodes\.py imports `tasks`"):
            loaded("mine.agent:graph")

    @pytest.mark.parametrize(
        "how", ["import nodes", "from nodes import x", "from . import nodes", "from .nodes import x"]
    )
    def test_and_of_what_it_imports(self, home: Path, how: str) -> None:
        package = "mine__" if "." in how else ""
        files = {f"{package}agent": how + A_GRAPH, f"{package}nodes": "import settings", "settings": "KEY = 1"}
        written(home, **files)
        if package:
            (home / "mine" / "__init__.py").touch()
        with pytest.raises(GraphError, match=r"nodes\.py imports `settings`"):
            loaded("mine.agent:graph" if package else f"{home}/agent.py:graph")

    def test_and_of_what_graph_itself_names(self, home: Path) -> None:
        written(home, tasks__agent=A_GRAPH)
        with pytest.raises(GraphError, match=r"it names `tasks`, which is .*/tasks/agent\.py in your project and"):
            loaded("tasks.agent:graph")

    def test_what_nobody_imports_is_no_harm(self, home: Path) -> None:
        written(home, mine=A_GRAPH, settings="KEY = 1", tasks="")
        loaded(f"{home}/mine.py:graph")

    def test_a_file_named_graph_may_want_things_from_ours(self, home: Path) -> None:
        """As LangGraph's own template is laid out: src/agent/graph.py, state.py ..."""
        written(home, graph="import nodes\nfrom graph.outcome import Reply" + A_GRAPH, nodes="from graph import wants")
        loaded(f"{home}/graph.py:graph")
        assert sys.modules["graph.outcome"] is graph.outcome


def test_a_file_knows_itself(home: Path) -> None:
    """Dataclasses and type hints look a class's module up by its name."""
    written(
        home,
        mine="from __future__ import annotations\nfrom dataclasses import dataclass\n"
        + A_GRAPH.replace("(MessagesState)", "(MessagesState, context_schema=Whom)").replace(
            "graph = ", "@dataclass\nclass Whom:\n    contact_name: str | None = None\n\ngraph = "
        ),
    )
    loaded(f"{home}/mine.py:graph")


class TestWhatIsMissing:
    @pytest.mark.parametrize(
        ("raises", "words"),
        [
            ("import langchain_nobody", "no module named langchain_nobody: pip install langchain-nobody"),
            ("import nobody.at_all", "no module named nobody"),
            (
                "raise ImportError('ChatX requires the langchain-x package. Please `pip install langchain-x`')",
                "a package is missing: pip install langchain-x",
            ),
            ("import os; os.environ['NOBODYS_API_KEY']", "set NOBODYS_API_KEY"),
            (
                "raise RuntimeError('sk-verysecret is none: set the `A_KEY` or `AN_ADMIN_KEY` environment variable.')",
                "set A_KEY or AN_ADMIN_KEY",
            ),
            (
                "try:\n    raise ValueError('set X_TOKEN')\nexcept ValueError as e:\n"
                "    raise RuntimeError('sk-verysecret') from e",
                "set X_TOKEN",
            ),
        ],
    )
    @pytest.mark.parametrize("where", ["module", "factory"])
    def test_a_users_graph_says_it_in_a_sentence(self, home: Path, raises: str, words: str, where: str) -> None:
        factory = "def graph():\n" + "".join(f"    {line}\n" for line in raises.splitlines())
        written(home, mine=raises + "\n" if where == "module" else factory)
        with pytest.raises(GraphError) as error:
            loaded(f"{home}/mine.py:graph")
        assert str(error.value).startswith(f"GRAPH={home}/mine.py:graph: {words} (")
        assert "in mine.py, line " in str(error.value)
        assert "verysecret" not in str(error.value)
        assert error.value.__suppress_context__

    def test_any_other_error_is_the_users_to_see(self, home: Path) -> None:
        written(home, mine="1 / 0")
        with pytest.raises(ZeroDivisionError):
            loaded(f"{home}/mine.py:graph")


class Keyed(FakeListChatModel):
    """As Anthropic's and Mistral's, which say nothing until they are called."""

    responses: list[str] = Field(default_factory=list)
    api_key: SecretStr = SecretStr("")
    servers: str = ""

    @property
    def lc_secrets(self) -> dict[str, str]:
        return {"api_key": "KEYED_API_KEY", "servers": "KEYED_SERVERS"}


class TestTheBundledAgent:
    @pytest.fixture
    def model(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        """What `init_chat_model` does."""
        made: dict[str, Any] = {}

        def init(*args: Any, **kwargs: Any) -> Any:
            if isinstance(made["model"], Exception):
                raise made["model"]
            return made["model"]

        monkeypatch.setattr("langchain.chat_models.init_chat_model", init)
        return made

    def test_a_key_that_is_asked_for_at_the_first_call_is_asked_for_at_start(self, model: dict[str, Any]) -> None:
        model["model"] = Keyed()
        with pytest.raises(GraphError) as error:
            agent.graph("keyed:x", "")
        assert str(error.value) == "MODEL=keyed:x: set KEYED_API_KEY"
        assert keys_not_set(Keyed(api_key=SecretStr("sk"))) is None
        assert keys_not_set(FakeListChatModel(responses=[])) is None

    def test_a_clients_own_words_are_kept_back(self, model: dict[str, Any]) -> None:
        model["model"] = ValueError("sk-verysecret is malformed")
        with pytest.raises(GraphError) as error:
            agent.graph("openai:x", "")
        assert str(error.value).startswith("MODEL=openai:x: ValueError")
        assert "verysecret" not in str(error.value)

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("fireworks:x", "a package is missing: pip install langchain-fireworks"),
            ("nobody:x", "no provider of LangChain's is named so"),
        ],
    )
    def test_what_langchain_says(self, name: str, words: str) -> None:
        with pytest.raises(GraphError) as error:
            agent.graph(name, "")
        assert str(error.value) == f"MODEL={name}: {words}"
