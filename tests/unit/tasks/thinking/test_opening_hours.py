"""What a graph is told of an inbox's opening hours, and how often Chatwoot is asked."""

from __future__ import annotations

from dataclasses import replace

from chatwoot.inboxes import Inbox
from chatwoot.working_hours import WorkingHours
from tasks.thinking.opening_hours import InboxHours


class Chatwoot:
    def __init__(self, hours: WorkingHours | None) -> None:
        self.asked: list[int] = []
        self.hours = hours
        self.now = 0.0

    def inbox(self, inbox_id: int) -> Inbox:
        self.asked.append(inbox_id)
        return replace(Inbox.from_json({"id": inbox_id}), working_hours=self.hours)


def test_an_inbox_is_asked_for_now_and_then() -> None:
    chatwoot = Chatwoot(WorkingHours("UTC", {4: (0, 60)}))
    hours = InboxHours(chatwoot.inbox, now=lambda: chatwoot.now)
    assert hours.in_words(7).startswith("It is Thursday, 00:00 (UTC): open now.")
    chatwoot.now = 299.0
    assert hours.in_words(7).startswith("It is Thursday, 00:04 (UTC): open now.")
    assert chatwoot.asked == [7]
    chatwoot.now = 3600.0
    assert hours.in_words(7).startswith("It is Thursday, 01:00 (UTC): closed now.")
    assert chatwoot.asked == [7, 7]


def test_an_inbox_may_say_none() -> None:
    assert InboxHours(Chatwoot(None).inbox).in_words(7) == "This channel says no opening hours."
