"""When no web process was there, as Redis knows it."""

from __future__ import annotations

import pytest
import redis

from tasks.runtime.outages import Outage, Outages


@pytest.fixture
def outages(redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Outages:
    at(1000, monkeypatch)
    return Outages(redis_client, 1)


def at(now: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.runtime.outages.time.time", lambda: now)


def test_at_the_very_first_nobody_was_missed(outages: Outages) -> None:
    assert not outages.beat(has_begun=True)
    assert outages.all() == []


def test_who_begins_tells_that_somebody_may_have_ended(outages: Outages, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within less time than between two beats."""
    outages.beat(has_begun=True)
    at(1000.25, monkeypatch)
    assert outages.beat(has_begun=True)
    assert outages.all() == [Outage(1000, 1000.25)]


def test_a_silence_and_one_that_lasts(outages: Outages, monkeypatch: pytest.MonkeyPatch) -> None:
    outages.beat(has_begun=True)
    at(1002, monkeypatch)
    assert not outages.beat()
    at(1009, monkeypatch)
    assert outages.beat()
    at(1020, monkeypatch)
    assert outages.all() == [Outage(1002, 1009), Outage(1009, 1020)]


def test_what_was_looked_at_is_forgotten(outages: Outages, monkeypatch: pytest.MonkeyPatch) -> None:
    for now in (1000, 1010, 1020):
        at(now, monkeypatch)
        outages.beat()
    outages.forget_before(1015)
    assert outages.all() == [Outage(1010, 1020)]


@pytest.mark.parametrize(("when", "is_explained"), [(97, False), (98, True), (105, True), (116, True), (117, False)])
def test_what_it_explains(when: float, is_explained: bool) -> None:
    assert Outage(100, 110).explains(when) is is_explained
