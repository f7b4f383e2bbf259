"""Where a command that is typed in the project's folder finds the settings that nobody exported."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.machine import envfile
from settings import SettingsError, complete

ROOT = Path(__file__).parents[2]
OURS = {"REDIS_URL": "redis://ours", "CHATWOOT_API_URL": "https://ours"}
OF_THE_RUN = {
    "CHATWOOT_API_URL": "http://run",
    "REDIS_URL": "redis://run",
    "PROMPT": "it costs ${HOME} 'net' \\",
}
DOT_ENV = "CHATWOOT_API_URL=https://dot-env\nREDIS_URL=redis://dot-env\nSHARDS=4\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where one stands: a project with the user's own `.env`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(DOT_ENV)
    return tmp_path


@pytest.fixture
def run_file(folder: Path) -> Iterator[Path]:
    """`make run` runs there, too."""
    (folder / ".data").mkdir()
    with envfile.left_in(folder / ".data", OF_THE_RUN) as file:
        yield file


def completed(**environment: str) -> dict[str, str]:
    complete(environment)
    return environment


def test_an_environment_that_names_a_chatwoot_takes_nothing_from_a_file(run_file: Path) -> None:
    assert completed(**OURS) == OURS
    in_a_file = {"CHATWOOT_API_URL_FILE": "/run/secrets/url"}
    assert completed(**in_a_file) == in_a_file


def test_beside_make_run_all_settings_are_the_runs(run_file: Path) -> None:
    environment = completed(REDIS_URL="redis://exported", CELERY_BROKER_URL="redis://exported", HOME="/root")
    assert environment == {**OF_THE_RUN, "HOME": "/root"}


def test_its_file_is_looked_for_where_its_data_is(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    with envfile.left_in(folder / "elsewhere", OF_THE_RUN):
        assert completed(DATA_DIR="elsewhere")["CHATWOOT_API_URL"] == "http://run"


def test_only_its_owner_may_read_it(run_file: Path) -> None:
    assert run_file.stat().st_mode & 0o077 == 0


def test_the_file_of_a_run_that_was_killed_is_named(run_file: Path) -> None:
    left = run_file.read_text()
    run_file.unlink()
    run_file.write_text(left)  # and nobody holds it
    with pytest.raises(SettingsError, match=r"\.data/run\.env is left of a `make run` that was killed"):
        completed()


def test_otherwise_dot_env_adds_what_the_environment_lacks(folder: Path) -> None:
    environment = completed(SHARDS="8")
    assert environment == {"CHATWOOT_API_URL": "https://dot-env", "REDIS_URL": "redis://dot-env", "SHARDS": "8"}


def test_without_a_file_the_environment_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert completed(REDIS_URL="redis://exported") == {"REDIS_URL": "redis://exported"}


APP = """
import os
from flask import Flask
from settings import complete

complete(os.environ)
app = Flask(__name__)
print(os.environ["CHATWOOT_API_URL"], os.environ.get("SHARDS"))
"""


def shown_by_flask(folder: Path, **environment: str) -> str:
    """What a command of Flask's, which reads `.env` by itself, ends up with."""
    (folder / "app.py").write_text(APP)
    env = {"PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-m", "flask", "routes"]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0]


def test_beside_make_run_what_flask_took_from_dot_env_does_not_count(run_file: Path) -> None:
    assert shown_by_flask(run_file.parents[1]) == "http://run None"


def test_without_make_run_flask_speaks_to_what_dot_env_names(folder: Path) -> None:
    assert shown_by_flask(folder) == "https://dot-env 4"


def test_with_flask_too_an_environment_that_names_a_chatwoot_stands(run_file: Path) -> None:
    assert shown_by_flask(run_file.parents[1], **OURS).startswith("https://ours")
