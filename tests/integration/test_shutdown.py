"""SIGTERM: what runs is finished; what does not end in time is handed to another worker, at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.desk import Desk
from tests.stack import Stack, wait_until


@pytest.fixture
def gate(tmp_path: Path, stack: Stack) -> Path:
    folder = tmp_path / "gate"
    folder.mkdir()
    stack.env |= {"GRAPH": "tests.graphs:gated", "TEST_GATE": str(folder), "LEASE_SECONDS": "60"}
    return folder


def thoughts(gate: Path) -> int:
    return len(list(gate.glob("thinking-*")))


def test_a_running_turn_is_finished(desk: Desk, stack: Stack, gate: Path) -> None:
    stack.start_web()
    worker = stack.start_worker()
    desk.conversation(3)
    (gate / "closed").touch()
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    wait_until(lambda: thoughts(gate), what="the turn to begin")
    worker.ask_to_stop()
    wait_until(lambda: "Warm shutdown" in worker.log.read_text(), what="the worker to begin to stop")
    (gate / "closed").unlink()
    assert worker.stop() == 0
    stack.start_worker()
    assert desk.wait_for_replies(1) == ["Echo: Hola"]
    assert thoughts(gate) == 1


def test_a_turn_that_takes_too_long_is_handed_over_at_once(desk: Desk, stack: Stack, gate: Path) -> None:
    """At once: long before its lease of 60 s is over, although the old worker's thread never ends."""
    stack.start_web()
    worker = stack.start_worker(SHUTDOWN_SECONDS="0.5")
    desk.conversation(3)
    (gate / "closed").touch()
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    wait_until(lambda: thoughts(gate), what="the turn to begin")
    stack.start_worker()
    assert worker.stop() == 0
    wait_until(lambda: thoughts(gate) == 2, what="the other worker to take it up")
    (gate / "closed").unlink()
    assert desk.wait_for_replies(1) == ["Echo: Hola"]


def test_a_look_at_many_conversations_is_left_to_another_worker(desk: Desk, stack: Stack) -> None:
    """It gives way to who writes: with so few calls in a minute it would look for many minutes."""
    stack.env |= {"RECONCILE_GRACE_SECONDS": "0", "CHATWOOT_RATE_PER_MINUTE": "60"}
    for id in range(1, 101):
        desk.conversation(id, f"+3460000{id:04}")
        desk.sandbox.webhook_faults.add("never", event="message_created", times=1)
        desk.sandbox.customer_writes("Hola", conversation_id=id)
    worker = stack.start_worker()
    stack.celery("call", "tasks.reconcile")
    wait_until(lambda: "messages_reconciled" in worker.log.read_text(), what="the look to begin")
    assert worker.stop() == 0
    assert "left_to_another_worker" in worker.log.read_text()
    assert worker.log.read_text().count("messages_reconciled") < 100


def test_a_rolling_restart_under_load_loses_doubles_and_disorders_nothing(desk: Desk, stack: Stack, gate: Path) -> None:
    stack.start_web()
    workers = [stack.start_worker(), stack.start_worker()]
    conversations = [desk.conversation(id, f"+3460000{id:04}") for id in range(1, 9)]
    for number in range(6):
        for id in conversations:
            desk.sandbox.customer_writes(f"{number}", conversation_id=id)
        if number in (1, 3):
            assert workers.pop(0).stop() == 0
            workers.append(stack.start_worker())

    def said(id: int) -> str:
        return "\n".join(reply.removeprefix("Echo: ") for reply in desk.replies(id))

    for id in conversations:
        wait_until(lambda id=id: said(id) == "0\n1\n2\n3\n4\n5", what=f"all answers in conversation {id}")
