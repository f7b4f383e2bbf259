"""A user's module named as one of ours, such as `tasks` or `settings`: Python has one of each name, and it is ours.

So theirs, where their graph imports it, would be ours without a word, or an error that names neither. What their graph
imports is read from its source, as far as that lies in their own folder; nothing is run.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

OURS = ("celeryconfig", "chatwoot", "cli", "graph", "settings", "tasks", "webhook_app")
_ROOT = Path(__file__).resolve().parents[1]
_LIBRARIES = ("site-packages", "dist-packages")


@dataclass(frozen=True)
class Clash:
    """A name that means one module to the user's code, and another to Python."""

    name: str
    theirs: Path
    asked: str

    def __str__(self) -> str:
        ours = _file_of(_ROOT, (self.name,))
        return (
            f"{self.asked} `{self.name}`, which is {self.theirs} in your project and {ours} here: "
            "rename yours, or move it into a package of its own"
        )


def clash(file: Path, home: Path) -> Clash | None:
    """The first import of a module of theirs named as one of ours, in this file or in what it imports from `home`.

    `home` is the file's folder on the path. What is installed, as a library is, is not looked at.
    """
    if set(_LIBRARIES) & set(home.parts):
        return None
    return next(_Reader(home).clashes(file.resolve()), None)


def hidden(module: str) -> Clash | None:
    """The same of a module that GRAPH itself names."""
    parts = tuple(module.split("."))
    theirs = _Reader(Path.cwd()).theirs(parts) if parts[0] in OURS else None
    return Clash(parts[0], theirs, "it names") if theirs else None


@dataclass
class _Reader:
    home: Path
    _read: set[Path] = field(default_factory=set)

    def clashes(self, file: Path) -> Iterator[Clash]:
        if file in self._read:
            return
        self._read.add(file)
        for module, is_absolute in _imported(file):
            name = module[0] if is_absolute else ""
            if name in OURS:
                if (theirs := self.theirs(module)) and theirs != file:
                    yield Clash(name, theirs, f"{file} imports")
                continue
            folder = self.home if is_absolute else file.parent
            for length in range(1, len(module) + 1):
                if found := _file_of(folder, module[:length]):
                    yield from self.clashes(found)

    def theirs(self, module: tuple[str, ...]) -> Path | None:
        """What the user means by it; None: what we have."""
        if len(module) > 1 and _file_of(_ROOT, module):
            return None
        folders = [self.home, *(Path(each or ".").resolve() for each in sys.path)]
        theirs = (each for each in folders if each != _ROOT and not set(_LIBRARIES) & set(each.parts))
        found = (_file_of(each, module[:1]) or _file_of(each, module[:2]) for each in theirs)
        return next((each for each in found if each), None)


def _imported(file: Path) -> Iterator[tuple[tuple[str, ...], bool]]:
    """The modules that a source may mean, by the parts of their names; False: as seen from its folder, by dots."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return  # importing it says so
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((tuple(each.name.split(".")), True) for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = (*([".."] * (node.level - 1)), *(node.module.split(".") if node.module else ()))
            yield from (((*module, each.name), node.level == 0) for each in node.names)


def _file_of(folder: Path, module: tuple[str, ...]) -> Path | None:
    path = folder.joinpath(*module)
    found = (path.with_name(f"{path.name}.py"), path / "__init__.py")
    return next((each.resolve() for each in found if each.is_file()), None)
