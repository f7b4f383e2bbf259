"""What is going to happen in one conversation: when its customer writes, and what people do. All by one chance."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from tests.people.timeline import Doing

MARTA, PABLO = "Marta", "Pablo"
"""The administrator and the agent: Chatwoot assigns a conversation to the agent who opens it."""

EPISODES: tuple[tuple[Doing, ...], ...] = (
    (Doing.ASSIGN, Doing.UNASSIGN),
    (Doing.ASSIGN, Doing.WRITE, Doing.HAND_BACK),
    (Doing.OPEN, Doing.SET_PENDING),
    (Doing.OPEN, Doing.ASSIGN, Doing.SET_PENDING),
    (Doing.OPEN, Doing.WRITE, Doing.SET_PENDING),
    (Doing.WRITE, Doing.HAND_BACK),
    (Doing.PAUSE, Doing.HAND_BACK),
    (Doing.RESOLVE,),
    (Doing.OPEN, Doing.WRITE, Doing.RESOLVE),
)
"""How people take a conversation, and what they do when they are done with it."""
_BACK = (Doing.UNASSIGN, Doing.SET_PENDING, Doing.HAND_BACK)


@dataclass(frozen=True)
class Step:
    after_s: float
    """So long after what was before it, or after the beginning."""
    doing: Doing
    who: str
    whom: str | None = None
    """Who is assigned."""


@dataclass(frozen=True)
class Plan:
    writes: tuple[float, ...]
    """How long the customer waits before each message."""
    steps: tuple[Step, ...]


def plan(chance: random.Random, acting_s: float) -> Plan:
    """For about so long: people's calls take time of their own."""
    return Plan(tuple(_writes(chance, acting_s)), tuple(_steps(chance, acting_s)))


def _writes(chance: random.Random, acting_s: float) -> Iterator[float]:
    """Every four seconds or so, some right after the one before."""
    left_s = acting_s
    while left_s > 0:
        after_s = chance.uniform(0.1, 0.5) if chance.random() < 0.25 else chance.uniform(1, 9)
        left_s -= after_s
        yield after_s


def _steps(chance: random.Random, acting_s: float) -> Iterator[Step]:
    """One episode after the other, with time for the bot between them."""
    left_s, assigned = acting_s, None
    while left_s > 0:
        after_s = chance.uniform(2, 10)
        for doing in chance.choice(EPISODES):
            who = chance.choice((MARTA, PABLO))
            if doing in _BACK:
                after_s = chance.uniform(1, 8)
            # To assign somebody who is assigned already is nothing.
            whom = chance.choice([name for name in (MARTA, PABLO) if name != assigned])
            yield Step(after_s, doing, who, whom if doing is Doing.ASSIGN else None)
            left_s -= after_s + 1
            after_s = chance.uniform(0, 2)
            assigned = _assigned(assigned, doing, who, whom)


def _assigned(before: str | None, doing: Doing, who: str, whom: str) -> str | None:
    if doing is Doing.ASSIGN:
        return whom
    if doing is Doing.OPEN and who == PABLO:
        return PABLO
    return None if doing in (Doing.UNASSIGN, Doing.HAND_BACK) else before
