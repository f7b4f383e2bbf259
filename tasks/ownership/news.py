"""What a webhook, or an answer of Chatwoot's, tells about whose a conversation is: facts and their times, no verdict.

A webhook's conversation is a snapshot, which may be later than what it tells of; its `updated_at` is of the snapshot.
What was done, and exactly when, only `conversation_updated` tells, in its changes. A person's word shows in no state.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from dataclasses import replace

from chatwoot.conversations import Conversation
from chatwoot.events import Change, ConversationEvent, ConversationUpdated, MessageCreated
from chatwoot.messages import Message
from chatwoot.reading import moment
from tasks.mailbox import News, Word
from tasks.ownership.policy import PAUSED_LABEL, Policy


def of_event(event: ConversationEvent, policy: Policy) -> News:
    """What a webhook tells, whether of a message or of the conversation."""
    news = News(
        at=_ms(event.conversation_updated_at or time.time()),
        signs=policy.signs(status=event.conversation_status, labels=event.labels, assignee=event.assignee),
        over=policy.is_over(event.conversation_status),
    )
    return _with_changes(news, event, policy) if isinstance(event, ConversationUpdated) else news


def of_person(event: MessageCreated, policy: Policy) -> News:
    """What a person's message tells."""
    word = Word(event.message_id, _ms(event.created_at or time.time()), digest(event.content or ""))
    return replace(of_event(event, policy), words=(word,))


def of_conversation(conversation: Conversation, policy: Policy, words: Iterable[Word] = ()) -> News:
    """What the API tells of a conversation; `words`: people's, in its messages."""
    return News(
        at=_ms(conversation.updated_at or time.time()),
        signs=policy.signs(status=conversation.status, labels=conversation.labels, assignee=conversation.assignee),
        over=policy.is_over(conversation.status),
        words=tuple(words),
    )


def word_of(message: Message, *, is_acted_on: bool = False) -> Word:
    """The API tells a message's whole second only, until a webhook tells the rest.

    As late in it as can be: nothing that was done within it gives the conversation back after the word. But where
    something was done to the conversation after the word (`is_acted_on`), by the order of ids, that may be it.
    """
    at = _ms(message.created_at or time.time())
    return Word(message.id, at if is_acted_on else at + 999, digest(message.content or ""))


def digest(text: str) -> str:
    """The same for the same words, however a channel or a bridge has set them; "" of none: a file says nothing."""
    if not text.strip():
        return ""
    words = "".join(letter for letter in text if letter.isalnum()).casefold() or text
    return hashlib.sha256(words.encode(errors="replace")).hexdigest()[:16]


def _with_changes(news: News, event: ConversationUpdated, policy: Policy) -> News:
    at = _exactly(event.changes.get("updated_at")) or news.at or 0
    present: dict[str, int] = {}
    gone: dict[str, int] = {}
    back = everything = 0
    if (status := event.changes.get("status")) is not None:
        if status.current in policy.answer_statuses or policy.is_over(status.current):
            gone["status"] = at
        else:
            present[f"status:{status.current}"] = at
        # *open* gives nothing back where the bot answers in open conversations too: a person may have it.
        if status.current == "resolved" or (status.current == "pending" and "pending" in policy.answer_statuses):
            everything = at
    if (person := event.changes.get("assignee_id")) is not None:
        if person.current:
            present[f"assigned:{person.current}"] = at
        else:
            gone["assigned"] = back = at
    if (bot := event.changes.get("assignee_agent_bot_id")) is not None and bot.current:
        gone["assigned"] = everything = at
    if (labels := event.changes.get("label_list")) is not None:
        was_paused, is_paused = _holds_pause(labels.previous), _holds_pause(labels.current)
        if is_paused and not was_paused:
            present["paused"] = at
        elif was_paused and not is_paused:
            gone["paused"] = back = at
    return replace(news, present=present, gone=gone, back=max(back, everything), all=everything)


def _holds_pause(labels: object) -> bool:
    return isinstance(labels, list) and PAUSED_LABEL in labels


def _exactly(updated_at: Change | None) -> int | None:
    at = moment(updated_at.current) if updated_at is not None else None
    return _ms(at) if at else None


def _ms(seconds: float) -> int:
    return int(seconds * 1000 + 0.01)  # not one less for a float that falls short
