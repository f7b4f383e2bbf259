"""Chatwoot's own list of a conversation's messages, as the mailbox is told of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from chatwoot.conversations import Conversation
from chatwoot.messages import Message
from tasks.mailbox import Listed
from tasks.ownership import news
from tasks.ownership.answered import is_persons, unanswered
from tasks.ownership.intake import Intake
from tasks.records import incoming
from tasks.records.incoming import Incoming


def customers(
    listed: Sequence[Message], known: dict[int, Incoming], about: Conversation | None, *, horizon_s: float
) -> Iterator[Listed]:
    """What the customer said, as it reads now: what is `known` to wait, and what no webhook told of.

    `about`: the conversation, where nothing is known of it. What is older than the horizon counts as answered.
    """
    now = time.time()
    like = next(reversed(known.values()), None)
    waiting = {each.id for each in unanswered(listed) if now - (each.created_at or now) <= horizon_s}
    newest_word = max((each.id for each in listed if is_persons(each)), default=0)
    for each in listed:
        if not each.is_from_customer:
            continue
        if each.id in known:
            said = known[each.id].as_in(each)
        elif like is not None:
            said = replace(like, id=each.id).as_in(each)
        elif about is not None:
            said = Incoming.of_message(each, about)
        else:
            continue
        is_aside = each.customers_kind.is_aside
        if is_aside:
            said = replace(said, by="aside")
        is_answered = is_aside or (each.id not in known and each.id not in waiting)
        text = incoming.dump(said) if is_aside or not is_answered or each.id < newest_word else ""
        yield Listed(each.id, text, source_id=each.source_id or "", is_answered=is_answered)


def persons(listed: Sequence[Message], intake: Intake) -> Iterator[Listed]:
    """What people said to the customer. The last word of theirs to which nothing was done since opens it."""
    for each in filter(is_persons, listed):
        is_handled = is_acted_on(each, listed)
        yield Listed(
            each.id,
            incoming.dump(Incoming.of_person(each)),
            word=news.word_of(each, is_acted_on=is_handled),
            opens="" if is_handled else intake.opening(each.id),
        )


def is_acted_on(message: Message, listed: Sequence[Message]) -> bool:
    """Whether something was done to the conversation since: an activity tells, in whatever language."""
    return any(each.message_type == "activity" and each.id > message.id for each in listed)
