"""Which version of Chatwoot it is that answers."""

from __future__ import annotations

from typing import Any

from chatwoot.reading import Misshapen, text, within

_NEWEST = (9999, 0)


def version_in(answer: Any) -> str:
    """Such as "4.15.1", of what GET /api says.

    Raises:
        Misshapen: it says none.
    """
    if (version := text(within(answer, "version"))) is None:
        raise Misshapen("no version")
    return version


def release_of(version: str) -> tuple[int, int]:
    """The first two numbers, to be compared. A version that cannot be read counts as the newest that there may be."""
    numbers = version.split(".")[:2]
    if len(numbers) < 2 or not all(number.isascii() and number.isdecimal() for number in numbers):
        return _NEWEST
    return int(numbers[0]), int(numbers[1])
