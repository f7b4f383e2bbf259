"""What a nursery forks is what a supervisor would have started: only its libraries are loaded already."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.nursery import Nursery
from tests.stack import Start, Started, as_a_supervisor

# What a process can tell of itself that its parent has decided; and whether it has modules of ours before it asks.
TELL = """\
import json, os, signal, sys
told = {
    "argv": sys.argv, "path": sys.path[0], "name": __name__, "cwd": os.getcwd(), "env": dict(os.environ),
    "leads": os.getsid(0) == os.getpgid(0) == os.getpid(), "files": sorted(os.listdir("/proc/self/fd")),
    "signals": [str(signal.getsignal(each)) for each in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)],
    "ours": sorted({"tasks", "graph", "chatwoot", "webhook_app", "settings", "celeryconfig"} & set(sys.modules)),
    "stdin": sys.stdin.read(), "pid": os.getpid(),
}
print(json.dumps(told))
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder on the PATH, with programs that end with a status and that do not end."""
    for name, code in (("tell", TELL), ("stay", "import time\nprint('here', flush=True)\ntime.sleep(1000)\n")):
        (tmp_path / name).write_text(f"#!{sys.executable}\n{code}")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def run(start: Start, line: str, programs: Path) -> Started:
    env = {"PATH": f"{programs}:{os.environ['PATH']}", "GREETING": "¡Hola!"}
    with (programs / "out").open("wb") as out:
        return start(line, cwd=programs, env=env, stdout=out, stderr=out)


def told(start: Start, programs: Path) -> tuple[int, dict[str, Any]]:
    """The exit status, and what the process told of itself."""
    process = run(start, 'tell 7 "$GREETING" ${NOT_SET:-20}', programs)
    status, said = process.wait(60), json.loads((programs / "out").read_text())
    assert said.pop("pid") == process.pid
    for of_bash in ("_", "SHLVL", "PWD", "OLDPWD", "LC_CTYPE"):
        said["env"].pop(of_bash, None)
    return status, said


def test_it_is_as_if_it_had_been_started(nursery: Nursery, programs: Path) -> None:
    status, said = told(nursery.start, programs)
    assert (status, said) == told(as_a_supervisor, programs)
    assert (status, said["argv"][1:]) == (7, ["7", "¡Hola!", "20"])
    assert said["leads"]
    assert said["ours"] == []


def test_it_can_be_killed(nursery: Nursery, programs: Path) -> None:
    process = run(nursery.start, "stay", programs)
    assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    assert process.poll() == -signal.SIGKILL
