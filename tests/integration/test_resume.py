"""A turn whose worker was killed, or only slept, is gone on with: nothing is said twice, nothing remembered twice."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from sandbox.machine.redis import RedisServer
from tests.desk import Desk
from tests.memory import remembered
from tests.stack import Stack, wait_until


@pytest.fixture
def gate(tmp_path: Path, stack: Stack) -> Path:
    folder = tmp_path / "gate"
    folder.mkdir()
    stack.env |= {"TEST_GATE": str(folder), "LEASE_SECONDS": "2"}
    return folder


def traces(gate: Path, name: str) -> int:
    return len(list(gate.glob(f"{name}-*")))


def test_a_worker_whose_threads_hang_ends_before_all_do(desk: Desk, stack: Stack, gate: Path) -> None:
    """Its supervisor starts another one."""
    stack.env |= {"GRAPH": "tests.graphs:gated", "TURN_SECONDS": "1", "WORKER_CONCURRENCY": "2"}
    stack.start_web()
    worker = stack.start_worker()
    desk.conversation(3)
    (gate / "closed").touch()
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    wait_until(lambda: not worker.is_alive, what="the worker to end")
    assert "threads_are_stuck" in worker.log.read_text()
    (gate / "closed").unlink()
    stack.start_worker()
    assert desk.wait_for_replies(1) == ["Echo: Hola"]


@pytest.mark.parametrize(("durability", "first_runs"), [("sync", 1), ("exit", 2)])
@pytest.mark.parametrize("graph", ["tests.graphs:stepwise", "tests.graphs:stepwise_inside"])
def test_a_killed_turn_goes_on(
    durability: str, first_runs: int, graph: str, desk: Desk, stack: Stack, gate: Path, redis_server: RedisServer
) -> None:
    """Also where its steps are those of a subgraph."""
    stack.env |= {"GRAPH": graph, "GRAPH_DURABILITY": durability}
    stack.start_web()
    worker = stack.start_worker()
    desk.conversation(3)
    (gate / "closed").touch()
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    wait_until(lambda: traces(gate, "second"), what="the second step to begin")
    worker.kill()
    (gate / "closed").unlink()
    stack.start_worker()
    assert desk.wait_for_replies(2) == ["first", "second"]
    assert traces(gate, "first") == first_runs
    assert remembered(redis_server, graph) == ["Hola", "first", "second"]


def test_a_worker_that_slept_through_its_lease_changes_nothing(
    desk: Desk, stack: Stack, gate: Path, redis_server: RedisServer
) -> None:
    stack.env["GRAPH"] = "tests.graphs:gated"
    stack.start_web()
    sleeper = stack.start_worker()
    desk.conversation(3)
    (gate / "closed").touch()
    desk.sandbox.customer_writes("one", conversation_id=3)
    wait_until(lambda: traces(gate, "thinking"), what="the turn to begin")
    os.killpg(sleeper.pid, signal.SIGSTOP)
    stack.start_worker()
    wait_until(lambda: traces(gate, "thinking") == 2, what="the other worker to take the turn up")
    (gate / "closed").unlink()
    assert desk.wait_for_replies(1) == ["Echo: one"]
    desk.sandbox.customer_writes("two", conversation_id=3)
    assert desk.wait_for_replies(2) == ["Echo: one", "Echo: two"]
    os.killpg(sleeper.pid, signal.SIGCONT)
    wait_until(lambda: "turn_lost" in sleeper.log.read_text(), what="the sleeper to find its turn gone")
    desk.sandbox.customer_writes("three", conversation_id=3)
    assert desk.wait_for_replies(3) == ["Echo: one", "Echo: two", "Echo: three"]
    conversation = [text for each in ("one", "two", "three") for text in (each, f"Echo: {each}")]
    assert remembered(redis_server, "tests.graphs:gated") == conversation
