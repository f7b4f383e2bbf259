"""Find what no webhook told us of: ask Chatwoot whose customers wait, and accept what is missing. No Celery here.

An account webhook is sent once, a bot's only after a 429 or 500 again, and Chatwoot was seen to store a message and
never send a webhook for it. What is found goes through the same door as a webhook, so it cannot be doubled.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import structlog

from chatwoot.client import Client
from chatwoot.conversations import Conversation
from chatwoot.errors import NotFound
from chatwoot.messages import Message
from tasks import incoming
from tasks.answered import unanswered
from tasks.counters import Counted, count
from tasks.doorbells import Doorbells
from tasks.incoming import Incoming
from tasks.mailbox import Mailbox
from tasks.policy import Policy

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
    lately_s: float
    """How far back "lately" reaches: a little over two intervals between looks."""
    gone: Callable[[int], object]
    """Told of a conversation that Chatwoot listed and does not know any more."""

    def reconcile(self) -> int:
        """Accept what is missing; returns how many messages. Safe to repeat, and at the same time as webhooks.

        Raises:
            ChatwootError: Chatwoot cannot be asked now. What was found before is accepted.
        """
        now = time.time()
        found = 0
        for conversation in self._candidates(now):
            found += sum(self._accept(conversation.id, message) for message in self._missing(conversation, now))
        if found:
            log.warning("messages_reconciled", messages=found)
            count(Counted.RECONCILED, by=found)
        return found

    def _candidates(self, now: float) -> Iterator[Conversation]:
        """Conversations in which a customer's message may be missing, each once.

        Those who wait; and those that were active lately, where a lost message may have been overtaken by one that came
        and was answered, so that nobody seems to wait: of these one page.
        """
        looked_at: set[int] = set()
        for conversation in chain(self._waiting(now), self._lately_active(now)):
            if conversation.id not in looked_at and self.policy.answers(conversation):
                looked_at.add(conversation.id)
                yield conversation

    def _waiting(self, now: float) -> Iterator[Conversation]:
        """Those whose customer seems to wait: `waiting_since` names candidates, no more."""
        for status in sorted(self.policy.answer_statuses):
            for page in range(1, _MOST_PAGES + 1):
                # The newest first, and those that do not wait last.
                listed = self.client.conversations(status=status, sort_by="waiting_since_desc", page=page)
                waiting = [each for each in listed if (each.waiting_since or 0) > now - self.horizon_s]
                yield from waiting
                if not listed or len(waiting) < len(listed):
                    break

    def _lately_active(self, now: float) -> Iterator[Conversation]:
        for status in sorted(self.policy.answer_statuses):
            listed = self.client.conversations(status=status, sort_by="last_activity_at_desc")
            yield from (each for each in listed if (each.last_activity_at or 0) > now - self.lately_s)

    def _missing(self, conversation: Conversation, now: float) -> list[Message]:
        """The customer's messages that nobody has answered, neither too old nor too young."""
        try:
            messages = self.client.messages(conversation.id)
        except NotFound:
            self.gone(conversation.id)  # deleted meanwhile
            return []
        return [each for each in unanswered(messages) if self.grace_s <= now - (each.created_at or 0) <= self.horizon_s]

    def _accept(self, conversation_id: int, message: Message) -> bool:
        text = incoming.dump(Incoming.of_message(message))
        accepted = self.mailbox.accept(conversation_id, message.id, text, source_id=message.source_id)
        if accepted.doorbell is not None:
            self.doorbells.ring(conversation_id, accepted.doorbell)
        return accepted.is_new
