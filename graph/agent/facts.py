"""What the business says of itself: a folder of Markdown files, read once when the worker starts.

Short files stand in the prompt, whole. Of what is longer the agent looks up the sections that have its words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from langchain_core.tools import BaseTool, tool

from graph.modules import GraphError

IN_THE_PROMPT = 8_000
"""Characters, about 2,000 tokens, which each call of the model costs."""
_SECTIONS, _MOST_SECTION = 3, 3_000
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
_PREFIX = 5
"""Letters of a word that are compared: "returns" finds "return", "devoluciones" finds "devolución"."""


@dataclass(frozen=True)
class Section:
    """What stands below a heading, to the next one."""

    heading: str
    text: str


@dataclass(frozen=True)
class Facts:
    """The files that stand in the prompt, and the sections of all others."""

    short: str = ""
    sections: tuple[Section, ...] = ()

    def found(self, query: str) -> list[Section]:
        """The sections with most of the query's words, the best first; a word in the heading counts twice."""
        words = _words(query)
        scores = [(_score(words, each), -place) for place, each in enumerate(self.sections)]
        best = sorted((score, place) for score, place in scores if score)[-_SECTIONS:]
        return [self.sections[-place] for _, place in reversed(best)]


def facts_in(folder: str) -> Facts:
    """The Markdown files of a folder, and below it; none where `folder` is empty.

    Raises:
        GraphError: there is no such folder, no Markdown in it, or a file that cannot be read.
    """
    if not folder:
        return Facts()
    texts = _read(Path(folder))
    short: list[str] = []
    long: list[str] = []
    for text in sorted(texts, key=len):
        fits = sum(map(len, short)) + len(text) <= IN_THE_PROMPT
        (short if fits else long).append(text)
    return Facts("\n\n".join(short), tuple(each for text in long for each in _sections(text)))


def looking_up(facts: Facts) -> BaseTool:
    """Finds what the long files say."""

    @tool
    def look_up(query: str) -> str:
        """Look up what the business says of itself: prices, terms, services. `query`: a few words, in its language."""
        found = facts.found(query)
        return "\n\n".join(f"# {each.heading}\n{each.text[:_MOST_SECTION]}" for each in found) or "Nothing found."

    return look_up


def _read(folder: Path) -> list[str]:
    files = sorted(folder.rglob("*.md"))
    if not files:
        raise GraphError(f"FACTS_DIR={folder}: there are no Markdown files (*.md)")
    try:
        return [text for each in files if (text := each.read_text(encoding="utf-8").strip())]
    except (OSError, UnicodeDecodeError) as error:
        raise GraphError(f"FACTS_DIR={folder}: {type(error).__name__}") from None


def _sections(text: str) -> Iterable[Section]:
    places = [*_HEADING.finditer(text)]
    begin = text[: places[0].start()] if places else text
    if begin.strip():
        yield Section("", begin.strip())
    ends = [*(each.start() for each in places[1:]), len(text)]
    for heading, end in zip(places, ends, strict=False):
        yield Section(heading[1], text[heading.end() : end].strip())


def _score(words: Sequence[str], section: Section) -> int:
    heading, text = set(_words(section.heading)), set(_words(section.text))
    return sum(2 * (word in heading) + (word in text) for word in words)


def _words(text: str) -> list[str]:
    """Without accents, case and endings; short words, which are everywhere, are left out."""
    plain = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    return list(dict.fromkeys(word[:_PREFIX] for word in re.findall(r"\w+", plain.casefold()) if len(word) > 2))
