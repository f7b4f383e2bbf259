"""Answer one conversation's turn: claim it, think, record what is wanted. No Celery here."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Protocol

import redis
import structlog

from chatwoot.channels import channel
from chatwoot.errors import ChatwootError
from graph.acts import InDoubt
from graph.answers import NothingSaid
from graph.checkpoint import MemoryAway
from graph.outcome import BadWant, HandOver, Outcome, Reply, Silence
from graph.serde import TypeNotAllowed
from tasks.mailbox import NO_LAPSE, Lapse, LeftToPeople, Mailbox, NotYet, Turn, TurnLost, WakeSender, WakeThinker
from tasks.ownership.hearing import Hearing
from tasks.ownership.policy import LeavesAlone, nobody_is_left_alone
from tasks.records import actions, incoming
from tasks.records.actions import Action, Customer
from tasks.records.dead_letter import THINKING, DeadLetter
from tasks.records.incoming import Incoming
from tasks.recovery.holdings import Holdings
from tasks.runtime import failpoints
from tasks.runtime.counters import Counted, count
from tasks.runtime.redaction import safe_traceback
from tasks.thinking.actions_from_wants import TurnActions
from tasks.thinking.ears import NotHeard, Unheard
from tasks.thinking.spending import Spending
from tasks.thinking.trouble import named, trouble
from tasks.thinking.typing import TypingSign

log = structlog.get_logger()


class Thinks(Protocol):
    """A user's graph, with its memory."""

    def think(self, turn: Turn, messages: Sequence[Incoming]) -> Outcome:
        """What the graph wants.

        Raises:
            TurnLost: another worker has the turn by now.
            MemoryAway: the graph's memory is not there.
            NotHeard: a recording could not be put into words at the first try.
            Unheard: nothing was said but in such recordings.
            Exception: whatever a graph may raise.
        """

    def undo(self, turn: Turn, messages: Sequence[Incoming]) -> None:
        """The turn is given up: the graph's memory is what it was before. Safe to repeat.

        Raises:
            TurnLost, MemoryAway: as `think`.
        """

    def acted(self, turn: Turn, messages: Sequence[Incoming]) -> Sequence[str]:
        """What the turn has done to the world, or may have: a sentence for people about each.

        Raises:
            MemoryAway: as `think`.
        """


_RETRY_S = 2.0
_AWAY = (408, 425, 429, 502, 503, 504)
"""A proxy's words for a Chatwoot that is not there, or busy."""
_MOST_AWAY_S = 30.0
_MOST_SILENT = 2
"""Attempts in which a graph says nothing."""
_LAPSED = "The bot is told so when it goes on: once you give the conversation back, or the customer writes."
_MOST_LOOKS = 2
"""At a list that Chatwoot fails to give; of `most_attempts` some are left to think."""


class TurnPutOff(Exception):
    """The turn was given back; it may be claimed again after `retry_s`."""

    def __init__(self, why: str, retry_s: float) -> None:
        super().__init__(why)
        self.retry_s = retry_s


class GraphFailed(TurnPutOff):
    """The graph raised."""


class NotAsked(TurnPutOff):
    """Chatwoot could not be asked what was said, so it was not thought."""


class RedisAway(TurnPutOff):
    """Longer than was to be waited for. It counts as no attempt."""


@dataclass(frozen=True)
class Answered:
    """A turn that ended: its number, and what is next."""

    turn: int
    next: WakeThinker | WakeSender | None


@dataclass(frozen=True, kw_only=True)
class TurnRunner:
    """How turns are answered in this process."""

    mailbox: Mailbox
    holdings: Holdings
    bridge: Thinks
    hearing: Hearing | None = None
    """What is asked of Chatwoot before a turn is thought; None: nothing."""
    most_attempts: int
    most_turns_per_hour: int = 0
    """Two machines that talk to each other do not end by themselves. 0: no limit."""
    message_limit: int = 4096
    """Characters of a message, where the channel does not take fewer."""
    typing: TypingSign | None = None
    spending: Spending | None = None
    """What models have cost today; None: nobody counts."""
    away_s: float = 300.0
    """So long what a graph needs, such as its model, may be away before the turn is given up."""
    unheard_reply: str = ""
    """What is said where a customer's voice note could not be put into words; "": people are to listen."""
    decision_hours: float = 0.0
    """So long people may say nothing to what a graph asks them; then it is told that nobody decided. 0: for ever."""
    shows_errors: bool = False
    """The words of a graph's errors are logged: they may quote the customer."""
    leaves_alone: LeavesAlone = nobody_is_left_alone
    """As `Policy.leaves_alone`: asked again, since a label may have come meanwhile."""

    def answer(self, conversation_id: int, bell: str) -> Answered | NotYet | None:
        """Answer all that waits in the conversation; None where the doorbell is stale. Safe to repeat.

        Raises:
            TurnPutOff: to be tried again.
            TurnLost: another worker has the turn by now.
        """
        claimed = self.mailbox.claim(conversation_id, bell)
        if claimed is None:
            count(Counted.STALE_DOORBELLS)
        if not isinstance(claimed, Turn):
            return claimed
        sign = self.typing.shown(conversation_id, left_on=claimed.attempt > 1) if self.typing else nullcontext()
        with self.holdings.hold(claimed), sign:
            return self._answer(claimed)

    def _answer(self, turn: Turn) -> Answered:
        started = time.monotonic()
        heard = self._heard(turn)
        if isinstance(heard, LeftToPeople):
            log.info("left_to_people", turn=turn.number)
            return Answered(turn.number, heard.next)
        turn = heard
        messages = [incoming.load(message) for message in turn.messages]
        if not messages and not turn.resumes:  # deleted meanwhile, or nothing waited after all
            return Answered(turn.number, self.mailbox.commit(turn, [], has_learnt=False))
        if any(self.leaves_alone(each.contact_id, None) for each in messages):
            log.info("left_alone", turn=turn.number)
            return Answered(turn.number, self.mailbox.commit(turn, [], has_learnt=False))
        if 0 < self.most_turns_per_hour < turn.turns_this_hour:
            limit = self.most_turns_per_hour
            return self._give_up(turn, messages, f"{limit} answers in an hour: perhaps two machines talk to each other")
        if self._is_too_dear(turn):
            return self._give_up(turn, messages, "models have cost MAX_COST_PER_DAY today")
        if turn.attempt > self.most_attempts:
            return self._give_up(turn, messages, self._what_ended(turn))
        try:
            with failpoints.around("think"):
                outcome = self.bridge.think(turn, messages)
            wanted = self._actions(outcome, turn, messages)
        except TurnLost:
            raise
        except MemoryAway as error:
            raise self._put_off(turn, error) from None
        except NotHeard as error:
            raise self._tried_again(turn, error, _RETRY_S) from None
        except Unheard as error:
            return self._not_heard(turn, messages, error)
        except NothingSaid as error:
            return self._said_nothing(turn, messages, error)
        except InDoubt as error:  # nor can it tell another time
            return self._give_up(turn, messages, f"it was cut short while it acted: {error}")
        except BadWant as error:  # it would want the same again
            return self._give_up(turn, messages, f"the graph wants what cannot be: {error}")
        except TypeNotAllowed as error:  # it would keep the same again
            return self._give_up(turn, messages, f"its memory cannot be kept: {error}")
        except Exception as error:  # noqa: BLE001 - a graph is a user's code and may raise anything
            return self._failed(turn, messages, error)
        awaits = name_of(turn, messages) if any(isinstance(want, HandOver) and want.waits for want in outcome) else ""
        wants = [actions.dump(action) for action in wanted]
        following = self.mailbox.commit(turn, wants, awaits=awaits, lapse=self._lapse(awaits))
        if self.typing is not None and not any(map(actions.is_said_to_the_customer, wanted)):
            self.typing.off(turn.conversation_id)
        count(Counted.TURNS_ANSWERED)
        log.info(
            "turn_answered",
            turn=turn.number,
            attempt=turn.attempt,
            messages=len(messages),
            actions=len(wanted),
            seconds=round(time.monotonic() - started, 3),
        )
        return Answered(turn.number, following)

    def _heard(self, turn: Turn) -> Turn | LeftToPeople:
        """The turn with all that waits for an answer by now."""
        if self.hearing is None:
            return turn
        try:
            return self.hearing.before_thinking(turn)
        except ChatwootError as error:
            # Chatwoot is there and fails at this one: tried a few times, then thought by what webhooks have told.
            is_this_one = error.status is not None and error.status not in _AWAY
            if is_this_one and turn.attempt >= min(_MOST_LOOKS, self.most_attempts):
                log.warning("not_asked", error=type(error).__name__, status=error.status, text=error.text)
                return turn
            delay_s = max(error.retry_after_s or 0, _RETRY_S) * random.uniform(1, 1.25)
            self.mailbox.release(turn, delay_s=delay_s, counts=is_this_one)
            count(Counted.RETRIES, "asking")
            log.warning("not_asked", error=type(error).__name__, status=error.status, text=error.text, retry_s=delay_s)
            raise NotAsked(str(error), delay_s) from None
        except redis.RedisError as error:
            raise self._put_off(turn, error) from None

    def _is_too_dear(self, turn: Turn) -> bool:
        try:
            return self.spending is not None and self.spending.is_over()
        except redis.RedisError as error:
            raise self._put_off(turn, error) from None

    def _put_off(self, turn: Turn, error: Exception) -> RedisAway:
        self.mailbox.release(turn, delay_s=_RETRY_S, counts=False)
        count(Counted.RETRIES, "redis")
        log.warning("turn_put_off", turn=turn.number, error=type(error).__name__, retry_s=_RETRY_S)
        return RedisAway(type(error).__name__, _RETRY_S)

    def _actions(self, outcome: Outcome, turn: Turn, messages: Sequence[Incoming]) -> list[Action]:
        for want in outcome:
            if isinstance(want, Silence):
                log.info("silent", reason=want.reason)
        told = [*map(incoming.load, turn.earlier), *messages]
        name = next((each.channel for each in reversed(told) if each.channel), None)
        wanted = TurnActions(
            key=name_of(turn, messages),
            asked_at=time.time(),
            limit=self.message_limit,
            channel=channel(name),
            answers=tuple(each.id for each in messages),
            customer=_customer(told),
            newest=max([turn.newest, *(each.id for each in told)]),
        )
        return wanted.of(outcome)

    def _not_heard(self, turn: Turn, messages: Sequence[Incoming], error: Unheard) -> Answered:
        """The customer is asked to write, or people listen."""
        reply, to_people = self.unheard_reply, HandOver(f"A voice note could not be heard ({error}).")
        wanted = self._actions((Reply(reply) if reply else to_people,), turn, messages)
        following = self.mailbox.commit(turn, [actions.dump(action) for action in wanted], has_learnt=False)
        log.warning("turn_not_heard", turn=turn.number, attempt=turn.attempt, why=str(error))
        return Answered(turn.number, following)

    def _said_nothing(self, turn: Turn, messages: Sequence[Incoming], error: NothingSaid) -> Answered:
        """That is no answer. Once more from the beginning, unless that would do something again; then people."""
        log.warning("nothing_said", turn=turn.number, attempt=turn.attempt, why=str(error))
        if error.has_acted or turn.attempt >= min(_MOST_SILENT, self.most_attempts):
            return self._give_up(turn, messages, f"it said nothing: {error}")
        self._undo(turn, messages)
        raise self._tried_again(turn, error, _RETRY_S) from None

    def _failed(self, turn: Turn, messages: Sequence[Incoming], error: Exception) -> Answered:
        # The error's own words stay out of the log: they may quote the customer.
        log.error(
            "graph_failed",
            turn=turn.number,
            attempt=turn.attempt,
            error=type(error).__name__,
            where=safe_traceback(error),
            **({"words": str(error)} if self.shows_errors else {}),
        )
        kind = trouble(error)
        # What was given up before may be what it refuses: the last attempt does without.
        if kind == "for ever" and not any(incoming.load(each).by == "unanswered" for each in turn.earlier):
            return self._give_up(turn, messages, f"it will fail the same way again: {named(error)}")
        if kind == "away" and turn.away_s < self.away_s:
            # It counts as no attempt, and the customer sees nothing but that the bot is typing.
            delay_s = min(_MOST_AWAY_S, max(_RETRY_S, turn.away_s)) * random.uniform(1, 1.25)
            raise self._tried_again(turn, error, delay_s, is_away=True) from None
        if turn.attempt >= self.most_attempts or kind == "away":
            return self._give_up(turn, messages, f"the graph failed: {named(error)}")
        raise self._tried_again(turn, error, _RETRY_S * 2 ** (turn.attempt - 1)) from None

    def _tried_again(self, turn: Turn, error: Exception, delay_s: float, *, is_away: bool = False) -> GraphFailed:
        self.mailbox.release(turn, delay_s=delay_s, counts=not is_away, away=is_away)
        count(Counted.RETRIES, "thinking")
        return GraphFailed(type(error).__name__, delay_s)

    def _undo(self, turn: Turn, messages: Sequence[Incoming]) -> Sequence[str]:
        """Undo it in the memory. Returns what nobody can undo, for people."""
        try:
            acted = self.bridge.acted(turn, messages)
            with failpoints.around("undo"):
                self.bridge.undo(turn, messages)
            return acted
        except MemoryAway as error:
            raise self._put_off(turn, error) from None

    def _give_up(self, turn: Turn, messages: Sequence[Incoming], reason: str) -> Answered:
        now = time.time()
        key = name_of(turn, messages)
        content = json.dumps(turn.messages, ensure_ascii=False)
        letter = DeadLetter(
            conversation_id=turn.conversation_id,
            what=THINKING,
            reason=reason,
            attempts=turn.attempt,
            at=now,
            content=content,
            after=_newest(messages),
        )
        acted = self._undo(turn, messages)
        note = " ".join([f"The bot could not answer ({reason}). Please take over.", *acted])
        alert = actions.alert(key, note, now, _customer(messages))
        following = self.mailbox.commit(
            turn,
            [actions.dump(action) for action in alert],
            dead_letter=letter.recorded_as(key),
            has_learnt=False,
            given_up={each.id: incoming.dump(replace(each, by="unanswered")) for each in messages},
        )
        count(Counted.DEAD_LETTERS, THINKING)
        log.error("turn_given_up", turn=turn.number, attempts=turn.attempt, reason=reason)
        return Answered(turn.number, following)

    def _what_ended(self, turn: Turn) -> str:
        """The attempts of which nobody came back to say it."""
        overran = f"it took longer than {self.holdings.hard_limit_s:g} s"
        if turn.overran == 0:
            return "the worker died each time"
        return f"{overran} each time" if turn.overran >= self.most_attempts else f"{overran}, or the worker died"

    def _lapse(self, awaits: str) -> Lapse:
        """What people are told where they have said nothing to what the turn of this name has asked them."""
        hours = self.decision_hours
        if not awaits or not hours:
            return NO_LAPSE
        due_at = time.time() + hours * 3600
        note = actions.note_to_team(f"{awaits}.lapsed", f"Nobody has decided within {hours:g} h. {_LAPSED}", due_at)
        return Lapse(hours * 3600, actions.dump(note))


def name_of(turn: Turn, messages: Sequence[Incoming]) -> str:
    """Names the turn wherever and however often it is answered, for ever: by the last message that it answers.

    And by the edits, of messages that earlier turns have answered.
    """
    if not messages:
        return f"{turn.resumes}.on"
    return ".".join([f"m{messages[-1].id}", *(each.edit for each in messages if each.edit)])


def _newest(messages: Sequence[Incoming]) -> int | None:
    return messages[-1].id if messages else None


def _customer(messages: Sequence[Incoming]) -> Customer | None:
    """Who wrote, as far as a webhook told us."""
    for each in reversed(messages):
        if each.contact_id and each.inbox_id:
            return Customer(each.contact_id, each.inbox_id, each.contact_source_id)
    return None
