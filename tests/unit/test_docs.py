"""What the documentation says of tests is so: each that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(?:\w+::)*(test_\w+)")


@pytest.mark.parametrize("page", ["docs/traps.md", "docs/mutations.md"])
def test_each_test_that_is_named_is_there(page: str) -> None:
    named = NAMED.findall((ROOT / page).read_text())
    assert named
    assert [f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / file).read_text()] == []


def test_each_step_of_the_crash_table_has_its_test() -> None:
    page = (ROOT / "docs/crash-table.md").read_text()
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name in re.findall(r"`(?:test_\w+\.py::)?(test_\w+)", page) if f"def {name}(" not in tests] == []
