"""Find what no webhook told us of: ask Chatwoot whose customers wait, and accept what is missing. No Celery here.

An account webhook is sent once, a bot's only after a 429 or 500 again, and Chatwoot was seen to store a message and
never send a webhook for it. What is found goes through the same door as a webhook, so it cannot be doubled.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import structlog

from chatwoot.client import Client
from chatwoot.conversations import Conversation
from chatwoot.errors import NotFound
from chatwoot.messages import Message
from tasks import incoming
from tasks.incoming import Incoming
from tasks.mailbox import Mailbox
from tasks.policy import Policy
from tasks.recovery import Doorbells

log = structlog.get_logger()

_MOST_PAGES = 40  # of 25 conversations


@dataclass(frozen=True)
class Reconciling:
    """How lost messages are looked for."""

    client: Client
    """With a user's token: a bot's may not list."""
    mailbox: Mailbox
    policy: Policy
    doorbells: Doorbells
    horizon_s: float
    """What is older is left: neither last month's messages nor a backlog is answered at the first start."""
    grace_s: float
    """What is younger is left: its webhook is on its way."""

    def reconcile(self) -> int:
        """Accept what is missing; returns how many messages. Safe to repeat, and at the same time as webhooks.

        Raises:
            ChatwootError: Chatwoot cannot be asked now. What was found before is accepted.
        """
        now = time.time()
        found = 0
        for conversation in self._waiting(now):
            found += sum(self._accept(conversation.id, message) for message in self._unanswered(conversation, now))
        if found:
            log.warning("messages_reconciled", messages=found)
        return found

    def _waiting(self, now: float) -> Iterator[Conversation]:
        """Conversations whose customer seems to wait for us: `waiting_since` names candidates, no more."""
        for status in sorted(self.policy.answer_statuses):
            for page in range(1, _MOST_PAGES + 1):
                # The newest first, and those that do not wait last.
                listed = self.client.conversations(status=status, sort_by="waiting_since_desc", page=page)
                waiting = [each for each in listed if (each.waiting_since or 0) > now - self.horizon_s]
                yield from filter(self._is_ours, waiting)
                if not listed or len(waiting) < len(listed):
                    break

    def _is_ours(self, conversation: Conversation) -> bool:
        refusal = self.policy.refuses(
            inbox_id=conversation.inbox_id,
            status=conversation.status,
            labels=conversation.labels,
            is_assigned_to_person=conversation.assignee is not None and conversation.assignee.kind == "user",
            is_blocked=conversation.contact_is_blocked,
        )
        return refusal is None

    def _unanswered(self, conversation: Conversation, now: float) -> list[Message]:
        """The customer's messages since the last that somebody answered, oldest first."""
        try:
            messages = self.client.messages(conversation.id)
        except NotFound:
            return []  # deleted meanwhile
        unanswered: list[Message] = []
        for message in reversed(messages):
            if message.message_type == "outgoing" and not message.is_private:
                break
            if message.message_type == "incoming" and not message.is_private:
                unanswered.insert(0, message)
        return [each for each in unanswered if self.grace_s <= now - (each.created_at or 0) <= self.horizon_s]

    def _accept(self, conversation_id: int, message: Message) -> bool:
        text = incoming.dump(Incoming.of_message(message))
        accepted = self.mailbox.accept(conversation_id, message.id, text, source_id=message.source_id)
        if accepted.doorbell is not None:
            self.doorbells.ring(conversation_id, accepted.doorbell)
        return accepted.is_new
