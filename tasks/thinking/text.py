"""What a model wrote, as Chatwoot and the customer's channel can take it. Templates and what is sent by hand stay."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import accumulate, takewhile

from wcwidth import iter_graphemes

_BREAKS = (
    re.compile(r"\n\s*\n"),  # paragraphs
    re.compile(r"(?<=[.!?…])\s|(?<=[.!?…][\"'”»)])\s|(?<=[。！？])|\n"),  # noqa: RUF001 - sentences and lines
)
Width = Callable[[str], int]
"""How long a character is."""
_WORDS = re.compile(r"\s")
_LEAST_FULL = 1 / 3
"""A part may be left so empty for the sake of a better place to break."""


def in_parts(text: str, limit: int, *, in_bytes: bool = False) -> Iterator[str]:
    """`text` in parts that are no longer than `limit`, broken where a reader would: nothing but white space is lost.

    `limit`: as UTF-16 counts, or in bytes of UTF-8.
    """
    width = _bytes if in_bytes else _width
    text, begin = text.strip(), 0
    while begin < len(text):
        # The rest is not copied for each part: of a long text that would take longer than all else.
        next_ones = text[begin : begin + limit + 1]
        is_last = _fitting(next_ones, limit, width) == len(next_ones)
        end = len(next_ones) if is_last else _end(next_ones, limit, width)
        yield next_ones[:end].rstrip()
        begin = _after_blanks(text, begin + end)


def _after_blanks(text: str, begin: int) -> int:
    while begin < len(text) and text[begin].isspace():
        begin += 1
    return begin


def _width(character: str) -> int:
    """Telegram counts an emoji as two, others as one."""
    return 2 if character > "\uffff" else 1


def _bytes(character: str) -> int:
    return len(character.encode())


def _end(text: str, limit: int, width: Width) -> int:
    """Where the first part ends."""
    longest = _fitting(text, limit, width)
    for kind in _BREAKS:
        end = _last(kind, text, longest)
        if end >= longest * _LEAST_FULL:
            return end
    return _last(_WORDS, text, longest) or _between_graphemes(text, longest)


def _last(kind: re.Pattern[str], text: str, longest: int) -> int:
    """Where the last break of this kind stands; 0: nowhere."""
    return max((match.start() for match in kind.finditer(text, 0, longest + 1)), default=0)


def _fitting(text: str, limit: int, width: Width) -> int:
    """How many of the first characters fit; at least one."""
    fitting = takewhile(lambda length: length <= limit, accumulate(map(width, text)))
    return max(1, sum(1 for _ in fitting))


def _between_graphemes(text: str, end: int) -> int:
    """No later than `end`, and not within what a reader sees as one: a letter with its accents, a flag, a family."""
    found = 0
    for grapheme in iter_graphemes(text[: end + 1]):
        if found + len(grapheme) > end:
            break
        found += len(grapheme)
    return found or end
