"""What happens to a webhook that is in order: understand, decide, accept, ring."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from kombu.exceptions import OperationalError

from chatwoot import events
from settings import Settings
from tasks.customers.index import Directory
from tasks.mailbox import Mailbox, Ring, Send
from tasks.mailbox.doorbells import Doorbells
from tasks.ownership.decision import Decision, decide, gives_back_all, refusal
from tasks.ownership.policy import Policy, Refusal
from tasks.records import actions, incoming
from tasks.records.incoming import Incoming
from tasks.recovery.dead_letters import bury_undelivered
from tasks.runtime.counters import Counted, count

log = structlog.get_logger()

_FOR_NOW = (Refusal.STATUS, Refusal.ASSIGNED, Refusal.PAUSED)
"""People have it: what is said meanwhile is for the bot to know."""
_OURS = (Decision.OURS, Decision.DELIVERED, Decision.FAILED)
"""Decisions about messages that may be ours; our key on one tells that it is there."""


@dataclass(frozen=True)
class Reception:
    """Where webhooks are taken in."""

    mailbox: Mailbox
    doorbells: Doorbells
    policy: Policy
    directory: Directory
    secrets: tuple[str, ...]
    """Signing secrets; none: no signed webhook is accepted."""
    token: str
    """What stands in the path of webhooks that are not signed; empty: none is accepted."""

    @classmethod
    def of(cls, settings: Settings) -> Reception:
        from tasks import wiring
        from tasks.mailbox import doorbells

        return cls(
            wiring.mailbox(settings, patience_s=1.5),
            doorbells.over_celery,
            wiring.policy(settings),
            wiring.directory(settings),
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
        count(Counted.WEBHOOKS, decision)
        if isinstance(event, events.MessageCreated | events.MessageUpdated):
            self._take_message(event, decision)
        elif isinstance(event, events.ConversationEvent):
            self._take_act(event, decision)
        return decision

    def _take_message(self, event: events.MessageCreated | events.MessageUpdated, decision: Decision) -> None:
        conversation_id = event.conversation_id
        if decision is Decision.CUSTOMER_MESSAGE_TO_ANSWER:
            self._accept(event)
        elif decision is Decision.CUSTOMER_MESSAGE_NOT_OURS:
            if refusal(event, self.policy) in _FOR_NOW:
                self._accept(event)
        elif decision is Decision.A_PERSONS:
            said = incoming.dump(Incoming.of(event, by="person"))
            at = event.created_at or time.time()
            self.mailbox.people_take(conversation_id, at=at, message=(event.message_id, said))
        elif decision is Decision.DELETED:
            self.mailbox.forget_message(
                conversation_id, event.message_id, incoming.dump(Incoming.deleted(event.message_id))
            )
        elif decision in _OURS and event.our_key:
            self.mailbox.saw(conversation_id, event.our_key)
        if decision is Decision.FAILED and event.is_ours():
            bury_undelivered(self.mailbox, event)
            if not actions.is_by_hand(event.our_key):
                self._tell_people(event)

    def _take_act(self, event: events.ConversationEvent, decision: Decision) -> None:
        at = event.conversation_updated_at or time.time()
        shown = self._signs_of_people(event)
        if decision is Decision.TAKEN_OVER:
            self.mailbox.people_take(event.conversation_id, at=at, shown=shown)
        elif decision is Decision.HANDED_BACK and shown and not gives_back_all(event):
            # No longer assigned, or no longer paused; but the status, or a person, still shows it as people's.
            self.mailbox.people_take(event.conversation_id, at=at, shown=shown)
        elif decision is Decision.HANDED_BACK:
            is_over = event.conversation_status == "resolved"
            following = self.mailbox.people_give_back(
                event.conversation_id, at=at, shown=shown, to_be_answered=not is_over
            )
            self._announce(event.conversation_id, following)

    def _signs_of_people(self, event: events.ConversationEvent) -> str:
        return self.policy.signs_of_people(
            status=event.conversation_status,
            labels=event.labels,
            is_assigned_to_person=event.is_assigned_to_person,
        )

    def _accept(self, event: events.MessageCreated | events.MessageUpdated) -> None:
        self.directory.enter(
            event.conversation_id, contact_id=event.contact_id, phone_number=event.contact_phone_number
        )
        accepted = self.mailbox.accept(
            event.conversation_id,
            event.message_id,
            incoming.dump(Incoming.of(event)),
            source_id=event.source_id,
            refused=self._signs_of_people(event),
            at=event.conversation_updated_at or time.time(),
        )
        self._announce(event.conversation_id, accepted.doorbell)

    def _tell_people(self, event: events.MessageEvent) -> None:
        """The customer waits for what the channel has refused. Each failure is told of once."""
        note = f"The bot's answer was not delivered: {event.external_error or event.status}. Please take over."
        for act in actions.alert(f"{event.our_key}.undelivered", note, time.time()):
            self.mailbox.post(event.conversation_id, act.key, actions.dump(act))
        self._announce(event.conversation_id, Send())

    def _announce(self, conversation_id: int, following: Ring | Send | None) -> None:
        try:
            self.doorbells.announce(conversation_id, following)
        except OperationalError as error:
            # It is safe in its mailbox; the watchdog rings for it (tasks/recovery/watchdog.py).
            log.warning("doorbell_not_rung", error=type(error).__name__)
