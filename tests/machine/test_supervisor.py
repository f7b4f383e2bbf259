"""What dies is started again, and what is stopped leaves nothing behind: with real processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.machine.supervisor import Program, Supervisor, SupervisorError
from tests.stack import wait_until

# Each has a child of its own, whose number it writes down; the stubborn one's does not hear SIGTERM.
GENTLE = "sh -c 'echo 100% up; sleep 1000 & echo $! >>{children}; wait'"
STUBBORN = "sh -c 'trap \"\" TERM; sleep 1000 & echo $! >>{children}; trap - TERM; wait'"


def is_running(pid: int) -> bool:
    """Whether the process exists and is not merely waiting to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def pids_in(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


@pytest.fixture
def children(tmp_path: Path) -> Path:
    return tmp_path / "children"


@pytest.fixture
def supervisor(tmp_path: Path, children: Path) -> Iterator[Supervisor]:
    programs = [Program("gentle", GENTLE), Program("stubborn", STUBBORN)]
    groups = {each.name: [Program(each.name, each.line.format(children=children))] for each in programs}
    supervisor = Supervisor(tmp_path, tmp_path, groups, os.environ)
    supervisor.start()
    yield supervisor
    supervisor.stop()


def test_a_killed_program_comes_back(supervisor: Supervisor) -> None:
    supervisor.start_group("gentle")
    first = supervisor.pid("gentle", "gentle")
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: supervisor.pid("gentle", "gentle") not in (0, first), what="another process")


def test_its_output_is_in_its_log(supervisor: Supervisor) -> None:
    supervisor.start_group("gentle")
    assert supervisor.logs["gentle"].read_text() == "100% up\n"


def test_stopping_ends_also_what_does_not_hear(supervisor: Supervisor, children: Path) -> None:
    supervisor.start_group("stubborn")
    os.kill(supervisor.pid("stubborn", "stubborn"), signal.SIGKILL)
    wait_until(lambda: len(pids_in(children)) == 2, what="the second life")
    supervisor.stop()
    assert [pid for pid in pids_in(children) if is_running(pid)] == []


def test_a_program_that_cannot_run_is_said(tmp_path: Path) -> None:
    groups = {"only": (Program("missing", "/does/not/exist"),)}
    supervisor = Supervisor(tmp_path, tmp_path, groups, os.environ)
    supervisor.start()
    try:
        with pytest.raises(SupervisorError, match="missing"):
            supervisor.start_group("only")
    finally:
        supervisor.stop()


def test_a_killed_owner_takes_everything_with_it(tmp_path: Path, children: Path) -> None:
    owner = f"""
import os, pathlib, signal
from sandbox.machine.supervisor import Program, Supervisor
path = pathlib.Path({str(tmp_path)!r})
program = Program("gentle", {GENTLE.format(children=children)!r})
supervisor = Supervisor(path, path, {{"only": (program,)}}, os.environ)
supervisor.start()
supervisor.start_group("only")
os.kill(os.getpid(), signal.SIGKILL)
"""
    dead = subprocess.run([sys.executable, "-c", owner])
    assert dead.returncode == -signal.SIGKILL
    (child,) = pids_in(children)
    wait_until(lambda: not is_running(child), what="the orphan's end")
