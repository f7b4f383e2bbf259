"""A worker whose graph cannot run says why in a sentence and ends; a user's modules are not taken for ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from sandbox.machine.redis import RedisServer
from tests.stack import ROOT, Stack, as_a_supervisor, settings, wait_until

A_GRAPH = (ROOT / "graph" / "echo.py").read_text()
OURS = ("celeryconfig", "chatwoot", "cli", "graph", "settings", "webhook_app")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A user's, with a module of each name that we have, but the one that `celery -A tasks` itself names."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "fine.py").write_text(A_GRAPH)
    (project / "clashing.py").write_text(
        A_GRAPH.replace("\nfrom langchain_core", "\nimport settings\nfrom langchain_core")
    )
    (project / "keyless.py").write_text("raise RuntimeError('sk-verysecret: set NOBODYS_API_KEY')")
    for name in OURS:
        (project / f"{name}.py").write_text("raise RuntimeError('theirs')")
    return project


@pytest.fixture
def started(redis_server: RedisServer, redis_client: redis.Redis, project: Path, tmp_path: Path) -> Iterator[Stack]:
    """Processes as a supervisor starts them, with the user's project on the path before all else."""
    env = {**settings(redis_server.url, "http://127.0.0.1:1"), "PYTHONPATH": str(project)}
    with Stack(env, tmp_path, as_a_supervisor) as stack:
        yield stack


def refused(stack: Stack, **env: str) -> str:
    """Why a worker does not start."""
    worker = stack.start("worker", **env)
    wait_until(lambda: not worker.is_alive, what=f"the worker to end, see {worker.log}")
    log = worker.log.read_text()
    assert "Traceback" not in log
    assert "verysecret" not in log
    (line,) = [line for line in log.splitlines() if "cannot_start" in line]
    return str(json.loads(line)["error"])


def test_theirs_that_nobody_asks_for_hide_none_of_ours(started: Stack) -> None:
    """Whatever comes first on the path."""
    started.start_worker(GRAPH="fine:graph")
    started.start_web()


def test_theirs_that_the_graph_imports_are_named(started: Stack, project: Path) -> None:
    for spec in ("clashing:graph", f"{project}/clashing.py:graph"):
        assert refused(started, GRAPH=spec) == (
            f"GRAPH={spec}: {project}/clashing.py imports `settings`, which is {project}/settings.py in your project "
            f"and {ROOT}/settings.py here: rename yours, or move it into a package of its own"
        )


def test_what_a_model_lacks_is_named(started: Stack) -> None:
    assert (
        refused(started, GRAPH="keyless:graph")
        == "GRAPH=keyless:graph: set NOBODYS_API_KEY (RuntimeError in keyless.py, line 1)"
    )
    model = {"GRAPH": "graph.agent:graph", "MODEL": "fireworks:x"}
    assert refused(started, **model) == "MODEL=fireworks:x: a package is missing: pip install langchain-fireworks"
