"""A mailbox without Redis: what `tasks.mailbox.Mailbox` promises, in plain Python, on a clock that is moved by hand.

It is a model, simple enough to be believed: tests/integration/tasks/test_mailbox.py holds it to the same tests as the
real one, and test_mailbox_machine.py asks both the same questions and compares every answer.
It forgets nothing (the real one does, after seven days), and has no names of keys to tell.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

from tasks.mailbox import (
    NO_DEAD_LETTER,
    Accepted,
    DeadLetterRecord,
    Figures,
    NoSuchDeadLetter,
    NotYet,
    Sending,
    Timing,
    Turn,
    TurnLost,
    WakeSender,
    WakeThinker,
)

MOST_MESSAGES_IN_A_TURN = 50
_MOST_REMEMBERED = 50
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
    batch: list[int] | None = None
    """Of the turn at hand; it may be empty. None: not chosen yet."""
    turn: int = 0
    attempts: int = 0
    hours: list[int] = field(default_factory=list)
    """In which hour each turn began."""

    owned_by_human: bool | None = None
    """None: nobody has ever taken it, or given it back."""
    acted_at: float = 0
    takeover_evidence: str = ""
    meanwhile: dict[int, str] = field(default_factory=dict)
    awaits: str = ""
    resume: bool = False
    """People have given it back to a graph that waits for them."""
    told: list[int] = field(default_factory=list)
    """What of it the turn at hand was told."""

    outbox: list[str] = field(default_factory=list)
    later: dict[tuple[str, int | None], float] = field(default_factory=dict)
    """What is put off (and the id of a message: not if the customer has written a newer one), by when it is due."""
    newest: int = 0
    customer_at: float = 0
    """Of when the newest snapshot is that came with a customer's message."""
    over: bool = False
    """People have ended the conversation while a turn was under way."""
    awaiting_reply: dict[int, str] = field(default_factory=dict)
    """What was answered, until the answer is posted."""
    settled: int = 0
    tries: int = 0
    not_before: float = 0
    doubt_until: float = 0
    still_in_doubt: float = 0

    messages: set[int] = field(default_factory=set)
    marks: set[str] = field(default_factory=set)
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

    def accept(
        self,
        conversation_id: int,
        message_id: int,
        message: str,
        *,
        source_id: str | None = None,
        takeover_evidence: str = "",
        at: float = 0,
    ) -> Accepted:
        it = self._of(conversation_id)
        is_new = message_id not in it.messages
        if is_new:
            it.messages.add(message_id)
            it.newest = max(it.newest, message_id)
            it.customer_at = max(it.customer_at, at)
        if is_new and source_id:
            if self._now - it.sources.get(source_id, float("-inf")) < _SAME_SOURCE_S:
                return Accepted(False, None)
            it.sources[source_id] = self._now
        was_theirs = it.owned_by_human
        is_theirs = self._is_theirs(it, takeover_evidence, at)
        if not is_new:
            following = self._go_on(it) if was_theirs and not is_theirs and it.stage == "idle" else None
            return Accepted(False, following if isinstance(following, WakeThinker) else None)
        if is_theirs:
            self._remember(it, message_id, message)
            return Accepted(True, None)
        if not it.waiting:
            it.first_at = self._now
        it.waiting[message_id] = message
        latest = max(self._now, it.first_at + self._timing.most_quiet_s)
        it.quiet_until = min(self._now + self._timing.quiet_s, latest)
        following = self._go_on(it) if it.stage == "idle" else None
        return Accepted(True, following if isinstance(following, WakeThinker) else None)

    # -- people

    def human_took_over(
        self, conversation_id: int, *, at: float, takeover_evidence: str = "", message: tuple[int, str] | None = None
    ) -> None:
        it = self._of(conversation_id)
        if message is not None:
            if message[0] in it.messages:
                return
            it.messages.add(message[0])
            self._remember(it, *message)
        if not self._is_newer(it, at):
            return
        it.owned_by_human, it.takeover_evidence = True, takeover_evidence
        if it.stage == "queued":
            self._go_on(it)

    def handed_back(
        self, conversation_id: int, *, at: float, takeover_evidence: str = "", to_be_answered: bool = True
    ) -> WakeThinker | WakeSender | None:
        it = self._of(conversation_id)
        if not self._is_newer(it, at):
            return None
        is_under_way = it.stage in ("thinking", "replying")
        it.over = it.over or (not to_be_answered and is_under_way and at > it.customer_at)
        if to_be_answered and it.owned_by_human:
            self._take_back(it)
            it.resume = bool(it.awaits)
        it.owned_by_human, it.takeover_evidence, it.hours = False, takeover_evidence, []
        return self._go_on(it) if it.stage == "idle" else None

    def is_owned_by_human(self, conversation_id: int) -> bool:
        return bool(self._of(conversation_id).owned_by_human)

    def forget_message(self, conversation_id: int, message_id: int, note: str) -> None:
        it = self._of(conversation_id)
        it.messages.add(message_id)
        it.waiting.pop(message_id, None)
        it.awaiting_reply = {} if message_id in it.awaiting_reply else it.awaiting_reply
        self._remember(it, message_id, note)
        if it.stage == "queued" and not it.waiting:
            it.batch, it.attempts = None, 0
            self._go_on(it)

    # -- coming in, from our side

    def enqueue(self, conversation_id: int, key: str, action: str) -> bool:
        it = self._of(conversation_id)
        if key in it.posted:
            return False
        it.posted.add(key)
        it.outbox.append(action)
        if it.stage in ("idle", "queued"):
            self._go_on(it)
        return True

    def schedule(
        self, conversation_id: int, key: str, action: str, *, delay_s: float, unless_newer_than: int | None = None
    ) -> None:
        it = self._of(conversation_id)
        if key in it.posted:
            return
        it.posted.add(key)
        it.later[action, unless_newer_than or None] = self._now + delay_s
        if it.stage == "idle":
            self._rest(it)

    def saw(self, conversation_id: int, key: str) -> None:
        self._of(conversation_id).sent.add(key)

    def is_done_with(self, conversation_id: int, message_id: int) -> bool:
        it = self._of(conversation_id)
        is_in_work = message_id in it.waiting or message_id in it.meanwhile or it.outbox
        return message_id in it.messages and not is_in_work and it.stage == "idle"

    # -- thinking

    def claim(self, conversation_id: int, bell: str) -> Turn | NotYet | None:
        it = self._of(conversation_id)
        if it.stage != "queued" or it.bell != bell:
            return None
        if it.owned_by_human:
            self._go_on(it)
            it.deadline = it.deadline if it.stage == "idle" else self._now
            return None
        if it.quiet_until > self._now:
            return NotYet(it.quiet_until - self._now)
        if it.batch is None:
            it.batch = sorted(it.waiting)[:MOST_MESSAGES_IN_A_TURN]
            it.turn += 1
            it.attempts = 0
            it.hours.append(self._hour)
        it.attempts += 1
        it.stage, it.token, it.rings = "thinking", self._token(), 0
        self._watch(it, self._timing.lease_s)
        it.told = sorted(it.meanwhile)
        messages = tuple(it.waiting[id] for id in it.batch if id in it.waiting)
        earlier = tuple(it.meanwhile[id] for id in it.told)
        this_hour = it.hours.count(self._hour)
        resumes = "" if it.batch else it.awaits
        return Turn(conversation_id, it.turn, it.attempts, it.token, messages, earlier, this_hour, resumes)

    def commit(
        self,
        turn: Turn,
        actions: Sequence[str],
        *,
        dead_letter: DeadLetterRecord = NO_DEAD_LETTER,
        awaits: str = "",
        has_learnt: bool = True,
    ) -> WakeThinker | WakeSender | None:
        it = self._held(turn, "thinking")
        if has_learnt:
            it.meanwhile = {id: text for id, text in it.meanwhile.items() if id not in it.told}
        said = {id: it.waiting.pop(id) for id in it.batch or () if id in it.waiting}
        is_silenced = it.owned_by_human or it.over
        it.awaiting_reply = said if actions and not dead_letter.id and not is_silenced else {}
        for id in said if is_silenced else ():
            self._remember(it, id, said[id])
        it.batch, it.resume, it.awaits = None, False, awaits
        it.outbox += actions
        self._keep(it, dead_letter)
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
        self._watch(it, self._timing.lease_s)
        return self._sending(conversation_id, it)

    def settle(
        self,
        sending: Sending,
        *,
        dead_letter: DeadLetterRecord = NO_DEAD_LETTER,
        besides: Sequence[str] = (),
        answer: Literal["posted", "suppressed", ""] = "",
    ) -> Sending | WakeThinker | None:
        it = self._held(sending, "replying")
        if sending.number == it.settled:
            for id in it.awaiting_reply if answer == "suppressed" else ():
                self._remember(it, id, it.awaiting_reply[id])
            it.awaiting_reply = {} if answer else it.awaiting_reply
            it.outbox = [*it.outbox[1:], *besides]
            it.settled += 1
            self._keep(it, dead_letter)
        if it.outbox:
            it.tries, it.not_before, it.still_in_doubt, it.doubt_until = 1, 0, 0, 0
            self._watch(it, self._timing.lease_s)
            return self._sending(sending.conversation_id, it)
        following = self._go_on(it)
        return following if isinstance(following, WakeThinker) else None

    def confirm(self, sending: Sending) -> bool:
        it = self._held(sending, "replying")
        it.doubt_until = self._now + self._timing.doubt_s
        self._watch(it, self._timing.lease_s)
        return bool(it.owned_by_human or it.over)

    # -- both

    def release(self, held: Turn | Sending, *, delay_s: float, decided: bool = True) -> WakeThinker | WakeSender | None:
        it = self._of(held.conversation_id)
        if it.token != held.token:
            return None
        it.token, it.not_before = "", self._now + delay_s
        it.doubt_until = self._now + max(0 if decided else self._timing.doubt_s, it.still_in_doubt)
        self._watch(it, delay_s + self._timing.grace_s)
        if it.stage == "replying":
            return WakeSender()
        it.stage, it.quiet_until = "queued", self._now + delay_s
        return WakeThinker(it.bell, 0)

    def defer(self, sending: Sending, *, delay_s: float) -> None:
        it = self._of(sending.conversation_id)
        if it.stage != "replying" or it.token != sending.token:
            return
        it.tries -= 1
        it.token, it.not_before = "", self._now + delay_s
        it.doubt_until = self._now + it.still_in_doubt if it.still_in_doubt else 0
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

    def reclaim_overdue(self, conversation_id: int) -> WakeThinker | WakeSender | None:
        it = self._of(conversation_id)
        is_overdue = self._is_watched(it) and it.deadline <= self._now
        return self._take_up(it) if is_overdue else None

    def reclaim_from_dead(self, conversation_id: int, holder: str) -> WakeThinker | WakeSender | None:
        it = self._of(conversation_id)
        return self._take_up(it) if it.token.startswith(f"{holder}/") else None

    def unfinished(self) -> Iterator[int]:
        return iter([id for id, it in self._memory.conversations.items() if self._is_watched(it)])

    def figures(self) -> Figures:
        unfinished = [self._of(id) for id in self.unfinished()]
        overdue_s = max([self._now - it.deadline for it in unfinished], default=0.0)
        letters = sum(len(it.letters) for it in self._memory.conversations.values())
        return Figures(letters, len(unfinished), max(0.0, overdue_s))

    # -- dead letters

    def dead_letters(self) -> Iterator[DeadLetterRecord]:
        for it in self._memory.conversations.values():
            yield from (DeadLetterRecord(id, record) for id, record in it.letters.items())

    def keep_dead_letter(self, conversation_id: int, letter: DeadLetterRecord, *, mark: str = "") -> bool:
        it = self._of(conversation_id)
        if mark and mark in it.marks:
            return False
        it.marks.add(mark)
        self._keep(it, letter)
        return True

    def forget(self, conversation_id: int, *, keep_reasons: bool = False) -> tuple[int, int, int, int]:
        it = self._memory.conversations.pop(conversation_id, Conversation())
        if keep_reasons:
            reasons = {id: _without_content(record) for id, record in it.letters.items()}
            self._of(conversation_id).letters = reasons
        records = sum(map(len, (it.messages, it.sources, it.posted, it.sent, it.marks - {""})))
        return len(it.waiting) + len(it.meanwhile), len(it.outbox) + len(it.later), records, len(it.letters)

    def requeue_messages(
        self, conversation_id: int, id: str, messages: Mapping[int, str]
    ) -> WakeThinker | WakeSender | None:
        it = self._unburied(conversation_id, id)
        it.owned_by_human, it.takeover_evidence = False, ""
        it.resume = it.resume or (not messages and bool(it.awaits))
        it.waiting.update(messages)
        return None if it.stage in ("thinking", "replying") else self._go_on(it)

    def requeue_action(self, conversation_id: int, id: str, action: str) -> WakeThinker | WakeSender | None:
        it = self._unburied(conversation_id, id)
        it.outbox.append(action)
        return None if it.stage in ("thinking", "replying") else self._go_on(it)

    def discard(self, conversation_id: int, id: str) -> bool:
        return self._of(conversation_id).letters.pop(id, None) is not None

    # -- inside

    def ping(self) -> None:
        """It is always there."""

    @property
    def _now(self) -> float:
        return self._memory.now

    @property
    def _hour(self) -> int:
        return int(self._now // 3600)

    def _of(self, conversation_id: int) -> Conversation:
        return self._memory.conversations[conversation_id]

    def _held(self, held: Turn | Sending, stage: str) -> Conversation:
        it = self._of(held.conversation_id)
        if it.stage != stage or it.token != held.token:
            raise TurnLost(held.conversation_id)
        return it

    def _sending(self, conversation_id: int, it: Conversation) -> Sending:
        action, owned_by_human = it.outbox[0], bool(it.owned_by_human or it.over)
        is_there = _key(action) in it.sent
        return Sending(
            conversation_id, action, it.tries, it.token, it.still_in_doubt, owned_by_human, it.settled, is_there
        )

    def _unburied(self, conversation_id: int, id: str) -> Conversation:
        it = self._of(conversation_id)
        if it.letters.pop(id, None) is None:
            raise NoSuchDeadLetter(id)
        return it

    def _take_back(self, it: Conversation) -> None:
        for id in sorted(it.meanwhile, reverse=True):
            by = json.loads(it.meanwhile[id])["by"]
            if by == "person":
                break
            if by == "customer":
                it.waiting[id] = it.meanwhile.pop(id)

    def _is_theirs(self, it: Conversation, takeover_evidence: str, at: float) -> bool:
        """Whether people have it, by what they did last, as far as we were told; a newer snapshot may know more."""
        was_shown = it.owned_by_human is False and set(takeover_evidence.split("+")) <= set(
            it.takeover_evidence.split("+")
        )
        if it.owned_by_human and it.takeover_evidence and not takeover_evidence and at > it.acted_at:
            it.owned_by_human, it.acted_at, it.takeover_evidence = False, at, ""
            self._take_back(it)
        elif not it.owned_by_human and takeover_evidence and at >= it.acted_at and not was_shown:
            it.owned_by_human, it.acted_at, it.takeover_evidence = True, at, takeover_evidence
        return bool(it.owned_by_human)

    def _is_newer(self, it: Conversation, at: float) -> bool:
        """Whether an action of people is to be believed: webhooks come unordered. 0: it is of this moment."""
        if at == 0:
            return True
        if at < it.acted_at:
            return False
        it.acted_at = at
        return True

    def _remember(self, it: Conversation, id: int, message: str) -> None:
        it.meanwhile[id] = message
        it.meanwhile = {each: it.meanwhile[each] for each in sorted(it.meanwhile)[-_MOST_REMEMBERED:]}

    def _go_on(self, it: Conversation) -> WakeThinker | WakeSender | None:
        """A stage has ended: send what is to be sent, else queue what waits, else be idle."""
        it.token, it.rings = "", 0
        if it.outbox:
            it.stage, it.tries, it.not_before, it.doubt_until = "replying", 0, 0, 0
            self._watch(it, self._timing.grace_s)
            return WakeSender()
        if it.owned_by_human:
            self._leave_to_people(it)
        it.over = False
        if it.waiting or it.resume:
            it.stage, it.bell = "queued", f"bell {next(_ids)}"
            delay_s = max(0.0, it.quiet_until - self._now)
            self._watch(it, delay_s + self._timing.grace_s)
            return WakeThinker(it.bell, delay_s)
        it.stage, it.bell = "idle", ""
        self._rest(it)
        return None

    def _is_watched(self, it: Conversation) -> bool:
        return it.stage != "idle" or bool(it.later)

    def _rest(self, it: Conversation) -> None:
        it.deadline = min(it.later.values(), default=0)

    def _bring_what_was_put_off(self, it: Conversation) -> None:
        for schedule in sorted(it.later, key=lambda each: it.later[each]):
            action, unless_newer_than = schedule
            if it.later[schedule] <= self._now:
                del it.later[schedule]
                it.outbox += [] if unless_newer_than and it.newest > unless_newer_than else [action]

    def _leave_to_people(self, it: Conversation) -> None:
        for id, message in it.waiting.items():
            self._remember(it, id, message)
        it.waiting, it.batch, it.attempts, it.resume = {}, None, 0, False

    def _take_up(self, it: Conversation) -> WakeThinker | WakeSender | None:
        """Free it of its holder, and look again after a while, each time later."""
        if it.stage == "idle":
            self._bring_what_was_put_off(it)
            return self._go_on(it)
        it.rings += 1
        it.token = ""
        self._watch(it, min(self._timing.grace_s * 2**it.rings, self._timing.most_grace_s))
        if it.stage == "replying":
            return WakeSender()
        it.stage = "queued"
        return WakeThinker(it.bell, 0)

    def _watch(self, it: Conversation, seconds: float) -> None:
        it.deadline = self._now + seconds

    def _keep(self, it: Conversation, letter: DeadLetterRecord) -> None:
        if letter.id:
            it.letters[letter.id] = letter.record

    def _token(self) -> str:
        return f"{self.owner}/{next(_ids)}"


def _without_content(record: str) -> str:
    return json.dumps({**json.loads(record), "content": ""}, separators=(",", ":"))


def _key(action: str) -> str | None:
    """By which Chatwoot tells us of it; None for what is no JSON, as in tests."""
    try:
        return str(json.loads(action)["key"])
    except json.JSONDecodeError:
        return None
