"""What a webhook means to us. A pure function: tests/unit/webhook_app/decisions.tsv shows it for all that a real
Chatwoot sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum, auto

from chatwoot.events import (
    Change,
    ConversationEvent,
    ConversationOpened,
    ConversationResolved,
    ConversationStatusChanged,
    ConversationUpdated,
    Event,
    MessageCreated,
    MessageEvent,
    MessageUpdated,
)

PAUSED_LABEL = "bot-paused"


class Decision(StrEnum):
    """What a webhook means to us."""

    CUSTOMER_MESSAGE_TO_ANSWER = auto()
    CUSTOMER_MESSAGE_NOT_OURS = auto()
    """`refusal` says why."""
    OURS = auto()
    """Carries our key: it was sent, whatever we know of it."""
    A_PERSONS = auto()
    A_NOTE = auto()
    A_TEMPLATE = auto()
    ANOTHER_BOTS = auto()
    TAKEN_OVER = auto()
    """By people: the bot stops until it is handed back."""
    HANDED_BACK = auto()
    DELIVERED = auto()
    FAILED = auto()
    """The channel refused what was sent; `external_error` says why."""
    DELETED = auto()
    NO_INTEREST = auto()
    OTHER_ACCOUNT = auto()


class Refusal(StrEnum):
    """Why a customer's message is not for the bot to answer."""

    OTHER_INBOX = auto()
    BLOCKED = auto()
    STATUS = auto()
    ASSIGNED = auto()
    """To a person."""
    PAUSED = auto()
    """By the label `bot-paused`."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Where the bot answers."""

    account_id: int
    answer_inbox_ids: frozenset[int] | None
    """None: in all."""
    answer_statuses: frozenset[str]


def decide(event: Event | None, policy: Policy) -> Decision:
    """What this webhook means, from what it says alone: not what was known before. None is of no interest."""
    if event is None:
        return Decision.NO_INTEREST
    if event.account_id not in (policy.account_id, None):
        return Decision.OTHER_ACCOUNT
    if isinstance(event, MessageCreated):
        return _of_new_message(event, policy)
    if isinstance(event, MessageUpdated):
        return _of_changed_message(event, policy)
    return _of_conversation(event, policy)


def refusal(event: ConversationEvent, policy: Policy) -> Refusal | None:
    """Why the bot does not answer a customer's message in this conversation; None if it does.

    An unknown status is answered: no customer is left without an answer because a version of Chatwoot says less.
    """
    inboxes = policy.answer_inbox_ids
    if inboxes is not None and event.inbox_id not in inboxes:
        return Refusal.OTHER_INBOX
    if event.contact_is_blocked or (isinstance(event, MessageEvent) and event.is_sender_blocked):
        return Refusal.BLOCKED
    if event.conversation_status is not None and event.conversation_status not in policy.answer_statuses:
        return Refusal.STATUS
    if event.is_assigned_to_person:
        return Refusal.ASSIGNED
    return Refusal.PAUSED if PAUSED_LABEL in event.labels else None


def _of_customers(event: MessageEvent, policy: Policy) -> Decision:
    if refusal(event, policy) is None:
        return Decision.CUSTOMER_MESSAGE_TO_ANSWER
    return Decision.CUSTOMER_MESSAGE_NOT_OURS


def _of_new_message(event: MessageCreated, policy: Policy) -> Decision:
    if event.is_from_customer:
        return _of_customers(event, policy)
    if event.is_ours():
        return Decision.OURS
    if event.is_note:
        return Decision.A_NOTE
    if event.is_template:
        return Decision.A_TEMPLATE
    if event.is_from_person:
        return Decision.A_PERSONS
    return Decision.ANOTHER_BOTS if event.is_outgoing else Decision.NO_INTEREST


def _of_changed_message(event: MessageUpdated, policy: Policy) -> Decision:
    if event.is_deleted:
        return Decision.DELETED
    if event.is_from_customer:
        return _of_customers(event, policy)
    if event.is_failed:
        return Decision.FAILED
    if event.is_delivered:
        return Decision.DELIVERED
    return Decision.OURS if event.is_ours() else Decision.NO_INTEREST


def _of_conversation(event: ConversationEvent, policy: Policy) -> Decision:
    acts = set(_acts(event, policy))
    # Opening and assigning to a person come together, with the bot or the old assignee going: people win.
    if Decision.TAKEN_OVER in acts:
        return Decision.TAKEN_OVER
    return Decision.HANDED_BACK if Decision.HANDED_BACK in acts else Decision.NO_INTEREST


def _acts(event: ConversationEvent, policy: Policy) -> Iterator[Decision | None]:
    """What was done to the conversation, as far as it takes it from the bot or gives it back."""
    if isinstance(event, ConversationStatusChanged | ConversationOpened | ConversationResolved):
        yield _of_status(event.conversation_status, policy)
    if isinstance(event, ConversationUpdated):
        for name, change in event.changes.items():
            if name == "status":
                yield _of_status(change.current, policy)
            elif name in _ACT_OF:
                yield _ACT_OF[name](change)


def _of_status(status: object, policy: Policy) -> Decision | None:
    """*open* gives nothing back where the bot answers in open conversations too: a person may have it."""
    if status == "resolved" or (status == "pending" and status in policy.answer_statuses):
        return Decision.HANDED_BACK
    if not isinstance(status, str) or status in policy.answer_statuses:
        return None
    return Decision.TAKEN_OVER


def _of_assignee(change: Change) -> Decision:
    return Decision.TAKEN_OVER if change.current else Decision.HANDED_BACK


def _of_bot_assignee(change: Change) -> Decision | None:
    return Decision.HANDED_BACK if change.current else None


def _of_labels(change: Change) -> Decision | None:
    before, now = _is_paused(change.previous), _is_paused(change.current)
    if before == now:
        return None
    return Decision.TAKEN_OVER if now else Decision.HANDED_BACK


def _is_paused(labels: object) -> bool:
    return isinstance(labels, list) and PAUSED_LABEL in labels


_ACT_OF: dict[str, Callable[[Change], Decision | None]] = {
    "assignee_id": _of_assignee,
    "assignee_agent_bot_id": _of_bot_assignee,
    "label_list": _of_labels,
}
