"""A mailbox without Redis: what `tasks.mailbox.Mailbox` promises, in plain Python, on a clock that is moved by hand.

It is a model, simple enough to be believed: tests/integration/tasks/test_mailbox.py holds it to the same tests as the
real one, and test_mailbox_machine.py asks both the same questions and compares every answer.
It forgets nothing (the real one does, after seven days), and has no names of keys to tell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

from tasks.mailbox import (
    NO_DEAD_LETTER,
    Accepted,
    DeadLetter,
    NoSuchDeadLetter,
    Ring,
    Send,
    Sending,
    Timing,
    Turn,
    TurnLost,
    Wait,
)

MOST_MESSAGES_IN_A_TURN = 50
_SAME_SOURCE_S = 600.0
_ids = count(1)


@dataclass
class Conversation:
    """All that is known of one conversation. Times are the fake clock's seconds."""

    stage: Literal["idle", "queued", "thinking", "replying"] = "idle"
    bell: str = ""
    token: str = ""
    deadline: float = 0
    """When the watchdog is to look. Without meaning while idle."""
    rings: int = 0
    """How often the watchdog has looked in vain."""

    waiting: dict[int, str] = field(default_factory=dict)
    first_at: float = 0
    quiet_until: float = 0
    batch: list[int] = field(default_factory=list)
    turn: int = 0
    attempts: int = 0

    outbox: list[str] = field(default_factory=list)
    tries: int = 0
    not_before: float = 0
    doubt_until: float = 0
    still_in_doubt: float = 0

    messages: set[int] = field(default_factory=set)
    sources: dict[str, float] = field(default_factory=dict)
    posted: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    letters: dict[str, str] = field(default_factory=dict)


@dataclass
class Memory:
    """What several fake mailboxes share, as the real ones share Redis."""

    now: float = 0
    conversations: dict[int, Conversation] = field(default_factory=lambda: defaultdict(Conversation))


class FakeMailbox:
    """`tasks.mailbox.Mailbox` on a `Memory`."""

    def __init__(self, memory: Memory, *, timing: Timing | None = None, owner: str = "") -> None:
        self._memory = memory
        self._timing = timing or Timing()
        self.owner = owner

    # -- coming in

    def accept(self, conversation_id: int, message_id: int, message: str, *, source_id: str | None = None) -> Accepted:
        it = self._of(conversation_id)
        if message_id in it.messages:
            return Accepted(False, None)
        it.messages.add(message_id)
        if source_id:
            if self._now - it.sources.get(source_id, float("-inf")) < _SAME_SOURCE_S:
                return Accepted(False, None)
            it.sources[source_id] = self._now
        if not it.waiting:
            it.first_at = self._now
        it.waiting[message_id] = message
        latest = max(self._now, it.first_at + self._timing.most_quiet_s)
        it.quiet_until = min(self._now + self._timing.quiet_s, latest)
        if it.stage != "idle":
            return Accepted(True, None)
        following = self._go_on(it)
        assert isinstance(following, Ring)
        return Accepted(True, following)

    def post(self, conversation_id: int, key: str, act: str) -> None:
        it = self._of(conversation_id)
        if key in it.posted:
            return
        it.posted.add(key)
        it.outbox.append(act)
        if it.stage in ("idle", "queued"):
            self._go_on(it)

    def saw(self, conversation_id: int, key: str) -> None:
        self._of(conversation_id).sent.add(key)

    def was_seen(self, conversation_id: int, key: str) -> bool:
        return key in self._of(conversation_id).sent

    # -- thinking

    def claim(self, conversation_id: int, bell: str) -> Turn | Wait | None:
        it = self._of(conversation_id)
        if it.stage != "queued" or it.bell != bell:
            return None
        if it.quiet_until > self._now:
            return Wait(it.quiet_until - self._now)
        if not it.batch:
            it.batch = sorted(it.waiting)[:MOST_MESSAGES_IN_A_TURN]
            it.turn += 1
            it.attempts = 0
        it.attempts += 1
        it.stage, it.token, it.rings = "thinking", self._token(), 0
        self._watch(it, self._timing.lease_s)
        return Turn(conversation_id, it.turn, it.attempts, it.token, tuple(it.waiting[id] for id in it.batch))

    def commit(
        self, turn: Turn, acts: Sequence[str], *, dead_letter: DeadLetter = NO_DEAD_LETTER
    ) -> Ring | Send | None:
        it = self._held(turn, "thinking")
        for id in it.batch:
            del it.waiting[id]
        it.batch = []
        it.outbox += acts
        self._bury(it, dead_letter)
        return self._go_on(it)

    # -- sending

    def begin_sending(self, conversation_id: int) -> Sending | None:
        it = self._of(conversation_id)
        if it.stage != "replying" or it.not_before > self._now:
            return None
        if it.token and it.deadline > self._now:
            return None
        it.tries += 1
        it.token, it.rings = self._token(), 0
        it.still_in_doubt = max(0.0, it.doubt_until - self._now)
        it.doubt_until = self._now + self._timing.doubt_s
        self._watch(it, self._timing.lease_s)
        return Sending(conversation_id, it.outbox[0], it.tries, it.token, it.still_in_doubt)

    def settle(
        self, sending: Sending, *, dead_letter: DeadLetter = NO_DEAD_LETTER, besides: Sequence[str] = ()
    ) -> Sending | Ring | None:
        it = self._held(sending, "replying")
        it.outbox = [*it.outbox[1:], *besides]
        self._bury(it, dead_letter)
        if it.outbox:
            it.tries, it.not_before, it.doubt_until = 1, 0, self._now + self._timing.doubt_s
            self._watch(it, self._timing.lease_s)
            return Sending(sending.conversation_id, it.outbox[0], 1, it.token)
        following = self._go_on(it)
        return following if isinstance(following, Ring) else None

    # -- both

    def release(self, held: Turn | Sending, *, delay_s: float, decided: bool = True) -> None:
        it = self._of(held.conversation_id)
        if it.token != held.token:
            return
        if it.stage == "thinking":
            it.stage, it.quiet_until = "queued", self._now + delay_s
        it.token, it.not_before = "", self._now + delay_s
        if decided:
            it.doubt_until = 0
        self._watch(it, delay_s + self._timing.grace_s)

    def extend(self, conversation_id: int, token: str) -> bool:
        it = self._of(conversation_id)
        if not token or it.token != token:
            return False
        self._watch(it, self._timing.lease_s)
        return True

    # -- recovery

    def overdue(self) -> Iterator[int]:
        return (id for id in self.unfinished() if self._of(id).deadline <= self._now)

    def revive(self, conversation_id: int) -> Ring | Send | None:
        it = self._of(conversation_id)
        is_overdue = it.stage != "idle" and it.deadline <= self._now
        return self._take_up(it) if is_overdue else None

    def inherit(self, conversation_id: int, holder: str) -> Ring | Send | None:
        it = self._of(conversation_id)
        return self._take_up(it) if it.token.startswith(f"{holder}/") else None

    def unfinished(self) -> Iterator[int]:
        return iter([id for id, it in self._memory.conversations.items() if it.stage != "idle"])

    # -- dead letters

    def dead_letters(self) -> Iterator[DeadLetter]:
        for it in self._memory.conversations.values():
            yield from (DeadLetter(id, record) for id, record in it.letters.items())

    def exhume_messages(self, conversation_id: int, id: str, messages: Mapping[int, str]) -> Ring | Send | None:
        it = self._unburied(conversation_id, id)
        it.waiting.update(messages)
        return None if it.stage in ("thinking", "replying") else self._go_on(it)

    def exhume_act(self, conversation_id: int, id: str, act: str) -> Ring | Send | None:
        it = self._unburied(conversation_id, id)
        it.outbox.append(act)
        return None if it.stage in ("thinking", "replying") else self._go_on(it)

    def discard(self, conversation_id: int, id: str) -> bool:
        return self._of(conversation_id).letters.pop(id, None) is not None

    # -- inside

    def ping(self) -> None:
        """It is always there."""

    @property
    def _now(self) -> float:
        return self._memory.now

    def _of(self, conversation_id: int) -> Conversation:
        return self._memory.conversations[conversation_id]

    def _held(self, held: Turn | Sending, stage: str) -> Conversation:
        it = self._of(held.conversation_id)
        if it.stage != stage or it.token != held.token:
            raise TurnLost(held.conversation_id)
        return it

    def _unburied(self, conversation_id: int, id: str) -> Conversation:
        it = self._of(conversation_id)
        if it.letters.pop(id, None) is None:
            raise NoSuchDeadLetter(id)
        return it

    def _go_on(self, it: Conversation) -> Ring | Send | None:
        """A stage has ended: send what is to be sent, else queue what waits, else be idle."""
        it.token, it.rings = "", 0
        if it.outbox:
            it.stage, it.tries, it.not_before, it.doubt_until = "replying", 0, 0, 0
            self._watch(it, self._timing.grace_s)
            return Send()
        if it.waiting:
            it.stage, it.bell = "queued", f"bell {next(_ids)}"
            delay_s = max(0.0, it.quiet_until - self._now)
            self._watch(it, delay_s + self._timing.grace_s)
            return Ring(it.bell, delay_s)
        it.stage, it.bell = "idle", ""
        return None

    def _take_up(self, it: Conversation) -> Ring | Send:
        """Free it of its holder, and look again after a while, each time later."""
        it.rings += 1
        it.token = ""
        self._watch(it, min(self._timing.grace_s * 2**it.rings, self._timing.most_grace_s))
        if it.stage == "replying":
            return Send()
        it.stage = "queued"
        return Ring(it.bell, 0)

    def _watch(self, it: Conversation, seconds: float) -> None:
        it.deadline = self._now + seconds

    def _bury(self, it: Conversation, letter: DeadLetter) -> None:
        if letter.id:
            it.letters[letter.id] = letter.record

    def _token(self) -> str:
        return f"{self.owner}/{next(_ids)}"
