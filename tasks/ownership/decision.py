"""What a webhook means to us: tests/unit/tasks/ownership/decisions.tsv shows it for all that a real Chatwoot sent.

What is decided is what is done (intake.py), and nothing else is.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum, auto

from chatwoot.events import (
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
from chatwoot.wording import Kind
from tasks.ownership.policy import PAUSED_LABEL, Policy, Refusal


class Decision(StrEnum):
    """What a webhook means to us, and what is done about it."""

    CUSTOMER_MESSAGE_TO_ANSWER = auto()
    """Accepted: answered, unless people are known to have the conversation."""
    CUSTOMER_MESSAGE_FOR_PEOPLE = auto()
    """They have the conversation, as its snapshot shows: accepted for the bot to know. Answered where it is known that
    they gave it back although it looks so still."""
    CUSTOMER_MESSAGE_TO_KNOW = auto()
    """Kept for the bot to know, and never answered: an absence note, a reaction, or of long ago."""
    CUSTOMER_MESSAGE_CHANGED = auto()
    """It may read otherwise now. Not answered yet, it is answered so; answered, the graph is told; with
    ANSWER_EDITS it is answered anew."""
    CUSTOMER_MESSAGE_NOT_OURS = auto()
    """Of another inbox, or of a contact who is blocked or ignored: left alone."""
    OURS = auto()
    """Carries our key: it was sent, whatever we know of it."""
    A_PERSONS = auto()
    A_NOTE = auto()
    """Private. What a person notes is kept for a graph that waits for what people decide."""
    A_TEMPLATE = auto()
    """Chatwoot's own, a campaign's or an automation rule's: for the bot to know."""
    ANOTHER_BOTS = auto()
    """For the bot to know."""
    TAKEN_OVER = auto()
    """By people: the bot stops until it is handed back."""
    HANDED_BACK = auto()
    """To the bot, which answers what the customer said since a person last answered."""
    STILL_PEOPLES = auto()
    """Handed back in part: no longer assigned, or paused; but the status, or a person, still shows it as people's."""
    ENDED = auto()
    """Resolved: the bot's again, and nobody is to be answered."""
    DELIVERED = auto()
    FAILED = auto()
    """The channel refused what we sent; `external_error` says why. It is a dead letter, and people are told."""
    DELETED = auto()
    NO_INTEREST = auto()
    OTHER_ACCOUNT = auto()


def decide(event: Event | None, policy: Policy) -> Decision:
    """What this webhook means, from what it says alone: not what was known before. None is of no interest."""
    if event is None:
        return Decision.NO_INTEREST
    if event.account_id not in (policy.account_id, None):
        return Decision.OTHER_ACCOUNT
    if isinstance(event, MessageCreated | MessageUpdated):
        return _of_message(event, policy)
    # An account webhook tells of all inboxes: other teams' conversations are left alone.
    return _of_conversation(event, policy) if policy.answers_in(event.inbox_id) else Decision.NO_INTEREST


def refusal(event: ConversationEvent, policy: Policy) -> Refusal | None:
    """Why the bot does not answer a customer's message in this conversation; None if it does."""
    if policy.ignores(event.contact_phone_number, event.contact_identifier, event.contact_source_id):
        return Refusal.IGNORED
    if policy.leaves_alone(event.contact_id, _said_at(event)):
        return Refusal.IGNORED
    return policy.refuses(
        inbox_id=event.inbox_id,
        status=event.conversation_status,
        labels=event.labels,
        is_assigned_to_person=event.is_assigned_to_person,
        is_blocked=event.contact_is_blocked or (isinstance(event, MessageEvent) and event.is_sender_blocked),
    )


def _said_at(event: ConversationEvent) -> float | None:
    """None: nobody tells. What is chosen in a message is later than that."""
    if not isinstance(event, MessageEvent) or event.customers_kind is Kind.CHOICE:
        return None
    return event.created_at


def _gives_back_all(event: ConversationEvent) -> bool:
    """Whether a handing back counts whatever else still shows the conversation as people's.

    Setting the status, or assigning the bot, says so; that a person or a label is gone says nothing of the rest.
    """
    if isinstance(event, ConversationUpdated):
        bot = event.changes.get("assignee_agent_bot_id")
        return "status" in event.changes or (bot is not None and bool(bot.current))
    return isinstance(event, ConversationStatusChanged | ConversationResolved)


def _of_message(event: MessageCreated | MessageUpdated, policy: Policy) -> Decision:
    if event.is_from_customer:
        return _of_customers(event, policy)
    # What we send by ourselves may go to an inbox in which the bot does not answer.
    if not policy.answers_in(event.inbox_id) and not event.is_ours():
        return Decision.NO_INTEREST
    return _of_new_message(event) if isinstance(event, MessageCreated) else _of_changed_message(event, policy)


def _of_customers(event: MessageEvent, policy: Policy) -> Decision:
    why_not = refusal(event, policy)
    if why_not is not None and not why_not.is_for_now:
        return Decision.CUSTOMER_MESSAGE_NOT_OURS
    # What is chosen in a message is as old as the choice, which nobody tells.
    is_old = event.customers_kind is not Kind.CHOICE and policy.is_too_old(event.created_at)
    if event.customers_kind.is_aside or is_old:
        return Decision.CUSTOMER_MESSAGE_TO_KNOW
    if why_not is None:
        return Decision.CUSTOMER_MESSAGE_TO_ANSWER
    return Decision.CUSTOMER_MESSAGE_FOR_PEOPLE


def _of_new_message(event: MessageCreated) -> Decision:
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
    if event.is_incoming:
        why_not = refusal(event, policy)
        is_ours = why_not is None or why_not.is_for_now
        return Decision.CUSTOMER_MESSAGE_CHANGED if is_ours else Decision.CUSTOMER_MESSAGE_NOT_OURS
    if event.is_failed:
        return Decision.FAILED if event.is_ours() else Decision.NO_INTEREST
    if event.is_delivered:
        return Decision.DELIVERED
    return Decision.OURS if event.is_ours() else Decision.NO_INTEREST


def _of_conversation(event: ConversationEvent, policy: Policy) -> Decision:
    acts = set(_acts(event, policy))
    # Opening and assigning to a person come together, with the bot or the old assignee going: people win.
    if Decision.TAKEN_OVER in acts:
        return Decision.TAKEN_OVER
    return _handed_back(event, policy) if Decision.HANDED_BACK in acts else Decision.NO_INTEREST


def _handed_back(event: ConversationEvent, policy: Policy) -> Decision:
    if refusal(event, policy) and not _gives_back_all(event):
        return Decision.STILL_PEOPLES
    return Decision.ENDED if event.conversation_status == "resolved" else Decision.HANDED_BACK


def _acts(event: ConversationEvent, policy: Policy) -> Iterator[Decision | None]:
    """What was done to the conversation, as far as it takes it from the bot or gives it back.

    The changes only say what was changed. What it is now, the conversation says, which may be newer: Chatwoot was seen
    to tell of "open → snoozed" in a conversation that was pending again (tests/recorded/06-errors.json).
    """
    if isinstance(event, ConversationStatusChanged | ConversationOpened | ConversationResolved):
        yield _of_status(event, policy)
    if isinstance(event, ConversationUpdated):
        if "status" in event.changes:
            yield _of_status(event, policy)
        yield _of_assignee(event)
        yield _of_labels(event)


def _of_status(event: ConversationEvent, policy: Policy) -> Decision | None:
    """*open* gives nothing back where the bot answers in open conversations too: a person may have it."""
    status = event.conversation_status
    if status == "resolved" or (status == "pending" and status in policy.answer_statuses):
        return Decision.HANDED_BACK
    if status is None or status in policy.answer_statuses:
        return None
    return Decision.TAKEN_OVER


def _of_assignee(event: ConversationUpdated) -> Decision | None:
    person, bot = event.changes.get("assignee_id"), event.changes.get("assignee_agent_bot_id")
    if person is None and bot is None:
        return None
    if event.is_assigned_to_person:
        return Decision.TAKEN_OVER
    # That a bot is no longer assigned means nothing by itself.
    return Decision.HANDED_BACK if person is not None or event.assignee is not None else None


def _of_labels(event: ConversationUpdated) -> Decision | None:
    change = event.changes.get("label_list")
    if change is None:
        return None
    was_paused = isinstance(change.previous, list) and PAUSED_LABEL in change.previous
    is_paused = PAUSED_LABEL in event.labels
    if was_paused == is_paused:
        return None
    return Decision.TAKEN_OVER if is_paused else Decision.HANDED_BACK
