"""Which release of the code this process runs: the commit, where it is known.

Found when the process starts, and not again: the code on the disk may be another one by then.
"""

from __future__ import annotations

import os
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_LONGEST = 64


def release_of(root: Path, env: Mapping[str, str]) -> str:
    """RELEASE, which the image has in its environment; else the commit that is checked out; else the version."""
    return env.get("RELEASE", "").strip()[:_LONGEST] or _commit(root) or _version(root)


def _commit(root: Path) -> str:
    """Empty where there is none, or no git to ask."""
    if not (root / ".git").exists():  # or a repository around it would be asked
        return ""
    line = ["git", "-C", str(root), "rev-parse", "--short=7", "HEAD"]
    try:
        return subprocess.run(line, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _version(root: Path) -> str:
    try:
        return str(tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"])
    except OSError:
        return "unknown"


RELEASE = release_of(_ROOT, os.environ)
