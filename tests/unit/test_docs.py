"""What README and docs name is there: files, tests, commands, tasks, settings. Who renames one is told where it stands.

The changes of released versions are left out: they name what there was then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import click
import pytest

import cli
from tests.pages import ROOT, Page

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.fixture
def flask(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, click.Command]:
    monkeypatch.setenv("CHATWOOT_API_URL", "http://127.0.0.1:1")
    monkeypatch.setattr("tasks.runtime.logs.configure", lambda: None)
    return cli.create_app().cli.commands


@pytest.mark.parametrize("path", [str(path.relative_to(ROOT)) for path in sorted(PAGES)])
def test_all_that_a_page_names_is_there(path: str, flask: Mapping[str, click.Command]) -> None:
    text = (ROOT / path).read_text()
    if path == "CHANGELOG.md":
        text = text.partition("\n## Unreleased\n")[2].partition("\n## ")[0]
        assert text
    assert Page(ROOT / path, text, flask).wrong() == []


@pytest.mark.parametrize(
    ("named", "wrong"),
    [
        ("`tasks/nowhere.py`", "no file tasks/nowhere.py"),
        ("it is in tasks/nowhere.", "no file tasks/nowhere"),
        ("`test_nowhere.py`", "no file test_nowhere.py"),
        ("[here](docs/nowhere.md)", "no page docs/nowhere.md"),
        ("[here](docs/operations.md#nowhere)", "no heading docs/operations.md#nowhere"),
        ("`test_nothing_of_the_kind[redis]`", "no test test_nothing_of_the_kind"),
        (
            "`tests/unit/test_settings.py::test_a_customer_is_answered`",
            "no test test_a_customer_is_answered in tests/unit/test_settings.py",
        ),
        ("`make nothing`", "no make nothing"),
        ("```sh\nmake run\nmake nothing  # at all\n```", "no make nothing"),
        ("`flask nothing`", "no flask nothing"),
        ("`flask dead-letters bury ID`", "no flask dead-letters bury"),
        ("`python -m sandbox.nothing`", "no python -m sandbox.nothing"),
        ("`tasks.do_nothing`", "no task or module tasks.do_nothing"),
        ("`NOTHING_SECONDS` (20)", "no setting NOTHING_SECONDS"),
        ("`NOTHING=20`", "no setting NOTHING"),
    ],
)
def test_what_is_not_there_is_noticed(named: str, wrong: str, flask: Mapping[str, click.Command]) -> None:
    assert wrong in Page(ROOT / "README.md", f"# A page\n\n{named}\n", flask).wrong()


def test_the_readme_has_the_sums_of_the_fault_table() -> None:
    rows = re.findall(r"^\| .+? \| (\d+) \| (\d+) \| (\d+) \|", (ROOT / "docs/faults.md").read_text(), re.MULTILINE)
    sent, answered, given_up = (sum(map(int, column)) for column in zip(*rows, strict=True))
    said = f"{len(rows)} rows, {sent} messages: {answered} answered once, {given_up} given up"
    assert said in (ROOT / "README.md").read_text()
