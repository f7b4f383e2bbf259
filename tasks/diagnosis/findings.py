"""A check, what it finds, and how checks follow from one another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import redis

from chatwoot.errors import ChatwootError
from tasks.runtime.requirements import RequirementsNotMet

State = Literal["ok", "wrong", "not looked at"]


class Wrong(Exception):
    """The text says in one sentence what to do. It shows no secret."""


class NotLookedAt(Exception):
    """It cannot be seen from here. The text says what would have to be there."""


@dataclass(frozen=True)
class Check:
    """Something that is well or not."""

    name: str
    look: Callable[[], str]
    """What is so, in some words.

    Raises:
        Wrong: it is not well.
        NotLookedAt: it cannot be seen.
    """
    after: tuple[str, ...] = ()
    """The names of checks without which it says nothing."""


@dataclass(frozen=True)
class Finding:
    """What a check has found."""

    name: str
    state: State
    words: str
    """What is so, or what to do, or why it was not looked at."""

    @property
    def is_ok(self) -> bool:
        return self.state == "ok"


def examine(checks: Iterable[Check]) -> Iterator[Finding]:
    """Look at one after the other, as far as those that it needs are well. Never raises."""
    well: set[str] = set()
    for check in checks:
        lacking = next((name for name in check.after if name not in well), None)
        finding = Finding(check.name, "not looked at", f"first {lacking}") if lacking else _found(check)
        if finding.is_ok:
            well.add(check.name)
        yield finding


def _found(check: Check) -> Finding:
    try:
        return Finding(check.name, "ok", check.look())
    except NotLookedAt as why:
        return Finding(check.name, "not looked at", str(why))
    except (Wrong, RequirementsNotMet, ChatwootError) as error:
        return Finding(check.name, "wrong", str(error))
    except redis.RedisError as error:
        return Finding(check.name, "wrong", f"Redis refuses, or is away: {type(error).__name__}: see its log")
    except Exception as error:  # noqa: BLE001 - whatever it is, the other checks are looked at; its words may be a secret
        return Finding(check.name, "wrong", f"could not be looked at: {type(error).__name__}: please report this")
