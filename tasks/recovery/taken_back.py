"""Take back what Chatwoot has opened because of us. No Celery here.

Where a bot's webhook meets nobody, Chatwoot opens the pending conversation ("marked open by system due to an error with
the agent bot"), and the bot would be silent there for ever. Source: app/jobs/agent_bots/webhook_job.rb, since 4.7.

What a person has opened looks the same: open, and assigned to nobody where an administrator did it. So it is taken back
only where everything speaks for it, and left to people where anything does not:

- Chatwoot's last activity there is of a time at which no web process of ours was there (tasks/runtime/outages.py);
- it names nobody of the team, in whatever language: a person's names the person;
- until then the bot had it, as far as we were told, and had not handed it over;
- since then no person has written, noted anything down, been assigned, or as much as looked at it.

An automation rule that opened it in those very seconds is not told apart.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import structlog

from chatwoot import marker
from chatwoot.client import Client
from chatwoot.conversations import Conversation, Status
from chatwoot.errors import NotFound
from chatwoot.messages import Message
from tasks.mailbox import Mailbox
from tasks.mailbox.doorbells import Doorbells
from tasks.ownership import news
from tasks.ownership.policy import Policy
from tasks.recovery.scan import concerning, each_looked_into
from tasks.runtime.clients import Clients
from tasks.runtime.counters import Counted, count
from tasks.runtime.outages import Outage, Outages

log = structlog.get_logger()

_OPEN: tuple[Status, ...] = ("open",)
_ALL_IS_SEEN_S = 30.0
"""So long after an outage all that Chatwoot did for it is to be seen."""


@dataclass(frozen=True, kw_only=True)
class TakingBack:
    """How conversations that were opened because of us are found."""

    user: Client
    """With a user's token: a bot's may not list."""
    clients: Clients
    mailbox: Mailbox
    policy: Policy
    doorbells: Doorbells
    outages: Outages

    def take_back(self) -> int:
        """Set them to pending, and have a worker answer what was said. Returns how many. Safe to repeat.

        Where nobody was away, Chatwoot is asked nothing.

        Raises:
            ChatwootError: Chatwoot cannot be asked now; the outages are not forgotten.
        """
        began = time.time()
        outages = self.outages.all() if self._may_take_back else []
        if not outages:
            return 0
        look = _Look(self, outages)
        taken = sum(each_looked_into(look.candidates(), look.is_taken_back))
        self.outages.forget_before(began - _ALL_IS_SEEN_S)
        return taken

    @property
    def _may_take_back(self) -> bool:
        """Only where *open* means people, and *pending* the bot."""
        return "pending" in self.policy.answer_statuses and "open" not in self.policy.answer_statuses


@dataclass(frozen=True)
class _Look:
    """One look through all that is open."""

    by: TakingBack
    outages: Sequence[Outage]

    def candidates(self) -> Iterator[Conversation]:
        earliest = min(outage.earliest for outage in self.outages)
        return concerning(
            self.by.user,
            self.by.policy,
            sort_by="last_activity_at_desc",
            reaches=lambda each: (each.last_activity_at or 0) >= earliest,
            statuses=_OPEN,
        )

    def is_taken_back(self, conversation: Conversation) -> bool:
        opened_at = self._opened_because_of_us(conversation)
        if opened_at is None:
            return False
        now = self.by.clients.conversation(conversation.id)
        if not self._is_untouched(now, opened_at):
            return False
        self._take_back(conversation.id)
        return True

    def _opened_because_of_us(self, conversation: Conversation) -> float | None:
        """When; None: it was not, or may not have been."""
        if not self._is_untouched(conversation, 0):
            return None
        try:
            messages = self.by.user.messages(conversation.id)
        except NotFound:
            return None  # deleted meanwhile
        activity = next((each for each in reversed(messages) if each.message_type == "activity"), None)
        if activity is None or not activity.content or activity.created_at is None:
            return None
        outage = next((each for each in self.outages if each.explains(activity.created_at or 0)), None)
        is_too_old = self.by.policy.is_too_old(activity.created_at)  # what the customer said is not answered then
        if outage is None or is_too_old or any(_is_by_people(each, since=outage.earliest) for each in messages):
            return None
        was_the_bots = self.by.mailbox.was_the_bots(conversation.id, until=int(outage.earliest * 1000))
        return activity.created_at if was_the_bots and not self._names_somebody(activity.content) else None

    def _is_untouched(self, conversation: Conversation, opened_at: float) -> bool:
        """As far as its state shows: open, nobody's, and not as much as looked at since."""
        as_pending = replace(conversation, status="pending")
        is_nobodys = conversation.status == "open" and self.by.policy.answers(as_pending)
        return is_nobodys and not (opened_at and (conversation.agent_last_seen_at or 0) >= opened_at)

    def _names_somebody(self, text: str) -> bool:
        return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for name in self._team)

    @cached_property
    def _team(self) -> list[str]:
        return self.by.user.agent_names()

    def _take_back(self, conversation_id: int) -> None:
        """Given back by an act that counts whatever we hear later of its having been open."""
        self.by.clients.reply.set_status(conversation_id, "pending")
        now = self.by.clients.conversation(conversation_id)
        told = news.of_conversation(now, self.by.policy)
        if now.status == "pending":
            told = replace(told, back=told.at or 0, all=told.at or 0)
        count(Counted.TAKEN_BACK)
        log.warning("taken_back", conversation_id=conversation_id)
        self.by.doorbells.announce(conversation_id, self.by.mailbox.learn(conversation_id, told))


def _is_by_people(message: Message, *, since: float) -> bool:
    """A person of the team has written it since then, to the customer or as a note."""
    if (message.created_at or since) < since:
        return False
    return message.is_by_person and not marker.is_marked(message.content_attributes)
