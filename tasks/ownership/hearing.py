"""Right before a turn is thought: what was said, by Chatwoot's own list.

Webhooks come late, in any order, or never. What the list shows beyond what they have told is taken in as if its webhook
had come.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog

from chatwoot.client import Client
from chatwoot.conversations import Conversation
from chatwoot.errors import PermanentError
from chatwoot.messages import Message
from tasks.mailbox import LeftToPeople, Mailbox, News, Turn
from tasks.ownership import listed, news
from tasks.ownership.answered import is_persons
from tasks.ownership.intake import Intake
from tasks.ownership.lateness import Lateness
from tasks.records import incoming
from tasks.records.incoming import Incoming
from tasks.runtime.clients import Clients

log = structlog.get_logger()

_PAGE, _MOST_PAGES = 100, 10


@dataclass(frozen=True, kw_only=True)
class Hearing:
    """How turns hear what was said, in this process."""

    mailbox: Mailbox
    clients: Clients
    intake: Intake
    lateness: Lateness | None
    """Whether webhooks come late: only then is the list read before each turn. None: always."""
    horizon_s: float
    """What no webhook told of and is older is not answered, nor does it take the conversation over."""

    def before_thinking(self, turn: Turn) -> Turn | LeftToPeople:
        """The turn with all that is to be answered by now, in the order of Chatwoot's ids, as it reads now.

        Once a turn: what was heard for it is what it answers, however often it is tried. Safe to repeat.

        Raises:
            ChatwootError: Chatwoot cannot be asked now.
            TurnLost: the turn is another worker's by now.
        """
        user = self.clients.user
        if user is None or turn.is_heard or not self._is_needed(turn):
            return turn
        known = {each.id: each for each in map(incoming.load, turn.messages)}
        try:
            messages = _all_since(user, turn, known)
            about = None if known else self.clients.conversation(turn.conversation_id)
        except PermanentError as error:
            log.warning("not_asked", error=type(error).__name__, status=error.status, text=error.text)
            return turn
        return self._heard(turn, known, messages, about)

    def _is_needed(self, turn: Turn) -> bool:
        return turn.is_to_be_heard or self.lateness is None or self.lateness.is_late()

    def _heard(
        self, turn: Turn, known: dict[int, Incoming], messages: Sequence[Message], about: Conversation | None
    ) -> Turn | LeftToPeople:
        answers = about is None or self.intake.policy.answers_customers_of(about)
        customers = listed.customers(messages, known, about, horizon_s=self.horizon_s) if answers else ()
        persons = list(listed.persons(messages, self.intake))
        counting = {each.id for each in messages if self._counts(each, messages, turn)}
        words = tuple(each.word for each in persons if each.word is not None and each.id in counting)
        heard, unknown = self.mailbox.hear(
            turn,
            [*customers, *persons],
            up_to=max((each.id for each in messages), default=0),
            deleted=[each.id for each in messages if each.is_deleted],
            news=news.of_conversation(about, self.intake.policy, words) if about else News(words=words),
        )
        if unknown:
            log.warning("messages_found", messages=unknown)
            if self.lateness is not None:
                self.lateness.note()
        return heard

    def _counts(self, message: Message, messages: Sequence[Message], turn: Turn) -> bool:
        """Whether it is a person's word that may take the conversation over, as far as the list tells.

        Where the list was never read before, it may be of long ago, and handed back since: then something was done to
        the conversation after it.
        """
        if not is_persons(message):
            return False
        if turn.looked:
            return message.id > turn.looked
        age_s = time.time() - message.created_at if message.created_at else 0
        return age_s <= self.horizon_s and not listed.is_acted_on(message, messages)


def _all_since(user: Client, turn: Turn, known: Iterable[int]) -> list[Message]:
    """What was said since the list was last read, and all that the turn knows of; at first the last 20."""
    after = min([turn.looked, *(id - 1 for id in known)]) if turn.looked else None
    found = user.messages(turn.conversation_id, after=after)
    pages = 1
    while after is not None and len(found) == pages * _PAGE and pages < _MOST_PAGES:
        found += user.messages(turn.conversation_id, after=found[-1].id)
        pages += 1
    return sorted(found, key=lambda each: each.id)
