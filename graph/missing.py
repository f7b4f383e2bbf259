"""What an error says is missing: a package, or a key. Only names are taken from its words: they may quote a secret."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from pathlib import Path

from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr

_KINDS = "KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS|ENDPOINT|PROJECT|REGION|URL|VERSION"
_VARIABLE = re.compile(rf"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_(?:{_KINDS})\b")
_PACKAGE = re.compile(r"pip install (?:-U |--upgrade )?[`'\"]?([\w.-]+(?:\[[\w,.-]+\])?)")


def missing(error: BaseException) -> str | None:
    """What is to be installed or set, in words that go on after a name; None: the error says nothing of the kind."""
    for each in _chain(error):
        if isinstance(each, ModuleNotFoundError) and each.name:
            return _no_module(each.name)
        if isinstance(each, ImportError) and (found := _PACKAGE.search(str(each))):
            return f"a package is missing: pip install {found[1]}"
        if names := dict.fromkeys(_VARIABLE.findall(str(each))):
            return f"set {' or '.join(names)}"
    return None


def keys_not_set(model: BaseChatModel) -> str | None:
    """The variables of which a model wants one and has none: some providers say so at the first call only."""
    keys = {field: name for field, name in model.lc_secrets.items() if name.endswith("_API_KEY")}
    if not keys or any(_is_set(getattr(model, field, None)) for field in model.lc_secrets):
        return None
    return " or ".join(keys.values())


def place_of(error: BaseException) -> str:
    """Where in the user's own files it was raised, such as "KeyError in my_agent.py, line 7"."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_a_users(frame.filename)]
    where = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"


def _no_module(name: str) -> str:
    package = name.partition(".")[0]
    how = f": pip install {package.replace('_', '-')}" if package.startswith("lang") else ""
    return f"no module named {name}{how}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    each: BaseException | None = error
    while each is not None:
        yield each
        each = each.__cause__ or each.__context__


def _is_set(value: object) -> bool:
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)


def _is_a_users(file: str) -> bool:
    path = Path(file)
    return path.is_file() and "site-packages" not in path.parts and path.parent != Path(__file__).parent
