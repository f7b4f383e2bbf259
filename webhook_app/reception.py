"""What happens to a webhook that is in order: understand, decide, accept, ring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from kombu.exceptions import OperationalError

from chatwoot import events
from settings import Settings
from tasks import incoming
from tasks.incoming import Incoming
from tasks.mailbox import Mailbox, Ring
from tasks.policy import Policy
from webhook_app.decision import Decision, decide

log = structlog.get_logger()

_OURS = (Decision.OURS, Decision.DELIVERED, Decision.FAILED)
"""Decisions about messages that may be ours; our key on one tells that it is there."""


@dataclass(frozen=True)
class Reception:
    """Where webhooks are taken in."""

    mailbox: Mailbox
    ring: Callable[[int, Ring], None]
    policy: Policy
    secrets: tuple[str, ...]
    """Signing secrets; none: no signed webhook is accepted."""
    token: str
    """What stands in the path of webhooks that are not signed; empty: none is accepted."""

    @classmethod
    def of(cls, settings: Settings) -> Reception:
        from tasks import messages, wiring

        return cls(
            wiring.mailbox(settings),
            messages.ring,
            wiring.policy(settings),
            settings.chatwoot_webhook_secret,
            settings.chatwoot_webhook_token,
        )

    def receive(self, payload: Mapping[str, Any]) -> Decision:
        """Take a webhook in. Safe to repeat: a message is accepted once, whoever tells of it.

        Raises:
            redis.RedisError: it could not be kept; Chatwoot must be told so.
        """
        event = events.parse(payload)
        decision = decide(event, self.policy)
        if isinstance(event, events.MessageCreated | events.MessageUpdated):
            if decision is Decision.CUSTOMER_MESSAGE_TO_ANSWER:
                self._accept(event)
            elif decision in _OURS and event.our_key:
                self.mailbox.saw(event.conversation_id, event.our_key)
        return decision

    def _accept(self, event: events.MessageCreated | events.MessageUpdated) -> None:
        message = incoming.dump(Incoming.of(event))
        accepted = self.mailbox.accept(event.conversation_id, event.message_id, message, source_id=event.source_id)
        if accepted.doorbell is None:
            return
        try:
            self.ring(event.conversation_id, accepted.doorbell)
        except OperationalError as error:
            # The message is safe in its mailbox; the watchdog rings for it (tasks/recovery.py).
            log.warning("doorbell_not_rung", error=type(error).__name__)
