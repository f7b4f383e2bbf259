"""What happens to a webhook that is in order: read, decide, take in, ring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from kombu.exceptions import OperationalError

from chatwoot import events
from tasks.mailbox import WakeSender, WakeThinker
from tasks.mailbox.doorbells import Doorbells
from tasks.ownership.decision import Decision, decide
from tasks.ownership.intake import Intake
from tasks.ownership.lateness import Lateness
from tasks.recovery.undelivered import Undelivered
from tasks.runtime.counters import Counted, count

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Reception:
    """Where webhooks are taken in."""

    intake: Intake
    undelivered: Undelivered
    doorbells: Doorbells
    secrets: tuple[str, ...]
    """Signing secrets; none: no signed webhook is accepted."""
    token: str
    """What stands in the path of webhooks that are not signed; empty: none is accepted."""
    lateness: Lateness | None = None
    """Told how late messages' webhooks come; None: it does not matter."""

    def receive(self, payload: Mapping[str, Any], *, sent_at: float) -> Decision:
        """Take a webhook in, which was sent at this unix time. Safe to repeat: a message is accepted once.

        Raises:
            redis.RedisError: it could not be kept; Chatwoot must be told so.
        """
        event = events.parse(payload)
        decision = decide(event, self.intake.policy)
        count(Counted.WEBHOOKS, decision)
        if self.lateness is not None:
            self.lateness.of(event, sent_at)
        following = self.intake.take_in(event, decision)
        if decision is Decision.FAILED and isinstance(event, events.MessageEvent):
            following = self.undelivered.keep(event)
        if event is not None:
            self._announce(event.conversation_id, following)
        return decision

    def _announce(self, conversation_id: int, following: WakeThinker | WakeSender | None) -> None:
        try:
            self.doorbells.announce(conversation_id, following)
        except OperationalError as error:
            # It is safe in its mailbox; the watchdog rings for it (tasks/recovery/watchdog.py).
            log.warning("doorbell_not_rung", error=type(error).__name__)
