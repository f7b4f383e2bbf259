"""What the README says to type beside `make run` works as it is pasted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.machine.stack import ROOT
from tests.machine.terminal import Run
from tests.stack import wait_until

NOT_OF_THE_PROJECT = (".git", ".venv", ".data", ".env", ".*cache", ".hypothesis", "__pycache__", "tests")
OUTGOING = 1


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as it was cloned and installed: nobody's `.env` or run is in it."""
    project = tmp_path_factory.mktemp("contesta")
    shutil.copytree(ROOT, project, ignore=shutil.ignore_patterns(*NOT_OF_THE_PROJECT), dirs_exist_ok=True)
    (project / ".venv").symlink_to(sys.prefix)
    return project


@pytest.fixture
def run(project: Path) -> Iterator[Run]:
    run = Run("sandbox.machine.run", project / ".data", project)
    run.read_until("Contesta is running")
    yield run
    run.end()


def test_what_the_readme_says_to_type_beside_make_run(project: Path, run: Run) -> None:
    section = (ROOT / "README.md").read_text().partition("\n## By hand\n")[2].partition("\n## ")[0]
    sending, looking_after = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    with httpx.Client(base_url=f"http://127.0.0.1:{run.ports.sandbox}", trust_env=False) as sandbox:
        before = said_to_customers(sandbox)
        pasted(sending, project)
        wanted = sorted(re.findall(r'"content": "(.*?)"', sending))
        assert wanted
        wait_until(
            lambda: sorted(said_to_customers(sandbox)) == sorted([*before, *wanted]), what=f"{wanted} to be said"
        )
    in_the_same_shell = sending.splitlines()[0]
    pasted(f"{in_the_same_shell}\n{looking_after}", project)


def test_a_graph_of_ones_own_as_the_page_says_to_start_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "graphs.md").read_text()
    (snippet, *_) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (spec,) = re.findall(r"^GRAPH=(\S+) make run$", page, re.MULTILINE)
    (project / "my_agent.py").write_text(snippet)
    monkeypatch.setenv("GRAPH", spec)
    run = Run("sandbox.machine.run", project / ".data", project)
    try:
        run.read_until("Contesta is running")
        with httpx.Client(base_url=f"http://127.0.0.1:{run.ports.sandbox}", trust_env=False) as sandbox:
            written = {"content": "When are you open?", "name": "Ana", "phone_number": "+34600000001", "inbox_id": 1}
            token = sandbox.get("/sandbox/state").raise_for_status().json()["admin_token"]
            headers = {"Api-Access-Token": token}
            sandbox.post("/sandbox/customers/messages", json=written, headers=headers).raise_for_status()
            answer = "From 9 to 5, Monday to Friday."
            wait_until(lambda: answer in said_to_customers(sandbox), what="the graph's answer")
    finally:
        run.end()


def pasted(lines: str, project: Path) -> None:
    """What a newcomer's shell makes of them: one that knows nothing of the project but that it stands in it."""
    env = {"HOME": os.environ.get("HOME", "/"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["bash", "-exc", lines], cwd=project, env=env, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr


def said_to_customers(sandbox: httpx.Client) -> list[str]:
    """The words of all outgoing messages, in all conversations."""
    state: dict[str, Any] = sandbox.get("/sandbox/state").raise_for_status().json()
    return [
        message["content"]
        for conversation in state["conversations"]
        for message in messages(sandbox, conversation["id"], state["admin_token"])
        if message["message_type"] == OUTGOING
    ]


def messages(sandbox: httpx.Client, conversation_id: int, token: str) -> list[dict[str, Any]]:
    path = f"/api/v1/accounts/1/conversations/{conversation_id}/messages"
    listed = sandbox.get(path, headers={"Api-Access-Token": token}).raise_for_status().json()
    return list(listed["payload"])
