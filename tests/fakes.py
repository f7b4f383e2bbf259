"""A mailbox without Redis: what `tasks.mailbox.Mailbox` promises, in plain Python, on a clock that is moved by hand.

It is a model, simple enough to be believed: tests/integration/tasks/test_mailbox.py holds it to the same tests as the
real one, and test_mailbox_machine.py asks both the same questions and compares every answer.
It forgets nothing (the real one does, after seven days), and has no names of keys to tell.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from math import ceil
from types import MappingProxyType
from typing import Any, Literal

from tasks.mailbox import (
    NO_DEAD_LETTER,
    NO_LAPSE,
    NO_NEWS,
    Accepted,
    DeadLetterRecord,
    Figures,
    Lapse,
    LeftToPeople,
    Listed,
    News,
    NoSuchDeadLetter,
    NotYet,
    OnItsWay,
    Sending,
    Timing,
    Turn,
    TurnLost,
    WakeSender,
    WakeThinker,
    Whose,
    Word,
)
from tests.known import Known

MOST_MESSAGES_IN_A_TURN = 50
_MOST_REMEMBERED = 50
_SAME_SOURCE_S = 600.0
_ids = count(1)
UNANSWERED = -1.0
CANCELLED = -1.0


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
    unheard: set[int] = field(default_factory=set)
    unheard_until: float = 0
    given: dict[int, str] = field(default_factory=dict)
    """How the messages of the turn at hand read, as it was told them."""
    reads: dict[int, str] = field(default_factory=dict)
    """How each message read that was answered."""
    batch: list[int] | None = None
    """Of the turn at hand; it may be empty. None: not chosen yet."""
    turn: int = 0
    attempts: int = 0
    hours: list[int] = field(default_factory=list)
    """In which hour each turn began."""

    known: Known = field(default_factory=Known)
    meanwhile: dict[float, str] = field(default_factory=dict)
    """By the messages' ids; a person's by half a one less."""
    awaits: str = ""
    lapses_at: float | None = None
    """CANCELLED: people have."""
    resume: bool = False
    """People have given it back to a graph that waits for them."""
    told: list[float] = field(default_factory=list)
    """What of it the turn at hand was told."""
    look: bool = False
    looked: int = 0
    heard: Literal["", "due", "1"] = ""

    outbox: list[str] = field(default_factory=list)
    later: dict[tuple[str, int | None], float] = field(default_factory=dict)
    """What is put off (and the id of a message: not if the customer has written a newer one), by when it is due."""
    newest: int = 0
    awaiting_reply: dict[int, str] = field(default_factory=dict)
    """What was answered, until the answer is posted."""
    withheld: bool = False
    settled: int = 0
    tries: int = 0
    not_before: float = 0
    doubt_until: float = 0
    """UNANSWERED: nobody can tell until Chatwoot has answered."""
    still_in_doubt: float = 0

    overran: int = 0
    away_since: float | None = None
    asked_at: float | None = None
    overtakes: bool | None = None
    there: int = 0
    """The id of the message that the outbox's head is."""
    newest_said: int = 0
    newest_said_at: float = 0
    arrived: int = 0
    awaits_arrival: int = 0

    messages: dict[int, float] = field(default_factory=dict)
    """By their ids, when each came."""
    unanswered_at: float | None = None
    """Since when the customer has waited for the bot. None: nobody waits."""
    back_at: float = 0
    words: set[int] = field(default_factory=set)
    echoes: set[int] = field(default_factory=set)
    said: dict[str, float] = field(default_factory=dict)
    """By a digest of what we said, when."""
    marks: set[str] = field(default_factory=set)
    sources: dict[str, float] = field(default_factory=dict)
    posted: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    letters: dict[str, str] = field(default_factory=dict)
    acts: dict[str, str] = field(default_factory=dict)
    acts_of: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """By the id of a message, the ids of what was done in answer to it."""


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
        news: News = NO_NEWS,
        overtakes: bool | None = None,
        is_unheard: bool = False,
        is_heard_elsewhere: bool = False,
    ) -> Accepted:
        it = self._of(conversation_id)
        it.overtakes = it.overtakes if overtakes is None else overtakes
        is_kept = self._see(it, message_id) and not self._is_twin(it, source_id or "") and not is_heard_elsewhere
        is_first = not it.waiting
        change = self._take_in(it, news)
        is_free = it.stage == "idle" or (it.stage == "queued" and change == "taken")
        if is_kept and self._is_silenced(it):
            self._remember(it, message_id, message)
        elif is_kept:
            self._have_answered(it, message_id, message, is_first)
            if is_unheard and self._timing.transcript_s:
                it.unheard.add(message_id)
                it.unheard_until = self._now + self._timing.transcript_s
        following = self._go_on(it) if is_free and (change or is_kept) else None
        return Accepted(is_kept, following if isinstance(following, WakeThinker) else None)

    def know(self, conversation_id: int, message_id: int, message: str, *, whose: Whose = "customers") -> bool:
        it = self._of(conversation_id)
        if whose == "note":
            return self._hear_note(it, message_id, message)
        if whose == "others":
            it.echoes.add(message_id)
            return self._remember_word(it, message_id, message)
        if not self._see(it, message_id):
            return False
        self._remember(it, message_id, message)
        return True

    def revise(
        self,
        conversation_id: int,
        message_id: int,
        message: str,
        *,
        to_know: str,
        edit: str = "",
        is_heard: bool = True,
    ) -> WakeThinker | WakeSender | None:
        it = self._of(conversation_id)
        if message_id not in it.messages:
            return None
        before = it.waiting.get(message_id)
        is_being_thought = before is not None and it.stage == "thinking" and message_id in (it.batch or ())
        was = it.reads.get(message_id)
        if before is not None:
            was = _reading(before) if is_being_thought or _is_edit(before) else None
        following: WakeThinker | WakeSender | None = None
        is_answered_anew = bool(edit) and was is not None and not self._is_silenced(it)
        if is_answered_anew and was != _reading(message):
            is_first = not it.waiting
            it.messages[message_id] = self._now
            it.awaiting_reply.pop(message_id, None)
            self._have_answered(it, message_id, edit, is_first)
            it.look = True
            following = self._go_on(it) if it.stage == "idle" else None
        elif not is_answered_anew:
            if before is not None:
                it.waiting[message_id] = (edit or before) if _is_edit(before) else message
            if before is None or is_being_thought:
                known = it.meanwhile.get(message_id)
                was_for_people = known is not None and json.loads(known)["by"] == "customer"
                theirs = (edit or known) if known and _is_edit(known) else message
                self._remember(it, message_id, theirs if was_for_people and theirs else to_know)
        was_unheard = message_id in it.unheard
        if is_heard:
            it.unheard.discard(message_id)
        if following is not None or not (is_heard and was_unheard):
            return following
        return WakeThinker(it.bell, 0) if it.stage == "queued" and not it.unheard else None

    # -- people

    def learn(
        self, conversation_id: int, news: News, *, message: str = "", opens: str = ""
    ) -> WakeThinker | WakeSender | None:
        it = self._of(conversation_id)
        words = self._without_echoes(it, news.words)
        is_new = bool(message and words) and self._remember_word(it, words[0].id, message)
        if is_new and opens:
            it.outbox.append(opens)
        change = self._take_in(it, replace(news, words=words))
        has_more = is_new and bool(opens)
        if it.stage == "idle" and (change or has_more or it.look):
            return self._go_on(it)
        if it.stage == "queued" and (self._is_silenced(it) or has_more):
            return self._go_on(it)
        return None

    def is_owned_by_human(self, conversation_id: int) -> bool:
        return self._of(conversation_id).known.is_peoples

    def was_the_bots(self, conversation_id: int, *, until: int) -> bool:
        known = self._of(conversation_id).known
        if known.handed == -1 or known.handed > known.back or (known.word and known.word[1] >= known.back):
            return False
        shown = {sign: at for sign, at in known.present.items() if at > known.all}
        return all(sign == "status:open" and at >= until for sign, at in shown.items())

    def forget_message(self, conversation_id: int, message_id: int, note: str = "") -> None:
        it = self._of(conversation_id)
        it.messages[message_id] = self._now
        it.waiting.pop(message_id, None)
        it.reads.pop(message_id, None)
        it.meanwhile.pop(message_id - 0.5, None)
        it.awaiting_reply.pop(message_id, None)
        if note:
            self._remember(it, message_id, note)
        if it.stage == "queued" and not it.waiting:
            it.batch, it.attempts = None, 0
            if it.outbox or not (it.resume or it.look):
                self._go_on(it)

    def looked(self, conversation_id: int, message_id: int) -> None:
        it = self._of(conversation_id)
        it.looked = max(it.looked, message_id)

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

    def saw(
        self,
        conversation_id: int,
        key: str,
        *,
        public_id: int | None = None,
        has_arrived: bool = False,
        overtakes: bool | None = None,
    ) -> WakeSender | None:
        it = self._of(conversation_id)
        it.sent.add(key)
        it.overtakes = it.overtakes if overtakes is None else overtakes
        self._note_said(it, public_id)
        if public_id and it.outbox and _key(it.outbox[0]) == key:
            it.there = public_id
        it.arrived = max(it.arrived, (public_id or 0) if has_arrived else 0)
        if not it.awaits_arrival or it.awaits_arrival > it.arrived:
            return None
        it.awaits_arrival, it.not_before = 0, 0
        return WakeSender()

    def know_channel(self, conversation_id: int, *, overtakes: bool) -> None:
        self._of(conversation_id).overtakes = overtakes

    def has_seen(self, conversation_id: int, message_id: int) -> bool:
        return message_id in self._of(conversation_id).messages

    def newest(self, conversation_id: int) -> int:
        return self._of(conversation_id).newest

    def is_done_with(self, conversation_id: int, message_id: int) -> bool:
        it = self._of(conversation_id)
        is_in_work = message_id in it.waiting or message_id in it.meanwhile or it.outbox
        return message_id in it.messages and not is_in_work and it.stage == "idle"

    def waiting(self, conversation_id: int) -> set[int]:
        return set(self._of(conversation_id).waiting)

    # -- thinking

    def claim(self, conversation_id: int, bell: str) -> Turn | NotYet | None:
        it = self._of(conversation_id)
        if it.stage != "queued" or it.bell != bell:
            return None
        if self._is_silenced(it):
            self._go_on(it)
            it.deadline = it.deadline if it.stage == "idle" else self._now
            return None
        if self._ripe_at(it) > self._now:
            return NotYet(self._ripe_at(it) - self._now)
        if it.batch is None:
            self._choose_batch(it)
            it.unheard.clear()
            it.away_since = None
            it.turn += 1
            it.attempts, it.overran = 0, 0
            it.heard, it.look = "due" if it.look else "", False
            it.hours.append(self._hour)
        it.attempts += 1
        it.stage, it.token, it.rings = "thinking", self._token(), 0
        self._watch(it, self._timing.lease_s)
        return self._turn_at_hand(conversation_id, it)

    def hear(
        self, turn: Turn, listed: Sequence[Listed], *, up_to: int, deleted: Sequence[int] = (), news: News = NO_NEWS
    ) -> tuple[Turn | LeftToPeople, int]:
        it = self._held(turn, "thinking")
        for id in deleted:
            it.messages[id] = self._now
            it.waiting.pop(id, None)
            it.reads.pop(id, None)
            it.meanwhile.pop(id, None)
            it.meanwhile.pop(id - 0.5, None)
        unknown, answered = 0, 0
        for each in listed:
            if each.word is not None:
                if self._without_echoes(it, [each.word]):
                    answered = max(answered, each.id)
                    if self._remember_word(it, each.id, each.message) and each.opens:
                        it.outbox.append(each.opens)
            elif each.is_note:
                self._hear_note(it, each.id, each.message)
            elif each.is_answered:
                if self._see(it, each.id) and each.message:
                    self._remember(it, each.id, each.message)
            elif each.id in it.waiting:
                it.waiting[each.id] = each.message
                if _is_edit(each.message) and _reading(each.message) == it.reads.get(each.id):
                    del it.waiting[each.id]
            elif self._see(it, each.id):
                unknown += 1
                if not self._is_twin(it, each.source_id):
                    it.waiting[each.id] = each.message
        for id in sorted(it.waiting):
            if id < answered and not _is_later_than_its_id(it.waiting[id]):
                self._remember(it, id, it.waiting.pop(id))
        look = it.look
        self._take_in(it, replace(news, words=self._without_echoes(it, news.words)))
        it.look, it.looked, it.heard = look, max(it.looked, up_to), "1"
        if self._is_silenced(it):
            it.batch = None
            return LeftToPeople(self._go_on(it)), 0
        self._note_who_waits(it)
        self._choose_batch(it)
        return self._turn_at_hand(turn.conversation_id, it), unknown

    def commit(
        self,
        turn: Turn,
        actions: Sequence[str],
        *,
        dead_letter: DeadLetterRecord = NO_DEAD_LETTER,
        awaits: str = "",
        lapse: Lapse = NO_LAPSE,
        has_learnt: bool = True,
        given_up: Mapping[int, str] = MappingProxyType({}),
    ) -> WakeThinker | WakeSender | None:
        it = self._held(turn, "thinking")
        if has_learnt:
            it.meanwhile = {id: text for id, text in it.meanwhile.items() if id not in it.told}
        said = {}
        for id in [each for each in it.batch or () if each in it.waiting]:
            it.reads[id] = it.given[id]
            if not _is_edit(it.waiting[id]) or _reading(it.waiting[id]) == it.given[id]:
                said[id] = it.waiting.pop(id)
        is_to_be_posted = bool(actions) and not dead_letter.id
        it.awaiting_reply = said if is_to_be_posted else {}
        is_peoples = self._is_silenced(it)
        for id in () if is_to_be_posted else said:
            if is_peoples or id in given_up:
                self._remember(it, id, said[id] if is_peoples else given_up[id])
        it.batch, it.resume = None, False
        if has_learnt:
            it.awaits, it.lapses_at = awaits, CANCELLED if it.known.is_over else None
        if has_learnt and awaits and lapse.after_s and not it.known.is_over:
            it.lapses_at = it.later[lapse.action, None] = self._now + lapse.after_s
        it.outbox += actions
        self._keep(it, dead_letter)
        return self._go_on(it)

    def intend(self, turn: Turn, id: str, act: str, messages: Sequence[str]) -> str:
        it = self._held(turn, "thinking")
        result = json.loads(it.acts.get(id, "{}")).get("result")
        it.acts[id] = json.dumps({**json.loads(act), "result": result}) if result else act
        for message in messages:
            it.acts_of[message] += [] if id in it.acts_of[message] else [id]
        return it.acts[id]

    def did(self, turn: Turn, id: str, result: str) -> None:
        it = self._of(turn.conversation_id)
        act = json.loads(it.acts.get(id, "{}"))
        if result and act and not act.get("result"):
            it.acts[id] = json.dumps({**act, "result": result})
        elif act and not act.get("result") and act["token"] == turn.token:
            del it.acts[id]

    def acts(self, conversation_id: int, messages: Sequence[str]) -> list[str]:
        it = self._of(conversation_id)
        ids = dict.fromkeys(id for message in messages for id in it.acts_of[message])
        return [it.acts[id] for id in ids if id in it.acts]

    # -- sending

    def begin_sending(self, conversation_id: int) -> Sending | None:
        it = self._of(conversation_id)
        if it.stage != "replying" or it.not_before > self._now:
            return None
        if it.token and it.deadline > self._now:
            return None
        it.tries += 1
        it.token, it.rings, it.awaits_arrival = self._token(), 0, 0
        it.still_in_doubt = max(0.0, it.doubt_until - self._now)
        if it.doubt_until == UNANSWERED:
            it.still_in_doubt = self._timing.doubt_s
        self._watch(it, self._timing.lease_s)
        asked_s = None if it.asked_at is None else self._now - it.asked_at
        return replace(self._sending(conversation_id, it), asked_s=asked_s)

    def settle(
        self,
        sending: Sending,
        *,
        dead_letter: DeadLetterRecord = NO_DEAD_LETTER,
        besides: Sequence[str] = (),
        answer: Literal["posted", "suppressed", ""] = "",
        said: int | None = None,
        to_know: str = "",
    ) -> Sending | WakeThinker | None:
        it = self._held(sending, "replying")
        if sending.number == it.settled:
            for id in it.awaiting_reply if answer == "suppressed" else ():
                self._remember(it, id, it.awaiting_reply[id])
            it.withheld = it.withheld or answer == "suppressed"
            it.awaiting_reply = {} if answer else it.awaiting_reply
            self._note_said(it, said)
            if said and to_know:
                self._remember(it, said, to_know)
            it.outbox = [*it.outbox[1:], *besides]
            it.settled += 1
            it.there = 0
            self._keep(it, dead_letter)
        if it.outbox:
            if answer:
                self._note_who_waits(it)
            it.tries, it.not_before, it.still_in_doubt, it.doubt_until = 1, 0, 0, 0
            self._watch(it, self._timing.lease_s)
            return self._sending(sending.conversation_id, it)
        following = self._go_on(it)
        return following if isinstance(following, WakeThinker) else None

    def confirm(
        self, sending: Sending, *, news: News | None = None, says: str = "", unless_waiting: bool = False
    ) -> bool:
        it = self._held(sending, "replying")
        if news is not None:
            self._take_in(it, replace(news, words=self._without_echoes(it, news.words)))
            it.asked_at = self._now
        it.doubt_until = UNANSWERED
        if says:
            it.said[says] = self._now
        self._watch(it, self._timing.lease_s)
        return self._is_suppressed(it) or (unless_waiting and bool(it.waiting))

    def doubt(self, sending: Sending) -> float:
        it = self._held(sending, "replying")
        if it.doubt_until == UNANSWERED:
            it.doubt_until = self._now + self._timing.doubt_s
        delay_s = max(0.0, it.doubt_until - self._now)
        it.token, it.not_before = "", self._now + delay_s
        self._watch(it, delay_s + self._timing.grace_s)
        return delay_s

    # -- both

    def release(
        self,
        held: Turn | Sending,
        *,
        delay_s: float,
        decided: bool = True,
        counts: bool = True,
        away: bool = False,
        overran: bool = False,
        waits: bool = True,
    ) -> WakeThinker | WakeSender | None:
        it = self._of(held.conversation_id)
        if it.token != held.token:
            return None
        it.away_since = self._now if away and it.away_since is None else it.away_since
        it.overran += overran
        it.attempts -= 0 if counts else 1
        it.token, it.not_before = "", self._now + delay_s
        if not it.still_in_doubt:
            it.doubt_until = 0 if decided else UNANSWERED
        self._watch(it, delay_s + self._timing.grace_s)
        if it.stage == "replying":
            return WakeSender()
        it.stage, it.quiet_until = "queued", self._now + delay_s
        return WakeThinker(it.bell, 0)

    def defer(self, sending: Sending, *, delay_s: float, awaits: int | None = None) -> float:
        it = self._of(sending.conversation_id)
        if it.stage != "replying" or it.token != sending.token:
            return delay_s
        it.awaits_arrival = awaits or 0
        if it.awaits_arrival and it.awaits_arrival <= it.arrived:
            it.awaits_arrival, delay_s = 0, 0
        it.tries -= 1
        it.token, it.not_before = "", self._now + delay_s
        it.doubt_until = it.doubt_until if it.still_in_doubt else 0
        self._watch(it, delay_s + self._timing.grace_s)
        return delay_s

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
        everything = self._memory.conversations.values()
        letters = sum(len(it.letters) for it in everything)
        waits_s = [self._now - it.unanswered_at for it in everything if it.unanswered_at is not None]
        return Figures(letters, len(unfinished), max(0.0, overdue_s), max(waits_s, default=0.0))

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
        records = sum(
            map(
                len,
                (it.messages, it.words, it.echoes, it.said, it.sources, it.posted, it.sent, it.marks - {""}),
            )
        )
        return len(it.waiting) + len(it.meanwhile), len(it.outbox) + len(it.later), records, len(it.letters)

    def requeue_messages(
        self, conversation_id: int, id: str, messages: Mapping[int, str]
    ) -> WakeThinker | WakeSender | None:
        it = self._unburied(conversation_id, id)
        it.known.give_back_by_hand()
        it.resume = it.resume or (not messages and bool(it.awaits))
        it.messages.update(dict.fromkeys(messages, self._now))
        it.meanwhile = {id: text for id, text in it.meanwhile.items() if ceil(id) not in messages}
        it.waiting.update(messages)
        return None if it.stage in ("thinking", "replying") else self._go_on(it)

    def requeue_action(self, conversation_id: int, id: str, action: str) -> WakeThinker | WakeSender | None:
        it = self._unburied(conversation_id, id)
        it.outbox.append(action)
        return None if it.stage in ("thinking", "replying") else self._go_on(it)

    def discard(self, conversation_id: int, id: str) -> bool:
        return self._of(conversation_id).letters.pop(id, None) is not None

    # -- inside

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
        action, is_suppressed = it.outbox[0], self._is_suppressed(it)
        is_there = _key(action) in it.sent
        return Sending(
            conversation_id,
            action,
            it.tries,
            it.token,
            it.still_in_doubt,
            is_suppressed,
            it.settled,
            is_there,
            (it.there or None) if is_there else None,
            it.looked,
            it.overtakes,
            OnItsWay(it.newest_said, self._now - it.newest_said_at) if it.newest_said > it.arrived else None,
        )

    def _ripe_at(self, it: Conversation) -> float:
        return max(it.quiet_until, it.unheard_until if it.unheard and it.batch is None else 0)

    def _note_said(self, it: Conversation, message_id: int | None) -> None:
        if (message_id or 0) > it.newest_said:
            it.newest_said, it.newest_said_at = message_id or 0, self._now

    def _unburied(self, conversation_id: int, id: str) -> Conversation:
        it = self._of(conversation_id)
        if it.letters.pop(id, None) is None:
            raise NoSuchDeadLetter(id)
        return it

    def _is_silenced(self, it: Conversation) -> bool:
        return it.known.is_peoples or it.known.is_over

    def _is_suppressed(self, it: Conversation) -> bool:
        return self._is_silenced(it) or it.withheld

    def _see(self, it: Conversation, message_id: int) -> bool:
        """A customer's message; False where it was seen."""
        if message_id in it.messages:
            return False
        it.messages[message_id] = self._now
        it.newest = max(it.newest, message_id)
        return True

    def _is_twin(self, it: Conversation, source_id: str) -> bool:
        if not source_id:
            return False
        if self._now - it.sources.get(source_id, float("-inf")) < _SAME_SOURCE_S:
            return True
        it.sources[source_id] = self._now
        return False

    def _take_in(self, it: Conversation, news: News) -> Literal["taken", "given back", ""]:
        change, is_given_back = it.known.learn(news, news.words)
        if it.known.is_over and it.awaits:
            it.lapses_at = CANCELLED
            it.meanwhile = {id: text for id, text in it.meanwhile.items() if _by(text) != "note"}
        if change == "given back":
            it.hours = []
            it.back_at = self._now
            if not it.known.is_over:
                self._take_back(it)
                it.resume = it.resume or bool(it.awaits)
        if is_given_back and not self._is_silenced(it):
            it.look = True
        return change

    def _take_back(self, it: Conversation) -> None:
        said = {id: json.loads(text)["by"] for id, text in it.meanwhile.items()}
        word = it.known.word[0] if it.known.word else 0
        answered = max([word, *(id for id, by in said.items() if by == "person")])
        for id, by in said.items():
            if by == "customer" and (id >= answered or _is_later_than_its_id(it.meanwhile[id])):
                it.waiting[int(id)] = it.meanwhile.pop(id)

    def _without_echoes(self, it: Conversation, words: Sequence[Word]) -> tuple[Word, ...]:
        return tuple(word for word in words if not self._is_echo(it, word))

    def _is_echo(self, it: Conversation, word: Word) -> bool:
        if word.id in it.echoes:
            return True
        if not word.said or self._now - it.said.get(word.said, float("-inf")) > _SAME_SOURCE_S:
            return False
        del it.said[word.said]
        it.echoes.add(word.id)
        return True

    def _remember_word(self, it: Conversation, id: int, message: str) -> bool:
        if id in it.words:
            return False
        it.words.add(id)
        # Before what the customer chooses in it, which has its id.
        self._remember(it, id - 0.5, message)
        return True

    def _hear_note(self, it: Conversation, id: int, message: str) -> bool:
        is_over = it.lapses_at is not None and it.lapses_at <= self._now
        is_lapsed = it.lapses_at == CANCELLED or (is_over and _is_silence(it))
        return bool(it.awaits) and not is_lapsed and self._remember_word(it, id, message)

    def _note_who_waits(self, it: Conversation) -> None:
        it.unanswered_at = max(it.messages[min(it.waiting)], it.back_at) if it.waiting else None

    def _choose_batch(self, it: Conversation) -> None:
        it.batch = sorted(it.waiting)[:MOST_MESSAGES_IN_A_TURN]

    def _turn_at_hand(self, conversation_id: int, it: Conversation) -> Turn:
        it.told = sorted(it.meanwhile)
        it.given = {id: _reading(it.waiting[id]) for id in it.batch or () if id in it.waiting}
        return Turn(
            conversation_id,
            it.turn,
            it.attempts,
            it.token,
            tuple(it.waiting[id] for id in it.batch or () if id in it.waiting),
            tuple(it.meanwhile[id] for id in it.told),
            it.hours.count(self._hour),
            "" if it.batch or not it.resume else it.awaits,
            it.awaits,
            it.heard == "1",
            it.heard == "due",
            it.looked,
            it.newest,
            0.0 if it.away_since is None else self._now - it.away_since,
            it.overran,
        )

    def _have_answered(self, it: Conversation, id: int, message: str, is_first: bool) -> None:
        if is_first:
            it.first_at = self._now
        it.waiting[id] = message
        if it.unanswered_at is None:
            self._note_who_waits(it)
        latest = max(self._now, it.first_at + self._timing.most_quiet_s)
        it.quiet_until = min(self._now + self._timing.quiet_s, latest)

    def _remember(self, it: Conversation, id: float, message: str) -> None:
        it.meanwhile[id] = message
        it.meanwhile = {each: it.meanwhile[each] for each in sorted(it.meanwhile)[-_MOST_REMEMBERED:]}

    def _go_on(self, it: Conversation) -> WakeThinker | WakeSender | None:
        """A stage has ended: send what is to be sent, else queue what waits, else be idle."""
        it.token, it.rings = "", 0
        if it.outbox:
            it.stage, it.tries, it.not_before, it.doubt_until, it.asked_at = "replying", 0, 0, 0, None
            self._watch(it, self._timing.grace_s)
            return WakeSender()
        if it.withheld:
            it.withheld = False
            if not self._is_silenced(it):
                self._take_back(it)
        if self._is_silenced(it):
            self._leave_to_people(it)
        self._note_who_waits(it)
        if it.waiting or it.resume or it.look:
            it.stage, it.bell = "queued", f"bell {next(_ids)}"
            delay_s = max(0.0, self._ripe_at(it) - self._now)
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
                it.outbox += [] if self._is_called_off(it, action, unless_newer_than) else [action]

    def _is_called_off(self, it: Conversation, action: str, unless_newer_than: int | None) -> bool:
        turn, is_lapse, _ = (_key(action) or "").partition(".lapsed")
        if is_lapse:
            at = it.lapses_at or 0
            return it.awaits != turn or at == CANCELLED or at > self._now or not _is_silence(it)
        return unless_newer_than is not None and it.newest > unless_newer_than

    def _leave_to_people(self, it: Conversation) -> None:
        for id, message in it.waiting.items():
            self._remember(it, id, message)
        it.waiting, it.batch, it.attempts, it.resume, it.look = {}, None, 0, False, False

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


def _decoded(message: str) -> dict[str, Any]:
    try:
        return dict(json.loads(message))
    except json.JSONDecodeError:
        return {}


def _by(message: str) -> str | None:
    return _decoded(message).get("by")


def _is_silence(it: Conversation) -> bool:
    return not any(_by(text) in ("note", "person") for text in it.meanwhile.values())


def _is_edit(message: str) -> bool:
    return bool(_decoded(message).get("edit"))


def _is_later_than_its_id(message: str) -> bool:
    return _decoded(message).get("kind") == "choice" or _is_edit(message)


def _reading(message: str) -> str:
    said = _decoded(message)
    attachments = said.get("attachments") or []
    return "\0".join(
        [said.get("text") or "", str(len(attachments)), *(each.get("transcript") or "" for each in attachments)]
    )


def _without_content(record: str) -> str:
    return json.dumps({**json.loads(record), "content": ""}, separators=(",", ":"))


def _key(action: str) -> str | None:
    """By which Chatwoot tells us of it; None for what is no JSON, as in tests."""
    try:
        return str(json.loads(action)["key"])
    except json.JSONDecodeError:
        return None
