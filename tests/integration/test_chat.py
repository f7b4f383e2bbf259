"""`flask chat` as a developer starts it, who has a graph and nothing else: no Chatwoot, no Redis, no settings."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack import wait_until

ROOT = Path(__file__).parents[2]
GRAPH = """
from langchain_core.messages import AIMessage
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt
from graph.context import Conversation
from graph.outcome import HandOver
from graph.wants import TalkState, wanted


def answer(state, runtime):
    text, it = state["messages"][-1].text, runtime.context
    if text == "fail":
        raise RuntimeError("the words of an error")
    if text == "nothing":
        return {"messages": [AIMessage("")]}
    if text == "person":
        return {"wants": wanted(HandOver("asks for a person", closing="One moment."))}
    if text == "refund":
        return {"messages": [AIMessage(f"They say {interrupt('May I refund?')}")]}
    if text in ("size", "42"):  # it runs again from here when the customer has answered
        return {"messages": [AIMessage(interrupt({"question": "Which?", "waits_for": "customer"}) + " it is")]}
    if text == "who":
        known = [it.contact_name, it.phone_number, it.email, it.identifier, it.language, it.channel, it.subject]
        known += [it.labels, it.conversation_attributes, it.contact_attributes, it.window_open_until is not None]
        return {"messages": [AIMessage(str(known))]}
    return {"messages": [AIMessage(" + ".join(each.text for each in state["messages"] if each.type == "human"))]}


graph = StateGraph(TalkState, context_schema=Conversation)
graph.add_node("answer", answer)
graph.add_edge(START, "answer")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a graph, and `flask` that finds our app."""
    (tmp_path / "mine.py").write_text(GRAPH)
    return tmp_path


def environment(**more: str) -> dict[str, str]:
    """With nothing in it but where the app is, and the graph; an empty GRAPH is none."""
    env = {"PYTHONPATH": str(ROOT), "FLASK_APP": "cli", "GRAPH": "mine.py:graph", "HOME": "/nowhere", **more}
    return {name: value for name, value in env.items() if value}


def chat(project: Path, *lines: str, options: tuple[str, ...] = (), **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flask", "chat", *options],
        cwd=project,
        env=environment(**env),
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_the_echo_answers_without_any_setting(project: Path) -> None:
    done = chat(project, "Hola", options=("--graph", "graph.echo:graph"))
    assert (done.stdout, done.stderr, done.returncode) == ("you: Hola\nbot: Echo: Hola\n", "", 0)


def test_settings_are_found_where_a_worker_finds_them(project: Path) -> None:
    (project / ".env").write_text("GRAPH=mine.py:graph\nHISTORY_LIMIT=1\n")
    done = chat(project, "one", "two", GRAPH="")
    assert done.stdout.splitlines() == ["you: one", "bot: one", "you: two", "bot: two"]
    wrong = chat(project, HISTORY_LIMIT="none")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("Error: HISTORY_LIMIT: ")


def test_an_error_is_shown_whole_and_the_chat_goes_on(project: Path) -> None:
    """And the memory is what it was, as after a turn that a worker gave up; what was said is known."""
    done = chat(project, "one", "fail", "two")
    assert "Traceback" in done.stderr
    assert "mine.py" in done.stderr
    assert "RuntimeError: the words of an error" in done.stderr
    assert done.stdout.splitlines()[-2:] == ["you: two", "bot: one + fail + two"]
    assert done.returncode == 0


def test_nothing_said_is_told(project: Path) -> None:
    done = chat(project, "nothing", "two")
    assert "-> nothing said: the model's answer was empty" in done.stdout
    assert done.stdout.splitlines()[-1] == "bot: nothing + two"


def test_who_is_handed_over_hears_nobody_until_it_is_given_back(project: Path) -> None:
    done = chat(project, "person", "one", "/person Hello, Ana here", "two", "/back")
    assert done.stdout.splitlines() == [
        "you: person",
        "bot: One moment.",
        "-> hand over: asks for a person",
        "you: one",
        "(people have the conversation, the bot is silent: /back gives it back)",
        "you: /person Hello, Ana here",
        "you: two",
        "(people have the conversation, the bot is silent: /back gives it back)",
        "you: /back",
        "bot: person + one + two",
    ]


@pytest.mark.parametrize(
    ("note", "decision"), [("/note @bot yes", "True"), ("/note no: too late", "False"), ("", "False")]
)
def test_people_decide_in_a_note(project: Path, note: str, decision: str) -> None:
    done = chat(project, "refund", note, "/back", "bye")
    asked, *_ = [line for line in done.stdout.splitlines() if line.startswith("->")]
    assert asked == "-> hand over: May I refund?"
    assert f"bot: They say {decision}\n" in done.stdout
    assert done.stdout.splitlines()[-1] == "bot: refund + bye"


def test_the_customer_may_be_asked(project: Path) -> None:
    done = chat(project, "size", "42")
    assert done.stdout.splitlines() == ["you: size", "bot: Which?", "you: 42", "bot: 42 it is"]


def test_what_is_decided_can_be_decided_again_where_the_graph_failed(project: Path) -> None:
    (project / "failing.py").write_text(
        GRAPH.replace("May I refund?')}", "May I refund?') + 1}")  # no and yes are numbers, words are none
    )
    done = chat(project, "refund", "/note well", "/back", "/note yes", "/back", options=("--graph", "failing.py:graph"))
    assert "TypeError" in done.stderr
    assert done.stdout.splitlines()[-1] == "bot: They say 2"


def test_options_say_whom_it_talks_to(project: Path) -> None:
    options = "--name Ana --phone +34600 --email a@b.c --identifier 7 --language es --channel whatsapp --subject Hi"
    more = "--label vip --label new --attribute size=42 --attribute kind=shoe --contact-attribute vip=true"
    done = chat(project, "who", options=tuple(f"{options} {more}".split()))
    assert done.stdout.splitlines()[-1] == (
        "bot: ['Ana', '+34600', 'a@b.c', '7', 'es', 'Channel::Whatsapp', 'Hi', ('vip', 'new'), "
        "{'size': 42, 'kind': 'shoe'}, {'vip': True}, True]"
    )
    assert "write size=VALUE" in chat(project, options=("--attribute", "size")).stderr


def test_what_is_no_graph_is_said_in_one_line(project: Path) -> None:
    done = chat(project, options=("--graph", "mine.py:grpah"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: GRAPH=mine.py:grpah: mine.py has no grpah (graphs in it: graph)\n"


class Terminal:
    """A chat that somebody types in."""

    def __init__(self, project: Path) -> None:
        self._outside, inside = pty.openpty()
        command = [sys.executable, "-m", "flask", "chat"]
        env = environment(TERM="dumb", PATH=os.environ["PATH"])

        def at_the_terminal() -> None:
            os.login_tty(inside)
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # what a shell starts in the background ignores it

        self.process = subprocess.Popen(command, cwd=project, env=env, preexec_fn=at_the_terminal)
        os.close(inside)
        self.said = ""

    def types(self, keys: str) -> None:
        os.write(self._outside, keys.encode())

    def read_until(self, words: str) -> None:
        while words not in self.said:
            self.said += os.read(self._outside, 4096).decode()

    def read_all(self) -> str:
        try:
            while True:
                self.said += os.read(self._outside, 4096).decode()
        except OSError:  # the other end is closed
            return self.said

    def ends_by(self, keys: str) -> bool:
        """Pressed again where it was not heard: readline misses a Ctrl-C that comes as it begins to wait."""
        self.types(keys)
        try:
            return self.process.wait(timeout=5) == 0
        except subprocess.TimeoutExpired:
            return False

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._outside)


@pytest.fixture
def terminal(project: Path) -> Iterator[Terminal]:
    terminal = Terminal(project)
    yield terminal
    terminal.close()


@pytest.mark.parametrize("end", ["\x04", "\x03"], ids=["Ctrl-D", "Ctrl-C"])
def test_a_chat_in_a_terminal_ends_cleanly(terminal: Terminal, end: str) -> None:
    terminal.read_until("you: ")
    assert "/back gives the conversation back" in terminal.said
    terminal.types("Hola\n")
    terminal.read_until("bot: Hola")
    wait_until(lambda: terminal.ends_by(end), what="the chat to end")
    assert "Traceback" not in terminal.read_all()


def test_ctrl_c_ends_a_graph_that_thinks(project: Path) -> None:
    (project / "mine.py").write_text(SLOW)
    terminal = Terminal(project)
    try:
        terminal.read_until("you: ")
        terminal.types("Hola\n")
        terminal.read_until("thinking")
        wait_until(lambda: terminal.ends_by("\x03"), what="the chat to end")
        assert "Traceback" not in terminal.read_all()
    finally:
        terminal.close()


SLOW = """
import time
from langgraph.graph import START, MessagesState, StateGraph


def think(state):
    print("thinking", flush=True)
    time.sleep(600)


graph = StateGraph(MessagesState)
graph.add_node("think", think)
graph.add_edge(START, "think")
"""
