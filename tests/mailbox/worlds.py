"""Worlds for the mailbox machine: a real Redis, the fake, and both side by side.

In each of them time stands still until it is told to pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any, Protocol

import redis

from tasks.mailbox import (
    Accepted,
    Figures,
    LeftToPeople,
    Mailbox,
    NoSuchDeadLetter,
    NotYet,
    Sending,
    Timing,
    Turn,
    TurnLost,
    WakeThinker,
)
from tests.fakes import FakeMailbox, Memory

UNIT_S = 700.0
"""All waiting is in multiples of this: what a test really takes is rounded away. Two of a channel's deliveries with one
source_id are one message within 600 s."""


@dataclass(frozen=True)
class Inside:
    """What is to be seen of a conversation from inside."""

    stage: str
    bell: str
    token: str
    waiting: tuple[int, ...]
    meanwhile: tuple[int, ...]
    outbox: tuple[str, ...]
    due_in_s: float | None
    """None: no watchdog looks at it."""


class World(Protocol):
    def open(self, owner: str, timing: Timing) -> Any:
        """A mailbox as one worker has it: `Mailbox`, or what answers as it does."""

    def inside(self, conversation_id: int) -> Inside: ...

    def pass_time(self, seconds: float) -> None: ...

    def close(self) -> None: ...


def rounded(seconds: float) -> float:
    return round(seconds / UNIT_S) * UNIT_S


@dataclass
class FakeWorld:
    memory: Memory = field(default_factory=Memory)

    def open(self, owner: str, timing: Timing) -> FakeMailbox:
        return FakeMailbox(self.memory, timing=timing, owner=owner)

    def inside(self, conversation_id: int) -> Inside:
        it = self.memory.conversations[conversation_id]
        is_watched = it.stage != "idle" or it.later
        due_in_s = it.deadline - self.memory.now if is_watched else None
        waiting, meanwhile = tuple(sorted(it.waiting)), tuple(map(ceil, sorted(it.meanwhile)))
        return Inside(it.stage, it.bell, it.token, waiting, meanwhile, tuple(it.outbox), due_in_s)

    def pass_time(self, seconds: float) -> None:
        self.memory.now += seconds

    def close(self) -> None:
        """Nothing is held."""


@dataclass
class RedisWorld:
    """An account of its own in a real Redis, whose clock is not ours: what it remembers is moved into the past."""

    client: redis.Redis
    account_id: int

    def open(self, owner: str, timing: Timing) -> Mailbox:
        return Mailbox(self.client, account_id=self.account_id, timing=timing, owner=owner, shards=2)

    def inside(self, conversation_id: int) -> Inside:
        state = self.open("", Timing()).state_key(conversation_id)
        own, shard = state.removesuffix("state"), state.rsplit(":", 2)[0]
        with self.client.pipeline() as pipe:
            pipe.hmget(state, "stage", "bell", "token")
            pipe.zrange(f"{own}waiting", 0, -1, withscores=True)
            pipe.zrange(f"{own}meanwhile", 0, -1, withscores=True)
            pipe.lrange(f"{own}outbox", 0, -1)
            pipe.zscore(f"{shard}:due", str(conversation_id))
            pipe.time()
            (stage, bell, token), waiting, meanwhile, outbox, due, (seconds, microseconds) = pipe.execute()
        due_in_s = None if due is None else rounded(due / 1000 - seconds - microseconds / 1e6)
        held = (stage or "idle", bell or "", token or "")
        return Inside(*held, _ids(waiting), _ids(meanwhile), tuple(outbox), due_in_s)

    def pass_time(self, seconds: float) -> None:
        ms = int(seconds * 1000)
        with self.client.pipeline() as pipe:
            for key in self._keys("state"):
                # A number so large is a time in milliseconds; nothing is counted as far as that.
                times = {name: value for name, value in self.client.hgetall(key).items() if _is_time(str(value))}
                for name in times:
                    pipe.hincrby(key, name, -ms)
            for key in [each for kind in ("due", "seen", "later", "unanswered") for each in self._keys(kind)]:
                for member in self.client.zrange(key, 0, -1):
                    pipe.zincrby(key, -ms, str(member))
            pipe.execute()

    def close(self) -> None:
        keys = self._keys("")
        immortal = [key for key in keys if self.client.ttl(key) == -1]
        if keys:
            self.client.delete(*keys)
        assert not immortal, f"keys that never expire: {immortal}"

    def _keys(self, kind: str) -> list[str]:
        return list(map(str, self.client.keys(f"contesta:*:{self.account_id}:*{kind}")))


def _ids(scored: list[tuple[str, float]]) -> tuple[int, ...]:
    return tuple(int(id) for _, id in scored)


def _is_time(value: str) -> bool:
    return value.isdigit() and int(value) > 10**12


class BothWorlds:
    """The real and the fake: asked the same, they must answer the same. Speaks the real one's bells and tokens."""

    def __init__(self, real: RedisWorld) -> None:
        self._real = real
        self._fake = FakeWorld()
        self._names = Names()

    def open(self, owner: str, timing: Timing) -> BothMailboxes:
        return BothMailboxes(self._real.open(owner, timing), self._fake.open(owner, timing), self._names)

    def inside(self, conversation_id: int) -> Inside:
        real = self._real.inside(conversation_id)
        translated, fake = self._names.translated(real), self._fake.inside(conversation_id)
        assert translated == fake, (translated, fake)
        return real

    def pass_time(self, seconds: float) -> None:
        self._real.pass_time(seconds)
        self._fake.pass_time(seconds)

    def close(self) -> None:
        self._real.close()


@dataclass
class BothMailboxes:
    real: Mailbox
    fake: FakeMailbox
    names: Names

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def ask(*args: Any, **kwargs: Any) -> Any:
            answer, error = _outcome(getattr(self.real, name), *args, **kwargs)
            expected, fake_error = _outcome(getattr(self.fake, name), *map(self.names.translated, args), **kwargs)
            expected = _in_the_same_hour(expected, answer)
            self.names.learn(answer, expected)
            translated = self.names.translated(answer)
            assert (translated, repr(error)) == (expected, repr(fake_error)), (name, args, translated, expected)
            if error is not None:
                raise error
            return answer

        return ask


def _in_the_same_hour(expected: Any, answer: Any) -> Any:
    """Redis' own clock says what an hour is, and time does not really pass."""
    match expected, answer:
        case Turn(), Turn():
            return replace(expected, turns_this_hour=answer.turns_this_hour)
        case (Turn() as heard, int() as unknown), (Turn() as really, int()):
            return replace(heard, turns_this_hour=really.turns_this_hour), unknown
    return expected


def _outcome(method: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, Exception | None]:
    """What it returns, and what it raises."""
    try:
        answer = method(*args, **kwargs)
    except (NoSuchDeadLetter, TurnLost) as error:
        return None, error
    return sorted(answer, key=repr) if isinstance(answer, Iterator) else answer, None


class Names:
    """The fake's words for the real one's bells and tokens."""

    def __init__(self) -> None:
        self._fakes = {"": ""}

    def learn(self, real: Any, fake: Any) -> None:
        if _name(real) and _name(fake):
            self._fakes.setdefault(_name(real), _name(fake))

    def translated(self, what: Any) -> Any:
        match what:
            case str():
                return self._fakes.get(what, what)
            case float():
                return rounded(what)
            case WakeThinker():
                return replace(what, bell=self._fakes[what.bell], delay_s=rounded(what.delay_s))
            case Accepted(doorbell=WakeThinker() as doorbell):
                return replace(what, doorbell=self.translated(doorbell))
            case LeftToPeople(next=WakeThinker() as doorbell):
                return LeftToPeople(self.translated(doorbell))
            case (Turn() | LeftToPeople() as heard, int() as unknown):
                return self.translated(heard), unknown
            case NotYet():
                return NotYet(rounded(what.seconds))
            case Turn():
                return replace(what, token=self._fakes[what.token], away_s=rounded(what.away_s))
            case Sending():
                way = what.on_its_way
                way = way and replace(way, seconds=rounded(way.seconds))
                asked_s = what.asked_s if what.asked_s is None else rounded(what.asked_s)
                token, doubt_s = self._fakes[what.token], rounded(what.doubt_s)
                return replace(what, token=token, doubt_s=doubt_s, on_its_way=way, asked_s=asked_s)
            case Figures():
                return replace(what, overdue_s=rounded(what.overdue_s), unanswered_s=rounded(what.unanswered_s))
            case Inside():
                return replace(what, bell=self._fakes[what.bell], token=self._fakes[what.token])
            case _:
                return what


def _name(what: Any) -> str:
    match what:
        case WakeThinker():
            return what.bell
        case Accepted(doorbell=WakeThinker() as doorbell):
            return doorbell.bell
        case (LeftToPeople(next=WakeThinker() as doorbell), int()):
            return doorbell.bell
        case Turn() | Sending():
            return what.token
        case _:
            return ""
