"""What is asked for again may have been said since it was first asked for."""

from __future__ import annotations

from tasks.records import actions
from tasks.records.actions import PostMessage


def test_however_often_it_is_renewed() -> None:
    once = PostMessage(key="by-hand.1", content="Hola", asked_at=100.0, unless_newer_than=7)
    again = actions.renewed(once, 200.0)
    assert isinstance(again, PostMessage)
    thrice = actions.load(actions.dump(actions.renewed(again, 300.0)))
    assert isinstance(thrice, PostMessage)
    assert (once.since, again.since, thrice.since) == (100.0, 100.0, 100.0)
    assert (thrice.asked_at, thrice.look_first, thrice.unless_newer_than) == (300.0, True, None)
