"""Redis was restored from an older copy: what is to be done in it may have been done since. No Celery here.

docs/operations.md says what an operator does; docs/adr/0010-restored.md why.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import redis
import structlog

from chatwoot.client import Client
from chatwoot.errors import NotFound, PermanentError
from tasks.mailbox import Mailbox
from tasks.ownership.answered import unanswered
from tasks.records.actions import Action, PostMessage
from tasks.runtime.clients import said_since
from tasks.runtime.rate_limit import NotNow

log = structlog.get_logger()

_REMEMBERED_S = 30 * 24 * 3600
"""What was scheduled is kept for as long."""
_COPY_S = 7 * 24 * 3600
"""How old a copy may be: so long the mailbox itself remembers what it has said."""
_GOOD_FOR_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Restoration:
    """When Redis was last restored, and what follows for what is to be done."""

    client: redis.Redis
    account_id: int
    horizon_s: float
    """What was asked for longer before is not done any more."""
    _known: dict[str, float] = field(default_factory=lambda: {"at": 0.0, "asked_at": float("-inf")})

    def mark(self) -> None:
        """It was restored just now."""
        self.client.set(self._key, time.time(), ex=_REMEMBERED_S)

    def is_doubtful(self, action: Action) -> bool:
        """Whether an earlier life of Redis may have done it: it is of the copy, or, for some time, of what follows from
        it, such as a message that the broker brings again."""
        at = self._at()
        return bool(at) and (action.asked_at < at or time.time() < at + self.horizon_s)

    def since(self, action: PostMessage) -> float:
        """Before this it cannot have been said."""
        return min(action.since, self._at() - _COPY_S) if self.is_doubtful(action) else action.since

    def require_to_be_done(self, action: Action, *, can_be_seen: bool) -> None:
        """`can_be_seen`: whether it would have been, had it been done.

        Raises:
            PermanentError: it was asked for too long before Redis was restored, or nobody can see whether it was done.
        """
        at = self._at()
        if action.asked_at < at - self.horizon_s:
            raise PermanentError("it was asked for long before Redis was restored from a copy")
        if action.asked_at < at and not can_be_seen:
            raise PermanentError("Redis was restored from a copy, and a bot's token does not show whether it was said")

    def _at(self) -> float:
        """Unix seconds; 0: never, as far as is remembered."""
        if time.monotonic() - self._known["asked_at"] > _GOOD_FOR_S:
            self._known.update(at=float(self.client.get(self._key) or 0), asked_at=time.monotonic())
        return self._known["at"]

    @property
    def _key(self) -> str:
        return f"contesta:{self.account_id}:restored"


@dataclass(frozen=True, kw_only=True)
class AnsweredSince:
    """Takes out of the mailboxes what was answered after the copy was made."""

    mailbox: Mailbox
    user: Client

    def leave_out(self) -> int:
        """Returns how many messages. Safe to repeat.

        Raises:
            ChatwootError: Chatwoot cannot be asked now.
        """
        return sum(map(self._leave_out, list(self.mailbox.unfinished())))

    def _leave_out(self, conversation_id: int) -> int:
        waiting = self.mailbox.waiting(conversation_id)
        if not waiting:
            return 0
        done = waiting & self._answered(conversation_id, after=min(waiting) - 1)
        for message_id in done:
            self.mailbox.forget_message(conversation_id, message_id)
        if done:
            log.info("answered_since", conversation_id=conversation_id, messages=len(done))
        return len(done)

    def _answered(self, conversation_id: int, *, after: int) -> set[int]:
        while True:
            try:
                listed = said_since(self.user, self.user, conversation_id, after=after, since=0)
            except NotNow as too_early:
                time.sleep(too_early.retry_after_s or 1)
            except NotFound:
                return set()
            else:
                open_still = {each.id for each in unanswered(listed)}
                return {each.id for each in listed if each.is_from_customer} - open_still
