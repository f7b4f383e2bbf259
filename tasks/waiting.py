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
from tasks.handing_over import HandingOver
from tasks.listing import concerning, each_looked_into
from tasks.mailbox import Mailbox
from tasks.policy import Policy

log = structlog.get_logger()

_HORIZON_S = 6 * 24 * 3600  # below the seven days for which the mailbox knows whom the graph answered by silence


@dataclass(frozen=True)
class Watching:
    """How those who wait too long are found."""

    client: Client
    """With a user's token: a bot's may not list."""
    mailbox: Mailbox
    handing_over: HandingOver
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
        return sum(each_looked_into(self._waiting(now), lambda each: self._is_handed_over(each, now)))

    def _waiting(self, now: float) -> Iterator[Conversation]:
        """Those who have waited too long, the newest first; but for what people have taken, and opened, already."""
        for each in concerning(
            self.client,
            self.policy,
            sort_by="waiting_since_desc",
            reaches=lambda each: (each.waiting_since or 0) > now - _HORIZON_S,
        ):
            is_seen = each.status == "open" and not self.policy.answers(each)
            if (each.waiting_since or now) <= now - self.most_wait_s and not is_seen:
                yield each

    def _is_handed_over(self, conversation: Conversation, now: float) -> bool:
        message_id = self._first_unanswered(conversation, now)
        if message_id is None or self.mailbox.is_done_with(conversation.id, message_id):
            return False  # answered, if only by a silence that the graph has chosen
        self._hand_over(conversation.id, message_id, now)
        return True

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
        """Opened at once: the note, and a second opening, may wait behind the very reply that is stuck."""
        log.warning("waited_too_long", conversation_id=conversation_id)
        note = f"A customer has waited for more than {self.most_wait_s:.0f} s. Please take over."
        alert = acts.alert(f"waited.{message_id}", note, now)
        is_new = [self.mailbox.post(conversation_id, act.key, acts.dump(act)) for act in alert]
        self.doorbells.send(conversation_id)
        if any(is_new):
            self.handing_over.hand_over(conversation_id)
