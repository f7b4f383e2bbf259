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
from tasks.mailbox.doorbells import Doorbells
from tasks.ownership.answered import seems_unanswered, unanswered
from tasks.ownership.intake import Intake
from tasks.ownership.policy import Policy
from tasks.recovery.scan import concerning, each_looked_into, each_once
from tasks.runtime.counters import Counted, count

log = structlog.get_logger()

_CALLS_OF_A_TURN = 3  # the list, whose it is, the reply


@dataclass(frozen=True, kw_only=True)
class LostWebhooks:
    """How lost messages are looked for."""

    client: Client
    """With a user's token: a bot's may not list."""
    intake: Intake
    policy: Policy
    doorbells: Doorbells
    horizon_s: float
    """What is older is left: neither last month's messages nor a backlog is answered at the first start."""
    grace_s: float
    """What is younger is left: its webhook is on its way."""
    lately_s: float
    """How far back "lately" reaches: a little over two intervals between looks."""
    give_way: Callable[[int], object]
    """Waits until so many calls may be made, beside those of customers who write."""
    gone: Callable[[int], object]
    """Told of a conversation that Chatwoot listed and does not know any more."""

    def reconcile(self) -> int:
        """Accept what is missing; returns how many messages. Safe to repeat, and at the same time as webhooks.

        Raises:
            ChatwootError: Chatwoot cannot be asked now. What was found before is accepted.
        """
        now = time.time()
        found = 0
        for accepted in each_looked_into(self._candidates(now), lambda each: self._accept_missing(each, now)):
            found += accepted
            if accepted:
                log.warning("messages_reconciled", messages=accepted)
                count(Counted.RECONCILED, by=accepted)
        return found

    def _candidates(self, now: float) -> Iterator[Conversation]:
        """Conversations in which a customer's message may be missing, each once.

        Those who wait, the newest first: `waiting_since` names candidates, no more. And those that were active lately,
        where a lost message may have been overtaken by one that came and was answered, so that nobody seems to wait; or
        a little earlier, where what was said last is no answer.
        """
        waiting = self._listed("waiting_since_desc", lambda each: (each.waiting_since or 0) > now - self.horizon_s)
        return each_once(chain(waiting, self._active(now)))

    def _active(self, now: float) -> Iterator[Conversation]:
        earliest = now - max(self.horizon_s, self.lately_s)
        for each in self._listed("last_activity_at_desc", lambda each: (each.last_activity_at or 0) > earliest):
            if (each.last_activity_at or 0) > now - self.lately_s or seems_unanswered(each):
                yield each

    def _listed(self, sort_by: str, reaches: Callable[[Conversation], bool]) -> Iterator[Conversation]:
        return concerning(self.client, self.policy, sort_by=sort_by, reaches=reaches)

    def _accept_missing(self, conversation: Conversation, now: float) -> int:
        missing = self._missing(conversation, now)
        if missing:
            self.give_way(_CALLS_OF_A_TURN)
        return sum(self._accept(conversation, message) for message in missing)

    def _missing(self, conversation: Conversation, now: float) -> list[Message]:
        """The customer's messages that nobody has answered, neither too old nor too young."""
        self.give_way(1)
        try:
            messages = self.client.messages(conversation.id)
        except NotFound:
            self.gone(conversation.id)  # deleted meanwhile
            return []
        due = [each for each in unanswered(messages) if self.grace_s <= now - (each.created_at or 0) <= self.horizon_s]
        return [each for each in due if not self.policy.leaves_alone(conversation.contact_id, each.created_at)]

    def _accept(self, conversation: Conversation, message: Message) -> bool:
        accepted = self.intake.found(conversation, message)
        self.doorbells.announce(conversation.id, accepted.doorbell)
        return accepted.is_new
