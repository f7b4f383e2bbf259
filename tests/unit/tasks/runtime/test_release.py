"""A release is named by what the image was built with, else by the commit that is checked out, else by the version."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tasks.runtime.release import release_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "contesta"\nversion = "0.1.0"\n')
    return tmp_path


def commit(root: Path) -> str:
    def git(*words: str) -> str:
        who = ("-c", "user.name=Marta", "-c", "user.email=marta@example.com")
        return subprocess.check_output(["git", "-C", str(root), *who, *words], text=True)

    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "--message", "begin")
    return git("rev-parse", "HEAD").strip()


def test_the_image_says_it(root: Path) -> None:
    commit(root)
    assert release_of(root, {"RELEASE": " a1b2c3d\n"}) == "a1b2c3d"


def test_the_commit_says_it(root: Path) -> None:
    whole = commit(root)
    assert release_of(root, {"RELEASE": ""}) == whole[:7]


def test_the_version_says_it(root: Path) -> None:
    assert release_of(root, {}) == "0.1.0"


def test_a_repository_around_it_does_not(root: Path) -> None:
    commit(root)
    inside = root / "inside"
    inside.mkdir()
    (inside / "pyproject.toml").write_text((root / "pyproject.toml").read_text())
    assert release_of(inside, {}) == "0.1.0"
