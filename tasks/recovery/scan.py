"""Look through those of Chatwoot's conversations that concern the bot. One that is broken stops nobody."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import takewhile
from typing import TypeVar

import structlog

from chatwoot.client import Client
from chatwoot.conversations import Conversation, Status
from chatwoot.errors import ChatwootError
from tasks.ownership.policy import Policy
from tasks.runtime import ending
from tasks.runtime.rate_limit import NotNow

log = structlog.get_logger()
S = TypeVar("S")
T = TypeVar("T")

_MOST_PAGES = 40  # of 25 conversations, in each status and inbox
_MOST_UNANSWERED = 5  # in a row: then it is Chatwoot that is broken
_AWAY = (None, 429, 502, 503, 504)


def concerning(
    client: Client,
    policy: Policy,
    *,
    sort_by: str,
    reaches: Callable[[Conversation], bool],
    statuses: Collection[Status] = (),
) -> Iterator[Conversation]:
    """Those in the bot's statuses and inboxes, in this order, as long as it `reaches`.

    `statuses`: others than the bot's.

    Blocked and ignored contacts' are left out. Whoever shows as having one: that is for the mailbox to know.

    Raises:
        ChatwootError: Chatwoot cannot be asked now.
    """
    for status in sorted(statuses or policy.answer_statuses):
        for inbox_id in policy.answer_inbox_ids or (None,):
            for page in range(1, _MOST_PAGES + 1):
                listed = client.conversations(status=status, inbox_id=inbox_id, sort_by=sort_by, page=page)
                reached = list(takewhile(reaches, listed))
                yield from filter(policy.answers_customers_of, reached)
                if not listed or len(reached) < len(listed):
                    break


def each_once(conversations: Iterable[Conversation]) -> Iterator[Conversation]:
    """Of those that come several times the first."""
    seen: set[int] = set()
    for conversation in conversations:
        if conversation.id not in seen:
            seen.add(conversation.id)
            yield conversation


def each_looked_into(conversations: Iterable[Conversation], look: Callable[[Conversation], T]) -> Iterator[T]:
    """What a `look` at each gives. One into which Chatwoot gives no look is left for the next time.

    Raises:
        ChatwootError: the first of those, after the others; or Chatwoot is away.
    """
    return each_done(conversations, look, conversation_id=lambda conversation: conversation.id)


def each_done(things: Iterable[S], do: Callable[[S], T], *, conversation_id: Callable[[S], int]) -> Iterator[T]:
    """What is done with each gives. That Chatwoot fails in one stops nobody, however many such there are.

    Raises:
        ChatwootError: the first failure, after the others; or Chatwoot is away: it has not answered some in a row.
        WorkerEnds: this worker was asked to end; what was done is done.
    """
    failures: list[ChatwootError] = []
    unanswered = 0
    for thing in things:
        ending.pause()
        try:
            yield do(thing)
            unanswered = 0
        except NotNow:
            raise
        except ChatwootError as error:
            log.warning("not_looked_into", conversation_id=conversation_id(thing), error=type(error).__name__)
            failures.append(error)
            unanswered = unanswered + 1 if error.status in _AWAY else 0
            if unanswered == _MOST_UNANSWERED:
                break
    if failures:
        raise failures[0]
