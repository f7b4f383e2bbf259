"""An inbox's opening hours, as its settings say them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chatwoot.working_hours import WorkingHours

RECORDED = Path(__file__).parents[2] / "recorded" / "00-setup.json"


def recorded_inbox() -> dict[str, Any]:
    """The first that was made: Monday to Friday, 9 to 17."""
    steps = json.loads(RECORDED.read_text())["steps"]
    return next(s["answer"]["body"] for s in steps if s.get("call", {}).get("path", "").endswith("/inboxes"))


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (datetime(2026, 11, 27, 8, 30, tzinfo=UTC), "It is Friday, 09:30 (Europe/Madrid): open now."),
        (datetime(2026, 11, 27, 16, 0, tzinfo=UTC), "It is Friday, 17:00 (Europe/Madrid): closed now."),
        (datetime(2026, 11, 29, 10, 0, tzinfo=UTC), "It is Sunday, 11:00 (Europe/Madrid): closed now."),
    ],
)
def test_they_say_the_week_and_whether_it_is_open(at: datetime, words: str) -> None:
    inbox = recorded_inbox() | {"working_hours_enabled": True, "timezone": "Europe/Madrid"}
    hours = WorkingHours.from_json(inbox)
    assert hours is not None
    first, *week = hours.in_words(at.timestamp()).splitlines()
    assert first == words
    assert week[:2] == ["Sunday: closed", "Monday: 09:00 to 17:00"]


def test_an_inbox_without_them_says_none() -> None:
    assert WorkingHours.from_json(recorded_inbox()) is None
    assert WorkingHours.from_json({}) is None


def test_a_day_may_be_open_all_day() -> None:
    day = {"day_of_week": 1, "open_all_day": True, "closed_all_day": False}
    hours = WorkingHours.from_json({"working_hours_enabled": True, "working_hours": [day]})
    assert hours is not None
    assert "Monday: open all day" in hours.in_words(0)
