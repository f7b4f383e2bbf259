"""When people are there, as Chatwoot's settings of an inbox say: asked when a graph wants to know."""

from __future__ import annotations

import time
from collections.abc import Callable

from chatwoot.inboxes import Inbox

_FOR_S = 300.0
_NONE = "This channel says no opening hours."


class InboxHours:
    """An inbox is asked for every five minutes at most, by each process. Safe for threads."""

    def __init__(self, inbox: Callable[[int], Inbox], *, now: Callable[[], float] = time.time) -> None:
        """`inbox`: `Client.inbox` with a user's token."""
        self._inbox = inbox
        self._now = now
        self._kept: dict[int, tuple[float, Inbox]] = {}

    def in_words(self, inbox_id: int) -> str:
        """Whether it is open now, and the week.

        Raises:
            ChatwootError: it could not be asked for.
            ZoneInfoNotFoundError: nobody knows its time zone.
        """
        now = self._now()
        asked_at, inbox = self._kept.get(inbox_id, (float("-inf"), None))
        if inbox is None or now - asked_at >= _FOR_S:
            inbox = self._inbox(inbox_id)
            self._kept[inbox_id] = now, inbox
        return inbox.working_hours.in_words(now) if inbox.working_hours is not None else _NONE
