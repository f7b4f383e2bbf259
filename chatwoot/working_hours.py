"""When an inbox has people, as its settings say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from chatwoot import reading

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MINUTES = 24 * 60


@dataclass(frozen=True)
class WorkingHours:
    """Open and close, in minutes of the day, by Chatwoot's number of the weekday: 0 is Sunday. A closed day is not
    there."""

    timezone: str
    days: dict[int, tuple[int, int]]

    @classmethod
    def from_json(cls, inbox: Any) -> WorkingHours | None:
        """Of an inbox; None: it says no hours, or cannot be read."""
        inbox = reading.mapping(inbox)
        listed = reading.items(inbox.get("working_hours"))
        if inbox.get("working_hours_enabled") is not True or not listed:
            return None
        days = {}
        for each in listed:
            number, hours = reading.number(each.get("day_of_week")), _hours(each)
            if number is not None and hours is not None:
                days[int(number)] = hours
        return cls(reading.text(inbox.get("timezone")) or "UTC", days)

    def in_words(self, at: float) -> str:
        """For a model: whether it is open at a time (Unix seconds), and the whole week.

        Raises:
            ZoneInfoNotFoundError: nobody knows the time zone.
        """
        now = datetime.fromtimestamp(at, ZoneInfo(self.timezone))
        today, minutes = now.isoweekday() % 7, now.hour * 60 + now.minute
        opens, closes = self.days.get(today, (0, 0))
        is_open = "open" if opens <= minutes < closes else "closed"
        week = "\n".join(f"{name}: {self._of(day)}" for day, name in enumerate(_DAYS))
        return f"It is {_DAYS[today]}, {now:%H:%M} ({self.timezone}): {is_open} now.\n{week}"

    def _of(self, day: int) -> str:
        if day not in self.days:
            return "closed"
        opens, closes = self.days[day]
        return "open all day" if (opens, closes) == (0, _MINUTES) else f"{_clock(opens)} to {_clock(closes)}"


def _hours(day: Any) -> tuple[int, int] | None:
    if day.get("closed_all_day") is True:
        return None
    if day.get("open_all_day") is True:
        return 0, _MINUTES
    read = [reading.number(day.get(f"{what}_{unit}")) for what in ("open", "close") for unit in ("hour", "minutes")]
    opens, open_minutes, closes, close_minutes = (int(each or 0) for each in read)
    return opens * 60 + open_minutes, closes * 60 + close_minutes


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
