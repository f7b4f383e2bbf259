"""Which failures of a graph pass, and which do not."""

from __future__ import annotations

from types import SimpleNamespace

import httpx
import pytest

from tasks.thinking.trouble import Trouble, named, trouble


class OfAClient(Exception):
    def __init__(self, **attributes: object) -> None:
        super().__init__("the customer said …")
        self.__dict__.update(attributes)


class APITimeoutError(Exception):
    """As openai and anthropic name it."""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OfAClient(status_code=429), "away"),
        (OfAClient(status_code=529), "away"),
        (OfAClient(code=503), "away"),
        (OfAClient(response=SimpleNamespace(status_code=500)), "away"),
        (OfAClient(status_code=401), "for ever"),
        (OfAClient(code=400), "for ever"),
        (OfAClient(code="rate_limit_exceeded"), "unknown"),
        (OfAClient(code=True), "unknown"),
        (APITimeoutError(), "away"),
        (httpx.ReadTimeout("…"), "away"),
        (ConnectionResetError(), "away"),
        (TimeoutError(), "away"),
        (ValueError("…"), "unknown"),
    ],
)
def test_it_is_known_by_its_status_or_its_name(error: Exception, expected: Trouble) -> None:
    assert trouble(error) == expected


def test_its_words_are_not_repeated() -> None:
    assert named(OfAClient(status_code=401)) == "OfAClient, status 401"
    assert named(ValueError("the customer said …")) == "ValueError"
