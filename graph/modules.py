"""`package.module:attribute`, or `path/to/file.py:attribute` -> the attribute, or one sentence why not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from langgraph.graph import StateGraph
from langgraph.pregel import Pregel

from graph.missing import missing, place_of
from graph.neighbours import clash, hidden

T = TypeVar("T")


class GraphError(Exception):
    """The graph cannot be loaded, or cannot be run here. The text says what to change, and shows no secret."""


def attribute_of(spec: str) -> object:
    """What `spec` names.

    Raises:
        GraphError: it is not there, lacks a package or a key, or imports a module named as one of ours.
        Exception: whatever else the module raises.
    """
    name, _, attribute = spec.rpartition(":")
    if not name or not attribute:
        raise GraphError(f"GRAPH={spec}: write package.module:attribute, or path/to/file.py:attribute")
    module = _file(name, spec) if name.endswith(".py") else _module(name, spec)
    if not hasattr(module, attribute):
        names = ", ".join(name for name, value in vars(module).items() if isinstance(value, Pregel | StateGraph))
        raise GraphError(f"GRAPH={spec}: {name} has no {attribute} (graphs in it: {names or 'none'})")
    return getattr(module, attribute)


def run_for(spec: str, code: Callable[[], T]) -> T:
    """What a user's code returns.

    Raises:
        GraphError: it says that a package or a key is missing.
        Exception: whatever else it raises.
    """
    try:
        return code()
    except GraphError:
        raise
    except Exception as error:
        if what := missing(error):
            raise GraphError(f"GRAPH={spec}: {what} ({place_of(error)})") from None
        raise


def _module(name: str, spec: str) -> ModuleType:
    if theirs := hidden(name):
        raise GraphError(f"GRAPH={spec}: {theirs}")
    top = name.partition(".")[0]
    found = find_spec(top) if top not in sys.modules else None
    if found and found.origin:
        _require_no_clash(_source(Path(found.origin), name), _home(Path(found.origin)), spec)
    return run_for(spec, lambda: import_module(name))


def _home(origin: Path) -> Path:
    """The folder on the path in which a top-level module or package lies."""
    return origin.parents[1] if origin.name == "__init__.py" else origin.parent


def _source(origin: Path, name: str) -> Path:
    """Of the module itself, where its package is at `origin`."""
    path = _home(origin).joinpath(*name.split("."))
    return next((each for each in (path.with_suffix(".py"), path / "__init__.py") if each.is_file()), origin)


def _file(name: str, spec: str) -> ModuleType:
    """As a script beside its neighbours, which it may import."""
    path = Path(name).resolve()
    found = spec_from_file_location(str(path).removesuffix(".py").strip("/").replace("/", "__"), path)
    if not path.is_file() or found is None or found.loader is None:
        raise GraphError(f"GRAPH={spec}: no file {name}")
    _require_no_clash(path, path.parent, spec)
    if (folder := str(path.parent)) not in sys.path:
        sys.path.append(folder)
    module, loader = module_from_spec(found), found.loader
    sys.modules[found.name] = module  # where dataclasses and type hints look for their own
    run_for(spec, lambda: loader.exec_module(module))
    return module


def _require_no_clash(file: Path, home: Path, spec: str) -> None:
    if found := clash(file, home.resolve()):
        raise GraphError(f"GRAPH={spec}: {found}")
