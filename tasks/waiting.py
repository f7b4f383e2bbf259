"""No customer waits unseen: whoever has waited too long, for whatever reason, is handed to humans. No Celery here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import structlog

from chatwoot.client import Client
from chatwoot.conversations import Conversation
from chatwoot.errors import NotFound
from tasks import acts
from tasks.answered import unanswered
from tasks.doorbells import Doorbells
from tasks.mailbox import Mailbox
from tasks.policy import Policy

log = structlog.get_logger()

_MOST_PAGES = 8  # of 25 conversations


@dataclass(frozen=True)
class Watching:
    """How those who wait too long are found."""

    client: Client
    """With a user's token: a bot's may not list."""
    mailbox: Mailbox
    policy: Policy
    doorbells: Doorbells
    most_wait_s: float

    def hand_over_who_waits(self) -> int:
        """Open for humans, with a note, every conversation of the bot's whose customer has waited too long.

        Returns how many were found. Each wait is told of once: safe to repeat.

        Raises:
            ChatwootError: Chatwoot cannot be asked now.
        """
        now = time.time()
        found = 0
        for conversation in self._waiting(now):
            message_id = self._first_unanswered(conversation, now)
            if message_id is None or self.mailbox.is_done_with(conversation.id, message_id):
                continue  # answered, if only by a silence that the graph has chosen
            found += 1
            self._hand_over(conversation.id, message_id, now)
        return found

    def _waiting(self, now: float) -> Iterator[Conversation]:
        for status in sorted(self.policy.answer_statuses):
            for page in range(1, _MOST_PAGES + 1):
                # Those who have waited longest first.
                listed = self.client.conversations(status=status, sort_by="waiting_since_asc", page=page)
                waiting = [each for each in listed if 0 < (each.waiting_since or 0) <= now - self.most_wait_s]
                yield from filter(self.policy.answers, waiting)
                if not listed or len(waiting) < len(listed):
                    break

    def _first_unanswered(self, conversation: Conversation, now: float) -> int | None:
        """`waiting_since` names candidates only: a new conversation without a message "waits" too."""
        try:
            messages = unanswered(self.client.messages(conversation.id))
        except NotFound:
            return None  # deleted meanwhile
        if not messages or now - (messages[0].created_at or now) < self.most_wait_s:
            return None
        return messages[0].id

    def _hand_over(self, conversation_id: int, message_id: int, now: float) -> None:
        note = f"A customer has waited for more than {self.most_wait_s:.0f} s. Please take over."
        for act in acts.alert(f"waited.{message_id}", note, now):
            self.mailbox.post(conversation_id, act.key, acts.dump(act))
        self.doorbells.send(conversation_id)
        log.warning("waited_too_long", conversation_id=conversation_id)
