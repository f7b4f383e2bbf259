"""Which of a customer's messages a reply answers, written on the reply itself.

So Chatwoot's own list of messages shows what was never answered, and what was meanwhile, even where our memory is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from chatwoot import marker
from chatwoot.conversations import Conversation
from chatwoot.messages import Message

ANSWERS = "contesta_answers"


def written(message_ids: Sequence[int]) -> dict[str, Any]:
    """What a reply to these messages carries in its `content_attributes`."""
    return {ANSWERS: list(message_ids)} if message_ids else {}


def unanswered(messages: Iterable[Message]) -> list[Message]:
    """The customer's public messages that nobody has answered, oldest first. `messages`: the newest ones, oldest first.

    Among them are messages that were sent to the customer, who chose something in them. A person's reply answers all
    before it, and so does one of ours that does not say what it answers (Chatwoot before 4.9 drops that). Templates,
    such as a greeting, what automation rules say, and what has failed answer nothing.
    """
    found: list[Message] = []
    answered: set[int] = set()
    for message in reversed([each for each in messages if each.is_public]):
        is_to_be_answered = message.is_from_customer and not message.customers_kind.is_aside
        if is_to_be_answered and message.id not in answered:
            found.insert(0, message)
        if not is_reply(message):
            continue
        answers = _answers(message)
        if answers is None:
            if marker.is_marked(message.content_attributes) and marker.OUR_KEY in message.content_attributes:
                continue  # sent by hand, or a further part of a reply
            break
        answered.update(answers)
    return found


def named_as_answered(messages: Iterable[Message]) -> set[int]:
    """The ids of the customer's messages that a reply of ours names as those it answers, and which has not failed."""
    return {id for each in messages if is_reply(each) for id in _answers(each) or ()}


def with_failed_answer(messages: Iterable[Message]) -> set[int]:
    """The ids of the customer's messages to which an answer has failed: a turn is done with them, the customer is not.

    Chatwoot before 4.9 does not tell which those are: there nobody is named.
    """
    failed = [each for each in messages if each.message_type == "outgoing" and each.status == "failed"]
    return {id for each in failed for id in _answers(each) or ()}


def seems_unanswered(conversation: Conversation) -> bool:
    """Whether what was said last is no reply, or one that failed: a candidate, no more, since notes count too.

    `waiting_since` does not tell: after a silence it stays at the old message, whatever comes later; before 4.10,
    after any answer of a bot's, too; and an answer that fails has ended it.
    """
    newest = conversation.last_non_activity_message
    return newest is not None and not is_reply(newest)


def answer_since(messages: Iterable[Message], message_id: int) -> Message | None:
    """A reply that came after this message and says something newer: a person's, or a later turn's. None: nobody's.

    What else was said in the turn that answers this message, such as the first of several bubbles, is no newer one.
    Chatwoot before 4.9 does not tell which those are: there they count.
    """
    return next((each for each in messages if each.id > message_id and _is_newer_reply(each, message_id)), None)


def is_reply(message: Message) -> bool:
    """Somebody, or the bot, said it to the customer, and it has not failed to reach them as far as is known."""
    is_said = message.message_type == "outgoing" and not message.is_private
    return is_said and not message.is_automatic and message.status != "failed"


def is_persons(message: Message) -> bool:
    """A person of the team said it to the customer, and no program of ours with a user's token."""
    return is_by_team(message) and not message.is_private


def is_by_team(message: Message) -> bool:
    """The same, or a note."""
    return message.is_by_person and not marker.is_marked(message.content_attributes)


def _is_newer_reply(message: Message, message_id: int) -> bool:
    answers = _answers(message)
    return is_reply(message) and (answers is None or any(each > message_id for each in answers))


def _answers(message: Message) -> list[int] | None:
    """None: it does not say."""
    answers = message.content_attributes.get(ANSWERS)
    return answers if isinstance(answers, list) else None
