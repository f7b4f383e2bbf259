"""Right before a turn is thought: what was said, by Chatwoot's own list.

Webhooks come late, in any order, or never. What the list shows beyond what they have told is taken in as if its webhook
had come.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from chatwoot.conversations import Conversation
from chatwoot.errors import PermanentError
from chatwoot.messages import Message
from tasks.mailbox import LeftToPeople, Listed, Mailbox, News, Turn
from tasks.ownership import listed, news
from tasks.ownership.answered import is_persons
from tasks.ownership.intake import Intake
from tasks.ownership.lateness import Lateness
from tasks.records import incoming
from tasks.records.incoming import Incoming
from tasks.runtime.clients import Clients

log = structlog.get_logger()

_TOLD_BY_NOW_S = 30.0
"""So late no webhook was seen to come: what was done then, and none told, none will."""


@dataclass(frozen=True, kw_only=True)
class Hearing:
    """How turns hear what was said, in this process."""

    mailbox: Mailbox
    clients: Clients
    intake: Intake
    lateness: Lateness | None
    """Whether webhooks come late: only then is the list read before each turn. None: always."""

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
        after = min([turn.looked, *(id - 1 for id in known)]) if turn.looked else None
        try:
            messages = listed.since(user, turn.conversation_id, after)
            given_back = self._untold_hand_back(messages, turn)
            about = self.clients.conversation(turn.conversation_id) if given_back or not known else None
        except PermanentError as error:
            log.warning("not_asked", error=type(error).__name__, status=error.status, text=error.text)
            return turn
        return self._heard(turn, known, messages, about, given_back)

    def _is_needed(self, turn: Turn) -> bool:
        return turn.is_to_be_heard or self.lateness is None or self.lateness.is_late()

    def _heard(
        self,
        turn: Turn,
        known: dict[int, Incoming],
        messages: Sequence[Message],
        about: Conversation | None,
        given_back: int,
    ) -> Turn | LeftToPeople:
        answers = bool(known) or about is None or self.intake.policy.answers_customers_of(about)
        customers = listed.customers(messages, known, about, self.intake.policy) if answers else ()
        counting = {each.id for each in messages if self._counts(each, messages, turn)}
        persons = list(listed.persons(messages, self.intake, counting=counting))
        notes = listed.notes(messages, turn.awaits) if turn.awaits else ()
        words = tuple(each.word for each in persons if each.word is not None and each.id in counting)
        told = news.of_conversation(about, self.intake.policy, words) if about else News(words=words)
        heard, unknown = self.mailbox.hear(
            turn,
            [*(self._once(each, turn, known, about) for each in customers), *persons, *notes],
            up_to=max((each.id for each in messages), default=0),
            deleted=[each.id for each in messages if each.is_deleted],
            news=replace(told, back=given_back) if not told.signs else told,
        )
        if unknown:
            log.warning("messages_found", messages=unknown)
            if self.lateness is not None:
                self.lateness.note()
        return heard

    def _once(self, said: Listed, turn: Turn, known: dict[int, Incoming], about: Conversation | None) -> Listed:
        """What no webhook told of, and another conversation has, counts as seen here."""
        place = next(iter(known.values()), about)
        if said.id in known or said.is_answered or place is None:
            return said
        is_elsewhere = self.intake.twins.is_heard_elsewhere(turn.conversation_id, place, said.source_id)
        return replace(said, message="", is_answered=True) if is_elsewhere else said

    def _untold_hand_back(self, messages: Sequence[Message], turn: Turn) -> int:
        """When people handed it back after their last word, where something was done since and no webhook will tell.

        In milliseconds, right after the word; 0: they did not, or a webhook may tell yet. It counts where nothing in
        the conversation shows it as theirs.
        """
        words = [each for each in messages if self._counts(each, messages, turn)]
        if not words or not listed.is_acted_on(words[-1].id, messages):
            return 0
        if time.time() - (words[-1].created_at or time.time()) < _TOLD_BY_NOW_S:
            return 0
        return news.word_of(words[-1], is_acted_on=True).at + 1

    def _counts(self, message: Message, messages: Sequence[Message], turn: Turn) -> bool:
        """Whether it is a person's word that may take the conversation over, as far as the list tells.

        Where the list was never read before, it may be of long ago, and handed back since: then something was done to
        the conversation after it.
        """
        if not is_persons(message):
            return False
        if turn.looked:
            return message.id > turn.looked
        return not self.intake.policy.is_too_old(message.created_at) and not listed.is_acted_on(message.id, messages)
