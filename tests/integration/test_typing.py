"""The customer sees "is typing…" while the bot thinks long, and never after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.desk import Desk
from tests.stack import Process, Stack, wait_until


@pytest.fixture
def gate(tmp_path: Path, stack: Stack) -> Path:
    """Thinking goes on while it holds "closed"."""
    folder = tmp_path / "gate"
    folder.mkdir()
    stack.env |= {"GRAPH": "tests.graphs_that_want:slow", "TEST_GATE": str(folder)}
    (folder / "closed").touch()
    return folder


@pytest.fixture
def worker(gate: Path, desk: Desk, stack: Stack) -> Process:
    stack.start_web()
    desk.conversation(3)
    return stack.start_worker()


def signs(desk: Desk) -> list[str]:
    found = [each for each in desk.sandbox.requests if each.path.endswith("/toggle_typing_status")]
    return [each.body["typing_status"] for each in found if each.status == 200]


def wait_for_signs(desk: Desk, *expected: str) -> None:
    wait_until(lambda: signs(desk) == list(expected), what=f"the signs {expected}")


def ask(desk: Desk) -> None:
    desk.sandbox.customer_writes("Hola", conversation_id=3)


def test_it_is_on_while_thinking_goes_on_and_off_after(worker: Any, gate: Path, desk: Desk) -> None:
    ask(desk)
    wait_for_signs(desk, "on")
    assert desk.replies(3) == []
    (gate / "closed").unlink()
    assert desk.wait_for_replies(1) == ["Thought through"]
    wait_for_signs(desk, "on", "off")


def test_it_is_off_also_where_the_graph_fails(worker: Any, gate: Path, desk: Desk) -> None:
    (gate / "failing").touch()
    ask(desk)
    wait_for_signs(desk, "on")
    (gate / "closed").unlink()
    wait_until(lambda: signs(desk)[:2] == ["on", "off"], what="the sign to be off")


def test_what_a_dead_worker_left_on_is_switched_off(worker: Process, gate: Path, desk: Desk, stack: Stack) -> None:
    ask(desk)
    wait_for_signs(desk, "on")
    worker.kill()
    (gate / "closed").unlink()
    stack.start_worker()
    assert desk.wait_for_replies(1) == ["Thought through"]
    wait_for_signs(desk, "on", "off")


def test_it_is_off_after_a_silence_whoever_switched_it_on(desk: Desk, stack: Stack) -> None:
    stack.env["GRAPH"] = "tests.graphs_that_want:obedient"
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.customer_writes("silence", conversation_id=3)
    wait_for_signs(desk, "off")


def test_a_chatwoot_that_refuses_it_changes_nothing(worker: Process, gate: Path, desk: Desk) -> None:
    desk.sandbox.faults.add("401", method="POST", path=r".*/toggle_typing_status$")
    ask(desk)
    wait_until(lambda: [each for each in desk.calls() if each[1].endswith("typing_status")], what="the first call")
    (gate / "closed").unlink()
    assert desk.wait_for_replies(1) == ["Thought through"]
    assert worker.stop() == 0
