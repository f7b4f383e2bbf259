"""A help centre is searched as a real Chatwoot 4.15.1 was (23)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from chatwoot.errors import NotFound, TransientError
from chatwoot.help_center import HelpCenter
from sandbox import Sandbox
from tests.sandbox.recording import load


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


def recorded() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The article that was written, the public search, and what it answered."""
    steps = load("23")
    (written,) = (step["call"]["body"]["article"] for step in steps if _is_written(step))
    (search,) = (step for step in steps if step["call"]["path"].startswith("/hc/"))
    return written, search["call"], search["answer"]


def _is_written(step: dict[str, Any]) -> bool:
    return step["call"]["method"] == "POST" and step["call"]["path"].endswith("/articles")


def test_the_search_answers_as_recorded(sandbox: Sandbox) -> None:
    written, call, answer = recorded()
    portal = call["path"].split("/")[2]
    article = sandbox.add_article(
        written["title"],
        written["content"],
        description=written["description"],
        portal=portal,
        locale=written["locale"],
    )
    article.created_at = float(answer["body"]["payload"][0]["link"].rpartition("/")[2].partition("-")[0])
    got = httpx.get(sandbox.url + call["path"])
    assert (got.status_code, got.headers["Content-Type"]) == (answer["status"], answer["content_type"])
    assert got.json() == answer["body"]


def test_it_is_searched_by_readers_words(sandbox: Sandbox) -> None:
    sandbox.add_article("Returns", "Within **30 days**, with the receipt.")
    sandbox.add_article("Devoluciones", "En 30 días.", locale="es")
    center = HelpCenter(f"{sandbox.url}/hc/shop/en/")
    (found,) = center.search("return")
    assert (found.title, found.text) == ("Returns", "Within 30 days, with the receipt.")
    assert found.url.startswith(f"{sandbox.url}/hc/shop/articles/")
    assert center.search("can I return my shoes") == [found], "not all words stand in it, the longest does"
    assert center.search("bicycles") == []
    assert center.search(" ") == []


def test_what_is_long_is_cut(sandbox: Sandbox) -> None:
    sandbox.add_article("Terms", "word " * 100 + "deposit " + "word " * 100)
    (found,) = HelpCenter(f"{sandbox.url}/hc/shop/en").search("deposit")
    assert "deposit" in found.text
    assert len(found.text) < 240


def test_what_keeps_it_from_being_asked_is_said(sandbox: Sandbox) -> None:
    with pytest.raises(NotFound):
        HelpCenter(f"{sandbox.url}/hc/nowhere/en").search("x")
    with pytest.raises(TransientError):
        HelpCenter("http://127.0.0.1:9/hc/shop/en").search("x")
