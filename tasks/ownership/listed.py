"""Chatwoot's own list of a conversation's messages, as the mailbox is told of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from chatwoot import marker
from chatwoot.client import Client
from chatwoot.conversations import Conversation
from chatwoot.messages import Message
from tasks.mailbox import Listed
from tasks.ownership import news
from tasks.ownership.answered import is_by_team, is_persons, named_as_answered, unanswered
from tasks.ownership.intake import Intake
from tasks.ownership.policy import Policy
from tasks.records import incoming
from tasks.records.incoming import Incoming
from tasks.runtime.clients import said_after

_MOST_PAGES = 10


def since(user: Client, conversation_id: int, after: int | None) -> list[Message]:
    """All that was said after this message, in the order of the ids; None: the last 20 that were said.

    Raises:
        ChatwootError: as the client raises it.
    """
    if after is None:
        found = user.messages(conversation_id)
    else:
        found = said_after(user, conversation_id, after, most_pages=_MOST_PAGES)
    return sorted(found, key=lambda each: each.id)


def customers(
    listed: Sequence[Message], known: dict[int, Incoming], about: Conversation | None, policy: Policy
) -> Iterator[Listed]:
    """What the customer said, as it reads now: what is `known` to wait, and what no webhook told of.

    `about`: the conversation, where nothing is known of it. What a reply of ours says that it answers, and what is
    too old for the policy or of whom it leaves alone, is answered. What people have answered, the mailbox knows, which
    tells people's words from our own that come back. What some other reply may have answered is left to its webhook.
    """
    like = next(reversed(known.values()), None)
    waiting = {each.id for each in unanswered(listed)}
    named = named_as_answered(listed)
    newest_word = max((each.id for each in listed if is_persons(each)), default=0)
    for each in listed:
        if not each.is_from_customer:
            continue
        said = _as_it_reads(each, known, like, about)
        if said is None:
            continue
        is_aside = each.customers_kind.is_aside
        is_answered = is_aside or policy.passes_over(said.contact_id, each.created_at) or each.id in named
        if each.id not in known and is_answered:
            text = incoming.dump(replace(said, by="aside")) if is_aside else ""
            yield Listed(each.id, text, is_answered=True)
        elif each.id in known or each.id in waiting or each.id < newest_word:
            yield Listed(each.id, incoming.dump(said), source_id=each.source_id or "")


def _as_it_reads(
    message: Message, known: dict[int, Incoming], like: Incoming | None, about: Conversation | None
) -> Incoming | None:
    if message.id in known:
        return known[message.id].as_in(message)
    if like is not None:
        return replace(like, id=message.id, edit="").as_in(message)
    return Incoming.of_message(message, about) if about is not None else None


def persons(listed: Sequence[Message], intake: Intake, *, counting: Collection[int] | None = None) -> Iterator[Listed]:
    """What people said to the customer. A word of theirs to which nothing was done since opens it.

    `counting`: the ids of those that may; None: all.
    """
    for each in filter(is_persons, listed):
        is_handled = is_acted_on(each.id, listed)
        opens = not is_handled and (counting is None or each.id in counting)
        yield Listed(
            each.id,
            incoming.dump(Incoming.of_person(each)),
            word=news.word_of(each, is_acted_on=is_handled),
            opens=intake.opening(each.id) if opens else "",
        )


def notes(listed: Sequence[Message], awaits: str) -> Iterator[Listed]:
    """What people noted since the turn of this name asked them, as far as the list shows that: else all."""
    asked = max((each.id for each in listed if each.is_private and _is_of(each, awaits)), default=0)
    for each in listed:
        if each.id > asked and each.is_private and each.sender is not None and is_by_team(each):
            yield Listed(each.id, incoming.dump(Incoming.of_person(each, by="note")), is_note=True)


def _is_of(message: Message, turn: str) -> bool:
    return str(message.content_attributes.get(marker.OUR_KEY)).startswith(f"{turn}.")


def is_acted_on(message_id: int, listed: Sequence[Message]) -> bool:
    """Whether something was done to the conversation since a message: an activity tells, in whatever language."""
    return any(each.message_type == "activity" and each.id > message_id for each in listed)
