"""Searches a help centre as its readers do: no token, and nothing that is not published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from chatwoot import reading, responses
from chatwoot.http import ssl_context
from chatwoot.responses import Call

_MOST_SEARCHES = 3


@dataclass(frozen=True)
class Article:
    """What was found of an article."""

    title: str
    text: str
    """The part of it in which the words stand, as a line of plain text: Chatwoot gives about 220 characters."""
    url: str


class HelpCenter:
    """One portal in one language. Safe for threads."""

    def __init__(self, url: str, *, timeout_s: float = 5.0) -> None:
        """`url`: as the browser shows it, such as "https://chat.example.com/hc/shop/en"."""
        self._url = httpx.URL(url.rstrip("/"))
        self._timeout_s = timeout_s

    def search(self, words: str) -> list[Article]:
        """The articles that have all of the words, or their beginnings; where none has, those that have the longest of
        them. Safe to repeat.

        Raises:
            ChatwootError: it could not be asked.

        Source: app/controllers/public/api/v1/portals/articles_controller.rb; recorded in 4.15.1.
        """
        single = sorted(set(words.split()) - {words.strip()}, key=lambda word: (-len(word), word))
        for query in [words.strip(), *single][:_MOST_SEARCHES]:
            if query and (found := self._found(query)):
                return found
        return []

    def _found(self, query: str) -> list[Article]:
        call = Call("GET", "/hc/…/articles.json")
        try:
            answer = httpx.get(
                f"{self._url}/articles.json", params={"query": query}, timeout=self._timeout_s, verify=ssl_context()
            )
        except httpx.HTTPError as error:
            raise responses.error_for_exception(error, call) from error
        return responses.read(answer, call, self._articles)

    def _articles(self, answer: Any) -> list[Article]:
        items = reading.items(reading.mapping(answer).get("payload"))
        return [article for item in items if (article := self._article(item)) is not None]

    def _article(self, item: Any) -> Article | None:
        title, text, link = (reading.text(item.get(key)) for key in ("title", "content", "link"))
        return Article(title, text or "", str(self._url.join(link))) if title and link else None


def searching(url: str) -> Callable[[str], list[Article]] | None:
    """`HelpCenter.search` of the one at this URL; None where there is none."""
    return HelpCenter(url).search if url else None
