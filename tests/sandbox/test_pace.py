"""A small Chatwoot: stores so many messages a second in all, and each post in flight makes the others slower."""

import threading

from sandbox.pace import Pace
from tests.sandbox.desk import Desk


def test_each_in_flight_waits_for_those_before_it() -> None:
    now = 100.0
    pace = Pace(20, clock=lambda: now)
    assert [round(pace.turn_s(), 3) for _ in range(4)] == [0.05, 0.1, 0.15, 0.2]


def test_whoever_comes_when_nobody_waits_pays_for_himself_only() -> None:
    times = iter((100.0, 200.0))
    pace = Pace(20, clock=lambda: next(times))
    assert [round(pace.turn_s(), 3) for _ in range(2)] == [0.05, 0.05]


def test_it_goes_as_fast_as_it_can_unless_told() -> None:
    assert Pace(None).turn_s() == 0.0


def test_posting_is_slowed_and_all_is_stored(desk: Desk) -> None:
    """One a minute: the post hangs until the pace is lifted."""
    desk.sandbox.set_pace(1 / 60)
    answers: list[int] = []
    posting = threading.Thread(target=lambda: answers.append(desk.reply("uno").status_code))
    posting.start()
    posting.join(0.1)
    assert answers == []
    desk.sandbox.set_pace(None)
    posting.join(5)
    assert answers == [200]
    assert desk.contents == ["uno"]


def test_reading_is_not_slowed(desk: Desk) -> None:
    desk.sandbox.set_pace(1 / 60)
    assert desk.call("GET", "conversations/3").status_code == 200
