"""Where the bot answers: the one place that knows, whether a webhook told us of a message or we found it ourselves."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum, auto
from fnmatch import fnmatchcase

from chatwoot.conversations import Conversation, Status
from chatwoot.people import Assignee

PAUSED_LABEL = "bot-paused"
LeavesAlone = Callable[[int | None, float | None], bool]
"""Whether a contact has the label of those whom the bot never answers, or had it when they said something, at a unix
time."""


def nobody_is_left_alone(contact_id: int | None, said_at: float | None) -> bool:
    return False


class Refusal(StrEnum):
    """Why a customer's message is not for the bot to answer."""

    OTHER_INBOX = auto()
    BLOCKED = auto()
    IGNORED = auto()
    """A contact whom the bot never answers: a group, a status post, a bridge's own; or one with the label for it."""
    STATUS = auto()
    ASSIGNED = auto()
    """To a person, who may have handed it back all the same: by setting it to pending, say."""
    PAUSED = auto()
    """By the label `bot-paused`."""

    @property
    def is_for_now(self) -> bool:
        """People have the conversation: what is said meanwhile is for the bot to know."""
        return self in (Refusal.STATUS, Refusal.ASSIGNED, Refusal.PAUSED)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Where the bot answers."""

    account_id: int
    answer_inbox_ids: frozenset[int] | None
    """None: in all."""
    answer_statuses: frozenset[Status]
    ignored_contacts: tuple[str, ...] = ()
    """Patterns of phone numbers, identifiers and source ids, such as "*@g.us"."""
    horizon_s: float | None = None
    """What was said longer ago is known and not answered, nor does it take the conversation over, where no webhook told
    of it: a bridge may bring months of old chats. None: all counts."""
    leaves_alone: LeavesAlone = nobody_is_left_alone
    answers_edits: bool = False
    """What the customer edits after it was answered is answered anew; else it is known."""
    person_opens: bool = True
    """A person's public word in a pending conversation opens it, so that people see who has it."""

    def answers_in(self, inbox_id: int | None) -> bool:
        return self.answer_inbox_ids is None or inbox_id in self.answer_inbox_ids

    def answers(self, conversation: Conversation) -> bool:
        """Whether the bot answers in a conversation as Chatwoot shows it now."""
        refusal = self.refuses(
            inbox_id=conversation.inbox_id,
            status=conversation.status,
            labels=conversation.labels,
            is_assigned_to_person=conversation.is_assigned_to_person,
            is_blocked=conversation.contact_is_blocked,
        )
        return refusal is None

    def answers_customers_of(self, conversation: Conversation) -> bool:
        """Whether the bot answers in this inbox, and this contact, whoever has the conversation now."""
        is_ignored = self.ignores(conversation.contact_phone_number, conversation.contact_identifier)
        is_ignored = is_ignored or self.leaves_alone(conversation.contact_id, None)
        return self.answers_in(conversation.inbox_id) and not conversation.contact_is_blocked and not is_ignored

    def ignores(self, *names: str | None) -> bool:
        """Whether the bot never answers a contact with any of these names."""
        return any(name and fnmatchcase(name, pattern) for name in names for pattern in self.ignored_contacts)

    def is_too_old(self, created_at: float | None) -> bool:
        """Whether a message of this unix time is too old to count."""
        return self.horizon_s is not None and created_at is not None and time.time() - created_at > self.horizon_s

    def passes_over(self, contact_id: int | None, said_at: float | None) -> bool:
        """Whether what was said at this unix time is not to be answered: it is too old, or of whom it leaves alone."""
        return self.is_too_old(said_at) or self.leaves_alone(contact_id, said_at)

    def refuses(
        self,
        *,
        inbox_id: int | None,
        status: str | None,
        labels: Collection[str],
        is_assigned_to_person: bool,
        is_blocked: bool,
    ) -> Refusal | None:
        """Why the bot does not answer in such a conversation; None if it does.

        An unknown status is answered: no customer is left without an answer because a version of Chatwoot says less.
        """
        if not self.answers_in(inbox_id):
            return Refusal.OTHER_INBOX
        if is_blocked:
            return Refusal.BLOCKED
        if status is not None and status not in self.answer_statuses:
            return Refusal.STATUS
        if is_assigned_to_person:
            return Refusal.ASSIGNED
        return Refusal.PAUSED if PAUSED_LABEL in labels else None

    def signs(self, *, status: str | None, labels: Collection[str], assignee: Assignee | None) -> tuple[str, ...]:
        """All that shows a conversation as people's, such as ("assigned:7", "status:open"), as `mailbox.News.signs`."""
        found = []
        if assignee is not None and assignee.kind == "user":
            found.append(f"assigned:{assignee.id or 0}")
        if PAUSED_LABEL in labels:
            found.append("paused")
        if status is not None and status not in self.answer_statuses and not self.is_over(status):
            found.append(f"status:{status}")
        return tuple(found)

    def is_over(self, status: str | None) -> bool:
        """Whether nobody is to be answered in a conversation of this status."""
        return status == "resolved" and status not in self.answer_statuses
