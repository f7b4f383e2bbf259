"""The file in which commands that are typed beside `make run` find its settings."""

import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

NAME = "run.env"


def names_in(example: Path) -> list[str]:
    """The settings that `.env.example` lists, those that stand behind a comment's sign too."""
    return re.findall(r"^(?:# )?([A-Z_]+)=", example.read_text(), re.MULTILINE)


def settings_of(environment: Mapping[str, str], names: list[str]) -> dict[str, str]:
    """Those of a process's environment that are settings, given as they are or as `NAME_FILE`."""
    wanted = {form for name in names for form in (name, f"{name}_FILE")}
    return {name: value for name, value in environment.items() if name in wanted}


@contextmanager
def left_in(directory: Path, settings: Mapping[str, str]) -> Iterator[Path]:
    """As long as this lasts, the settings stand in a file there that only its owner may read: there are secrets.

    It is locked as long, so who reads it sees whether it is of a run that was killed.
    """
    file = directory / NAME
    file.unlink(missing_ok=True)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        opened.writelines(f"{name}={_quoted(value)}\n" for name, value in settings.items())
        opened.flush()
        try:
            yield file
        finally:
            file.unlink(missing_ok=True)


def _quoted(value: str) -> str:
    """As python-dotenv reads it."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
