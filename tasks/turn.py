"""Answer one conversation's turn: claim it, think, record what is wanted. No Celery here."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from graph.outcome import Outcome, Reply
from tasks import acts, crash_points, incoming
from tasks.acts import Act, Post
from tasks.dead_letters import THINKING, Grave, bury
from tasks.incoming import Incoming
from tasks.mailbox import Mailbox, Ring, Send, Turn, TurnLost, Wait
from tasks.quiet import places
from tasks.recovery import Holdings

log = structlog.get_logger()

Think = Callable[[Turn, Sequence[Incoming]], Outcome]
"""Raises whatever a graph may raise; `tasks.mailbox.TurnLost` where another worker has the turn by now."""

_RETRY_S = 2.0


class GraphFailed(Exception):
    """The graph raised. Its turn was given back; it may be claimed again after `retry_s`."""

    def __init__(self, error_name: str, retry_s: float) -> None:
        super().__init__(error_name)
        self.retry_s = retry_s


@dataclass(frozen=True)
class Answered:
    """A turn that ended: its number, and what is next."""

    turn: int
    next: Ring | Send | None


@dataclass(frozen=True)
class Answering:
    """How turns are answered in this process."""

    mailbox: Mailbox
    holdings: Holdings
    think: Think
    most_attempts: int
    most_turns_per_hour: int = 0
    """Two machines that talk to each other do not end by themselves. 0: no limit."""

    def answer(self, conversation_id: int, bell: str) -> Answered | Wait | None:
        """Answer all that waits in the conversation; None where the doorbell is stale. Safe to repeat.

        Raises:
            GraphFailed: to be tried again.
            TurnLost: another worker has the turn by now.
        """
        claimed = self.mailbox.claim(conversation_id, bell)
        if not isinstance(claimed, Turn):
            return claimed
        with self.holdings.hold(claimed):
            return self._answer(claimed)

    def _answer(self, turn: Turn) -> Answered:
        started = time.monotonic()
        messages = [incoming.load(message) for message in turn.messages]
        if 0 < self.most_turns_per_hour < turn.turns_this_hour:
            return self._break_the_loop(turn, messages)
        if turn.attempt > self.most_attempts:
            return self._give_up(turn, messages, "the worker died each time")
        try:
            with crash_points.around("think"):
                outcome = self.think(turn, messages)
        except TurnLost:
            raise
        except Exception as error:  # noqa: BLE001 - a graph is a user's code and may raise anything
            return self._failed(turn, messages, error)
        wanted = _acts(outcome, messages)
        following = self.mailbox.commit(turn, [acts.dump(act) for act in wanted])
        log.info(
            "turn_answered",
            turn=turn.number,
            attempt=turn.attempt,
            messages=len(messages),
            acts=len(wanted),
            seconds=round(time.monotonic() - started, 3),
        )
        return Answered(turn.number, following)

    def _failed(self, turn: Turn, messages: Sequence[Incoming], error: Exception) -> Answered:
        # The error's own words stay out of the log: they may quote the customer.
        log.error(
            "graph_failed",
            turn=turn.number,
            attempt=turn.attempt,
            error=type(error).__name__,
            where=places(error),
        )
        if turn.attempt >= self.most_attempts:
            return self._give_up(turn, messages, f"the graph failed: {type(error).__name__}")
        delay_s = _RETRY_S * 2 ** (turn.attempt - 1)
        self.mailbox.release(turn, delay_s=delay_s)
        raise GraphFailed(type(error).__name__, delay_s) from None

    def _break_the_loop(self, turn: Turn, messages: Sequence[Incoming]) -> Answered:
        reason = f"{self.most_turns_per_hour} answers in an hour: perhaps two machines talk to each other"
        alert = acts.alert(name_of(messages), f"The bot stops: {reason}. Please take over.", time.time())
        log.error("loop_broken", turn=turn.number, turns_this_hour=turn.turns_this_hour)
        return Answered(turn.number, self.mailbox.commit(turn, [acts.dump(act) for act in alert]))

    def _give_up(self, turn: Turn, messages: Sequence[Incoming], reason: str) -> Answered:
        now = time.time()
        key = name_of(messages)
        content = json.dumps(turn.messages, ensure_ascii=False)
        grave = Grave(turn.conversation_id, THINKING, reason, turn.attempt, now, content)
        alert = acts.alert(key, f"The bot could not answer ({reason}). Please take over.", now)
        following = self.mailbox.commit(turn, [acts.dump(act) for act in alert], dead_letter=bury(key, grave))
        log.error("turn_given_up", turn=turn.number, attempts=turn.attempt, reason=reason)
        return Answered(turn.number, following)


def name_of(messages: Sequence[Incoming]) -> str:
    """Names the turn wherever and however often it is answered, for ever: by the last message that it answers."""
    return f"m{messages[-1].id}" if messages else "m0"


def _acts(outcome: Outcome, messages: Sequence[Incoming]) -> list[Act]:
    """What the graph wants, as acts in Chatwoot."""
    now = time.time()
    wanted: list[Act] = []
    for part, want in enumerate(outcome):
        key = f"{name_of(messages)}.{part}"
        if isinstance(want, Reply):
            wanted.append(Post(key=key, content=want.text, asked_at=now, answers=tuple(each.id for each in messages)))
        else:
            wanted += acts.alert(key, want.reason, now)
    return wanted
