"""Chatwoot is asked: right before a turn is thought what was said, right before it speaks whose the conversation is.

Webhooks come late, in any order, or never; what they have told only saves thinking in vain. What the answers show
beyond what is known is taken in as if its webhook had come.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from http.client import UNAUTHORIZED

import structlog

from chatwoot.client import Client
from chatwoot.conversations import Conversation
from chatwoot.errors import PermanentError
from chatwoot.messages import Message
from tasks.mailbox import LeftToPeople, Listed, Mailbox, News, Sending, Turn
from tasks.mailbox.doorbells import Doorbells
from tasks.ownership import news
from tasks.ownership.answered import is_persons, unanswered
from tasks.ownership.intake import Intake
from tasks.ownership.lateness import Lateness
from tasks.records import incoming
from tasks.records.incoming import Incoming
from tasks.runtime.clients import Clients

log = structlog.get_logger()

GOOD_FOR_S = 2.0
_PAGE, _MOST_PAGES = 100, 10


@dataclass(frozen=True, kw_only=True)
class Asker:
    """How Chatwoot is asked in this process."""

    mailbox: Mailbox
    clients: Clients
    intake: Intake
    doorbells: Doorbells
    lateness: Lateness | None
    """Whether webhooks come late: only then is the list read before each turn. None: always."""
    horizon_s: float
    """What no webhook told of and is older is not answered, nor does it take the conversation over."""

    # -- before a turn is thought

    def before_thinking(self, turn: Turn) -> Turn | LeftToPeople:
        """The turn with all that is to be answered by now, in the order of Chatwoot's ids, as it reads now.

        Once a turn: what was heard for it is what it answers, however often it is tried. Safe to repeat.

        Raises:
            ChatwootError: Chatwoot cannot be asked now.
            TurnLost: the turn is another worker's by now.
        """
        user = self.clients.user
        is_needed = turn.is_to_be_heard or self.lateness is None or self.lateness.is_late()
        if user is None or turn.is_heard or not is_needed:
            return turn
        known = {each.id: each for each in map(incoming.load, turn.messages)}
        try:
            listed = self._listed(user, turn, known)
            about = None if known else self.clients.conversation(turn.conversation_id)
        except PermanentError as error:
            log.warning("not_asked", error=type(error).__name__, status=error.status, text=error.text)
            return turn
        return self._heard(turn, known, listed, about)

    def _listed(self, user: Client, turn: Turn, known: Iterable[int]) -> list[Message]:
        """What was said since the list was last read, and all that the turn knows of; at first the last 20."""
        after = min([turn.looked, *(id - 1 for id in known)]) if turn.looked else None
        found = user.messages(turn.conversation_id, after=after)
        for _ in range(_MOST_PAGES if after is not None and len(found) >= _PAGE else 0):
            more = user.messages(turn.conversation_id, after=found[-1].id)
            found += more
            if len(more) < _PAGE:
                break
        return sorted(found, key=lambda each: each.id)

    def _heard(
        self, turn: Turn, known: dict[int, Incoming], listed: list[Message], about: Conversation | None
    ) -> Turn | LeftToPeople:
        now = time.time()
        told = [*self._customers(listed, known, about, now), *self._persons(listed)]
        counting = {each.id for each in listed if self._counts(each, listed, turn, now)}
        words = tuple(each.word for each in told if each.word is not None and each.id in counting)
        heard, unknown = self.mailbox.hear(
            turn,
            told,
            up_to=max((each.id for each in listed), default=0),
            deleted=[each.id for each in listed if each.is_deleted],
            news=news.of_conversation(about, self.intake.policy, words) if about else News(words=words),
        )
        if unknown:
            log.warning("messages_found", messages=unknown)
            if self.lateness is not None:
                self.lateness.note()
        return heard

    def _customers(
        self, listed: Sequence[Message], known: dict[int, Incoming], about: Conversation | None, now: float
    ) -> Iterator[Listed]:
        """What the customer said, as it reads now: what the turn knows of, and what no webhook told of."""
        like = next(reversed(known.values()), None)
        waiting = {each.id for each in unanswered(listed) if now - (each.created_at or now) <= self.horizon_s}
        newest_word = max((each.id for each in listed if is_persons(each)), default=0)
        for each in (each for each in listed if each.is_from_customer):
            if each.id in known:
                said = known[each.id].as_in(each)
            elif like is not None:
                said = replace(like, id=each.id).as_in(each)
            elif about is not None and self.intake.policy.answers_in(about.inbox_id):
                said = Incoming.of_message(each, about)
            else:
                continue
            is_answered = each.id not in known and each.id not in waiting
            text = incoming.dump(said) if not is_answered or each.id < newest_word else ""
            yield Listed(each.id, text, source_id=each.source_id or "", is_answered=is_answered)

    def _persons(self, listed: Sequence[Message]) -> Iterator[Listed]:
        for each in filter(is_persons, listed):
            is_acted_on = _is_acted_on(each, listed)
            yield Listed(
                each.id,
                incoming.dump(Incoming.of_person(each)),
                word=news.word_of(each, is_acted_on=is_acted_on),
                opens="" if is_acted_on else self.intake.opening(each.id),
            )

    def _counts(self, message: Message, listed: Sequence[Message], turn: Turn, now: float) -> bool:
        """Whether it is a person's word that may take the conversation over, as far as the list tells.

        Where the list was never read before, it may be of long ago, and handed back since: then something was done to
        the conversation after it.
        """
        if not is_persons(message):
            return False
        if turn.looked:
            return message.id > turn.looked
        return not _is_acted_on(message, listed) and now - (message.created_at or now) <= self.horizon_s

    # -- before something is said

    def asking(self, sending: Sending) -> Asking:
        """To be asked whose the conversation is, before each thing that is done in it."""
        return Asking(self, sending.conversation_id)

    def whose(self, sending: Sending) -> News | None:
        """Whose the conversation is now; what the answer shows beyond that is taken in. None: nobody may ask.

        Raises:
            ChatwootError: Chatwoot cannot be asked now.
        """
        id = sending.conversation_id
        try:
            conversation = self.clients.conversation(id)
        except PermanentError as error:
            if error.conversation_gone or error.status != UNAUTHORIZED:
                raise
            return None  # a bot's token alone, before 4.14.2
        newest = _newest(conversation)
        is_news = any(each.id > sending.looked for each in newest)
        if is_news and sending.looked and self.clients.user is not None:
            newest = self.clients.user.messages(id, after=sending.looked)
            self._take_in(conversation, newest)
            self.mailbox.looked(id, max((each.id for each in newest), default=0))
        elif is_news:
            self._take_in(conversation, newest)
        return news.of_conversation(conversation, self.intake.policy)

    def _take_in(self, conversation: Conversation, said: Sequence[Message]) -> None:
        for message in unanswered(said):
            accepted = self.intake.found(conversation, message)
            self.doorbells.announce(conversation.id, accepted.doorbell)
        for each in self._persons(said):
            if each.word is not None:
                told = News(words=(each.word,))
                self.mailbox.learn(conversation.id, told, message=each.message, opens=each.opens)


@dataclass
class Asking:
    """One worker's asking, while it does one thing after the other in a conversation: two in a row share an answer."""

    asker: Asker
    conversation_id: int
    _asked_at: float = field(default=float("-inf"))

    def news(self, sending: Sending) -> News | None:
        """Whose the conversation is. None: it was asked a moment ago, or nobody may ask.

        Raises:
            ChatwootError: Chatwoot cannot be asked now.
        """
        if time.monotonic() - self._asked_at < GOOD_FOR_S:
            return None
        told = self.asker.whose(sending)
        self._asked_at = time.monotonic()
        return told


def _newest(conversation: Conversation) -> list[Message]:
    """What was said last, as far as the conversation itself shows it; but no word of a person's to which something was
    done since: whether it still counts, only webhooks can tell."""
    last, said = conversation.last_message, conversation.last_non_activity_message
    if said is None or (last is not None and last.id > said.id and is_persons(said)):
        return []
    return [said]


def _is_acted_on(message: Message, listed: Sequence[Message]) -> bool:
    """Whether something was done to the conversation since: an activity tells, in whatever language."""
    return any(each.message_type == "activity" and each.id > message.id for each in listed)
