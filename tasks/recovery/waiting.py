"""No customer waits unseen: whoever has waited too long, for whatever reason, is handed to humans. No Celery here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import structlog

from chatwoot.client import Client
from chatwoot.conversations import Conversation
from chatwoot.errors import NotFound
from chatwoot.wording import Kind
from tasks.mailbox import Mailbox
from tasks.mailbox.doorbells import Doorbells
from tasks.ownership.answered import seems_unanswered, unanswered, with_failed_answer
from tasks.ownership.handover import Handover
from tasks.ownership.policy import Policy
from tasks.records import actions
from tasks.recovery.scan import concerning, each_looked_into, each_once

log = structlog.get_logger()

# Below the seven days for which the mailbox knows what the graph answered by silence: what is older was either, and is
# left. So is an old backlog at the first start.
_HORIZON_S = 6 * 24 * 3600
_LATELY_S = 3600  # and so long may nobody have been there to look


@dataclass(frozen=True, kw_only=True)
class WaitMonitor:
    """How those who wait too long are found."""

    client: Client
    """With a user's token: a bot's may not list."""
    mailbox: Mailbox
    handover: Handover
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
        """Those whose customer may have waited too long, each once; but for what people have taken, and opened."""
        for each in each_once(self._candidates(now)):
            is_early = (each.waiting_since or 0) > now - self.most_wait_s
            is_seen = each.status == "open" and not self.policy.answers(each)
            if not is_early and not is_seen:
                yield each

    def _candidates(self, now: float) -> Iterator[Conversation]:
        """Those who show as waiting, the newest first; and of those active lately the ones that wait unshown."""
        lately = now - self.most_wait_s - _LATELY_S
        yield from self._listed("waiting_since_desc", lambda each: (each.waiting_since or 0) > now - _HORIZON_S)
        active = self._listed("last_activity_at_desc", lambda each: (each.last_activity_at or 0) > lately)
        yield from filter(seems_unanswered, active)

    def _listed(self, sort_by: str, reaches: Callable[[Conversation], bool]) -> Iterator[Conversation]:
        return concerning(self.client, self.policy, sort_by=sort_by, reaches=reaches)

    def _is_handed_over(self, conversation: Conversation, now: float) -> bool:
        message_id = self._first_who_waits(conversation, now)
        if message_id is None:
            return False
        self._hand_over(conversation.id, message_id, now)
        return True

    def _first_who_waits(self, conversation: Conversation, now: float) -> int | None:
        """The id of the first message that has waited too long; None: nothing has, the list names candidates only."""
        try:
            messages = self.client.messages(conversation.id)
        except NotFound:
            return None  # deleted meanwhile
        failed = with_failed_answer(messages)
        for each in unanswered(messages):
            if each.customers_kind is Kind.CHOICE and self.mailbox.has_seen(conversation.id, each.id):
                continue  # in work: since when, nobody tells
            is_due = self.most_wait_s <= now - (each.created_at or now) <= _HORIZON_S
            if is_due and self.policy.leaves_alone(conversation.contact_id, each.created_at):
                continue
            if is_due and (each.id in failed or not self.mailbox.is_done_with(conversation.id, each.id)):
                return each.id
        return None

    def _hand_over(self, conversation_id: int, message_id: int, now: float) -> None:
        """Opened at once: the note, and a second opening, may wait behind the very reply that is stuck."""
        log.warning("waited_too_long", conversation_id=conversation_id)
        note = f"A customer has waited for more than {self.most_wait_s:.0f} s. Please take over."
        alert = actions.alert(f"waited.{message_id}", note, now)
        is_new = [self.mailbox.enqueue(conversation_id, action.key, actions.dump(action)) for action in alert]
        self.doorbells.send(conversation_id)
        if any(is_new):
            self.handover.hand_over(conversation_id)
