"""A check that goes wrong, however, is a finding; what follows from it is not looked at; no secret is shown."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import redis

from chatwoot.errors import TransientError
from tasks.diagnosis.findings import Check, Finding, NotLookedAt, Wrong, examine
from tasks.diagnosis.of_redis import within_limits
from tasks.installation import wanted
from tasks.runtime.requirements import RequirementsNotMet


def raising(error: Exception) -> Callable[[], str]:
    def look() -> str:
        raise error

    return look


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Wrong("start it"), "start it"),
        (RequirementsNotMet("take Redis 8"), "take Redis 8"),
        (TransientError("GET /api answered 500"), "GET /api answered 500"),
        (redis.ConnectionError("redis://:hush@host"), "Redis refuses, or is away: ConnectionError: see its log"),
        (KeyError("hush"), "could not be looked at: KeyError: please report this"),
    ],
)
def test_whatever_is_raised_is_a_finding(error: Exception, words: str) -> None:
    assert list(examine([Check("it", raising(error))])) == [Finding("it", "wrong", words)]


def test_what_follows_is_not_looked_at() -> None:
    looked: list[str] = []
    checks = [
        Check("a", raising(Wrong("no"))),
        Check("b", lambda: looked.append("b") or "b", ("a",)),
        Check("c", lambda: looked.append("c") or "c", ("b",)),
        Check("d", lambda: looked.append("d") or "d"),
        Check("e", raising(NotLookedAt("nobody says")), ("d",)),
    ]
    found = {each.name: (each.state, each.words) for each in examine(checks)}
    assert looked == ["d"]
    assert found["b"] == ("not looked at", "first a")
    assert found["c"] == ("not looked at", "first b")
    assert found["e"] == ("not looked at", "nobody says")


@pytest.mark.parametrize("ahead_s", [-1.5, 0, 1.5])
def test_clocks_may_differ_a_little(ahead_s: float) -> None:
    assert within_limits("Redis", time.time() + ahead_s, time.time())


def test_a_clock_that_tells_whole_seconds_is_not_behind() -> None:
    now = time.time()
    assert within_limits("Chatwoot", now - 2.9, now, exact_to_s=1.0)
    with pytest.raises(Wrong, match="Chatwoot is 9 s behind this one"):
        within_limits("Chatwoot", now - 10, now, exact_to_s=1.0)


@pytest.mark.parametrize(
    ("url", "is_ours"),
    [
        ("https://bot.example.com/webhooks/chatwoot", True),
        ("https://bot.example.com/behind/a/proxy/webhooks/chatwoot/", True),
        ("https://bot.example.com/webhooks/chatwoot/the-token", True),
        ("https://bot.example.com/webhooks/chatwoot/another", False),
        ("https://bot.example.com/webhooks", False),
        ("https://[bot/webhooks/chatwoot", False),
        ("", False),
    ],
)
def test_which_address_is_ours(url: str, is_ours: bool) -> None:
    assert wanted.leads_to_us(url, "the-token") is is_ours


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("https://bot.example.com/webhooks/chatwoot/hush", "https://bot.example.com"),
        ("https://marta:hush@bot.example.com:8443/?hush", "https://bot.example.com:8443"),
        ("https://[hush", "an address that is none"),
        ("https://bot.example.com:hush/", "an address that is none"),
        ("hush", "no address"),
    ],
)
def test_what_is_shown_of_an_address(url: str, seen: str) -> None:
    assert wanted.shown(url) == seen
