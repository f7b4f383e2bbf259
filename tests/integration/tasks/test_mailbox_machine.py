"""Whatever workers, customers and time do to the mailbox, in whatever order: nothing lost, nothing twice, in order.

A Hypothesis state machine plays several workers, dying ones and ones that wake too late with old tokens. It keeps its
own `Book` of what must be so by what the mailbox has answered, and after every step looks into the mailbox:

- I1 a conversation is watched if, and only if, it is not idle;
- I2 at most one doorbell can be claimed, the one that was told last;
- I3 only the holder of the token commits and settles;
- I4 a message that was accepted waits, or is in people's hands, or has been answered in one turn;
- I5 no turn begins before all has been sent, and acts are sent in the order in which they came.

The same machine drives a real Redis, the fake, and both side by side.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count, takewhile
from typing import Any, TypeVar

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tasks.mailbox import (
    NO_DEAD_LETTER,
    DeadLetter,
    NoSuchDeadLetter,
    Ring,
    Send,
    Sending,
    Timing,
    Turn,
    TurnLost,
)
from tests.fakes import MOST_MESSAGES_IN_A_TURN
from tests.mailboxes import UNIT_S, BothWorlds, FakeWorld, Inside, RedisWorld, World

LEASE_S, GRACE_S, DOUBT_S = 3 * UNIT_S, 2 * UNIT_S, 4 * UNIT_S
MOST_GRACE_S = 8 * UNIT_S
SAME_SOURCE_S = 600

WORKERS = ("ann", "ben", "eve")
conversations = st.sampled_from((3, 3, 3, 3, 3, 4))
workers = st.sampled_from(WORKERS)
message_ids = st.integers(1, 60)
few = st.sampled_from((0, 1, 1, 2, 3))
seldom = st.sampled_from((False, False, False, True))
times = st.sampled_from((0, 0, 0, 1, 2, 3))
sources = st.sampled_from(("", "", "", "A", "B"))
delays = st.sampled_from((0.0, UNIT_S, 3 * UNIT_S))
ages = st.sampled_from((0, 0, 0, 1, 2, 5))
"""0: the newest of what has been handed out. More: what comes late, or what a worker wakes with that seemed dead."""

T = TypeVar("T")


@dataclass
class Book:
    """What must be so in a conversation, by what the mailbox has answered."""

    ids: set[int] = field(default_factory=set)
    sources: dict[str, float] = field(default_factory=dict)
    accepted: set[int] = field(default_factory=set)
    waiting: set[int] = field(default_factory=set)
    answered: list[int] = field(default_factory=list)
    meanwhile: dict[int, str] = field(default_factory=dict)
    """What was said while people had the conversation: to be known, not answered."""
    known: list[int] = field(default_factory=list)
    """What a turn has been told of in that way."""
    with_people: bool = False
    acted_at: int = 0

    posted: set[str] = field(default_factory=set)
    marks: set[str] = field(default_factory=set)
    outbox: list[str] = field(default_factory=list)
    tried: set[str] = field(default_factory=set)
    settled: int = 0
    seen: set[str] = field(default_factory=set)
    letters: dict[str, tuple[int, ...] | str] = field(default_factory=dict)

    bells: list[str] = field(default_factory=list)
    number: int = 0
    turns: list[Turn] = field(default_factory=list)
    sendings: list[Sending] = field(default_factory=list)
    held: list[Turn | Sending] = field(default_factory=list)
    buried: list[str] = field(default_factory=list)
    holder: str = ""
    """The token of the turn, or of the outbox."""

    def is_newer(self, at: int) -> bool:
        """Whether people did it after what is known of them. 0: just now."""
        if 0 < at < self.acted_at:
            return False
        self.acted_at = max(at, self.acted_at)
        return True


class MailboxMachine(RuleBasedStateMachine):
    def __init__(self, new_world: Callable[[], World]) -> None:
        super().__init__()
        self.world = new_world()
        self.books: dict[int, Book] = {}
        self.now = 0.0
        self.numbers = count(1)

    @initialize(quiet_s=st.sampled_from((0.0, UNIT_S)))
    def begin(self, quiet_s: float) -> None:
        timing = Timing(quiet_s, 3 * quiet_s, LEASE_S, GRACE_S, MOST_GRACE_S, DOUBT_S)
        self.workers = {name: self.world.open(f"here/{name}", timing) for name in WORKERS}
        self.anyone = self.workers["ann"]

    # -- what happens

    @rule(conversation_id=conversations, ids=st.lists(message_ids, min_size=1, max_size=3), source=sources)
    def accept(self, conversation_id: int, ids: list[int], source: str) -> None:
        """Webhooks come: in time, late, or again, by their ids or by their channel's."""
        for id in ids:
            self._accept(conversation_id, id, source)

    def _accept(self, conversation_id: int, id: int, source: str) -> None:
        book, before = self._before(conversation_id)
        is_new = id not in book.ids
        book.ids.add(id)
        if is_new and source:
            is_new = self.now - book.sources.get(source, -SAME_SOURCE_S) >= SAME_SOURCE_S
        accepted = self.anyone.accept(conversation_id, id, _text(id), source_id=source or None)
        assert accepted.is_new == is_new
        assert (accepted.doorbell is not None) == (is_new and before.stage == "idle" and not book.with_people)
        if is_new:
            book.accepted.add(id)
            book.sources |= {source: self.now} if source else {}
            self._comes_in(book, id)
        self._heard(book, accepted.doorbell)

    def _comes_in(self, book: Book, id: int) -> None:
        if book.with_people:
            book.meanwhile[id] = _text(id)
        else:
            book.waiting.add(id)

    @precondition(lambda self: self.has("bells"))
    @rule(conversation_id=conversations, worker=workers, age=ages)
    def claim(self, conversation_id: int, worker: str, age: int) -> None:
        """A doorbell is delivered: the last one, or one that comes late or twice."""
        book, before = self._before(conversation_id)
        bell = _pick(book.bells, age) or "never rung"
        is_right = before.stage == "queued" and bell == book.bells[-1]
        answer = self.workers[worker].claim(conversation_id, bell)
        assert (answer is not None) == (is_right and not book.with_people)
        if is_right and book.with_people:
            self._is_left_to_people(book)
        if isinstance(answer, Turn):
            self._begun(book, before, answer)

    def _begun(self, book: Book, before: Inside, turn: Turn) -> None:
        assert not book.holder
        assert not book.with_people
        if turn.attempt == 1:
            oldest = sorted(book.waiting)[:MOST_MESSAGES_IN_A_TURN]
            assert turn.messages == tuple(map(_text, oldest))
            assert turn.number == book.number + 1
            assert before.outbox == ()
        else:
            last = book.turns[-1]
            left = tuple(text for text in last.messages if _id(text) in book.waiting)
            assert (turn.number, turn.messages, turn.attempt) == (last.number, left, last.attempt + 1)
        assert turn.earlier == tuple(book.meanwhile[id] for id in sorted(book.meanwhile))
        book.number = turn.number
        book.turns.append(turn)
        book.held.append(turn)
        book.holder = turn.token

    @precondition(lambda self: self.has("turns"))
    @rule(conversation_id=conversations, worker=workers, age=ages, acts=few, gives_up=seldom)
    def commit(self, conversation_id: int, worker: str, age: int, acts: int, gives_up: bool) -> None:
        book, before = self._before(conversation_id)
        turn = _pick(book.turns, age)
        if turn is None:
            return
        ids = tuple(id for id in map(_id, turn.messages) if id in book.waiting)
        wanted = [self._act() for _ in range(acts)]
        letter = self._letter(conversation_id) if gives_up and not book.with_people else NO_DEAD_LETTER
        end = partial(self.workers[worker].commit, turn, wanted, dead_letter=letter)
        if turn.token != book.holder:
            self._is_refused(conversation_id, before, end)
            return
        following = end()
        book.waiting -= set(ids)
        told = {_id(text) for text in turn.earlier} & set(book.meanwhile)
        book.known += [id for id in told if _is_customers(book.meanwhile[id])]
        book.meanwhile = {id: text for id, text in book.meanwhile.items() if id not in told}
        if book.with_people:
            book.meanwhile |= {id: _text(id) for id in ids}
        else:
            book.answered += ids
        book.outbox += wanted
        book.holder = ""
        self._bury(book, letter, ids)
        self._goes_on(book, following)

    @rule(conversation_id=conversations, worker=workers)
    def begin_sending(self, conversation_id: int, worker: str) -> None:
        book, before = self._before(conversation_id)
        sending = self.workers[worker].begin_sending(conversation_id)
        if sending is None:
            return
        assert before.stage == "replying"
        assert not book.holder or (before.due_in_s or 0) <= 0
        self._is_tried(book, sending)

    def _is_tried(self, book: Book, sending: Sending) -> None:
        assert sending.act == book.outbox[0]
        assert sending.number == book.settled
        assert sending.is_there == (_key(sending.act) in book.seen)
        assert (sending.tries == 1) == (sending.act not in book.tried)
        assert sending.doubt_s == 0 or sending.tries > 1
        book.tried.add(sending.act)
        book.holder = sending.token
        book.sendings.append(sending)
        book.held.append(sending)

    @precondition(lambda self: self.has("sendings"))
    @rule(conversation_id=conversations, worker=workers, age=ages)
    def confirm(self, conversation_id: int, worker: str, age: int) -> None:
        book, before = self._before(conversation_id)
        sending = _pick(book.sendings, age)
        if sending is None:
            return
        confirm = partial(self.workers[worker].confirm, sending)
        if sending.token != book.holder:
            self._is_refused(conversation_id, before, confirm)
        else:
            confirm()
            assert self.world.inside(conversation_id).due_in_s == LEASE_S

    @precondition(lambda self: self.has("sendings"))
    @rule(conversation_id=conversations, worker=workers, age=ages, besides=few, gives_up=seldom)
    def settle(self, conversation_id: int, worker: str, age: int, besides: int, gives_up: bool) -> None:
        """An act is done, or given up. Who says so twice is told again what is next."""
        book, before = self._before(conversation_id)
        sending = _pick(book.sendings, age)
        if sending is None:
            return
        others = [self._act() for _ in range(besides)]
        letter = self._letter(conversation_id) if gives_up else NO_DEAD_LETTER
        end = partial(self.workers[worker].settle, sending, dead_letter=letter, besides=others)
        if sending.token != book.holder:
            self._is_refused(conversation_id, before, end)
            return
        following = end()
        if sending.number < book.settled:
            assert isinstance(following, Sending)
            assert (following.act, following.number) == (book.outbox[0], book.settled)
            return
        book.settled += 1
        book.outbox = [*book.outbox[1:], *others]
        book.holder = ""
        self._bury(book, letter, sending.act)
        if isinstance(following, Sending):
            self._is_tried(book, following)
        else:
            assert not book.outbox
            self._goes_on(book, following)

    @rule(conversation_id=conversations, worker=workers, steps=st.integers(1, 3), acts=few, gives_up=seldom)
    def work(self, conversation_id: int, worker: str, steps: int, acts: int, gives_up: bool) -> None:
        """A healthy worker does what is to be done next."""
        for _ in range(steps):
            self._work(conversation_id, worker, acts, gives_up)

    @rule(conversation_id=conversations, worker=workers, is_seen_to_be_dead=st.booleans())
    def change_hands(self, conversation_id: int, worker: str, is_seen_to_be_dead: bool) -> None:
        """Whoever has the conversation is killed, or sleeps for too long; another worker takes it up."""
        book, _ = self._before(conversation_id)
        if is_seen_to_be_dead and book.holder:
            self.die(conversation_id, book.holder.split("/")[1])
        else:
            self.pass_time(MOST_GRACE_S)
            self.revive(conversation_id)
        self._work(conversation_id, worker)

    @precondition(lambda self: self.has("held"))
    @rule(conversation_id=conversations, age=ages, delay_s=delays, decided=st.booleans())
    def release(self, conversation_id: int, age: int, delay_s: float, decided: bool) -> None:
        book, before = self._before(conversation_id)
        held = _pick(book.held, age)
        if held is None:
            return
        answer = self.anyone.release(held, delay_s=delay_s, decided=decided)
        self._is_taken_up(book, before, answer, held.token == book.holder)
        if answer is None:
            assert self.world.inside(conversation_id) == before

    @precondition(lambda self: self.has("sendings"))
    @rule(conversation_id=conversations, age=ages, delay_s=delays)
    def postpone(self, conversation_id: int, age: int, delay_s: float) -> None:
        """The act must not be done yet; nothing was tried."""
        book, before = self._before(conversation_id)
        sending = _pick(book.sendings, age)
        if sending is None:
            return
        self.anyone.postpone(sending, delay_s=delay_s)
        if sending.token != book.holder:
            assert self.world.inside(conversation_id) == before
            return
        book.holder = ""
        if book.sendings[-1].tries == 1:
            book.tried.remove(book.outbox[0])

    @precondition(lambda self: self.has("held"))
    @rule(conversation_id=conversations, age=ages)
    def extend(self, conversation_id: int, age: int) -> None:
        book, before = self._before(conversation_id)
        held = _pick(book.held, age)
        if held is None:
            return
        holds = held.token == book.holder
        assert self.anyone.extend(conversation_id, held.token) == holds
        due_in_s = LEASE_S if holds else before.due_in_s
        assert self.world.inside(conversation_id).due_in_s == due_in_s

    @rule(conversation_id=conversations, at=times, writes=st.sampled_from((0, 0, 20, 50)))
    def people_take(self, conversation_id: int, at: int, writes: int) -> None:
        """A person takes the conversation over, perhaps by writing. Webhooks come late, and in any order."""
        book, before = self._before(conversation_id)
        said = (writes, _text(writes, by="person")) if writes else None
        self.anyone.people_take(conversation_id, at=at, message=said)
        if writes in book.ids:
            return
        if writes:
            book.ids.add(writes)
            book.meanwhile[writes] = _text(writes, by="person")
        if book.is_newer(at):
            book.with_people = True
            if before.stage == "queued":
                self._is_left_to_people(book)

    @rule(conversation_id=conversations, at=times, to_be_answered=st.booleans())
    def people_give_back(self, conversation_id: int, at: int, to_be_answered: bool) -> None:
        book, before = self._before(conversation_id)
        following = self.anyone.people_give_back(conversation_id, at=at, to_be_answered=to_be_answered)
        if not book.is_newer(at):
            assert following is None
            return
        if to_be_answered and book.with_people:
            newest = takewhile(lambda id: _by(book.meanwhile[id]) != "person", sorted(book.meanwhile, reverse=True))
            unanswered = [id for id in newest if _is_customers(book.meanwhile[id])]
            book.waiting |= set(unanswered)
            book.meanwhile = {id: text for id, text in book.meanwhile.items() if id not in unanswered}
        book.with_people = False
        if before.stage == "idle":
            self._goes_on(book, following)
        else:
            assert following is None

    @rule(conversation_id=conversations, id=message_ids)
    def forget_message(self, conversation_id: int, id: int) -> None:
        """It was deleted in Chatwoot: nobody is to answer it."""
        book, _ = self._before(conversation_id)
        note = _text(id, by="nobody")
        self.anyone.forget_message(conversation_id, id, note)
        book.ids.add(id)
        book.meanwhile[id] = note
        book.accepted.discard(id)
        book.waiting.discard(id)
        book.answered = [each for each in book.answered if each != id]
        book.known = [each for each in book.known if each != id]

    @rule(conversation_id=conversations, key=st.sampled_from("pqrs"))
    def post(self, conversation_id: int, key: str) -> None:
        """Something is sent by hand, perhaps twice."""
        book, _ = self._before(conversation_id)
        act = self._act()
        self.anyone.post(conversation_id, key, act)
        if key not in book.posted:
            book.posted.add(key)
            book.outbox.append(act)

    @precondition(lambda self: self.has("outbox"))
    @rule(conversation_id=conversations)
    def saw(self, conversation_id: int) -> None:
        """Chatwoot tells us of what we are sending, before we say so ourselves."""
        book, _ = self._before(conversation_id)
        if book.outbox:
            key = _key(book.outbox[0])
            book.seen.add(key)
            self.anyone.saw(conversation_id, key)
            assert self.anyone.was_seen(conversation_id, key)

    @rule(seconds=st.sampled_from((UNIT_S, 3 * UNIT_S, 10 * UNIT_S)))
    def pass_time(self, seconds: float) -> None:
        self.world.pass_time(seconds)
        self.now += seconds

    @rule(conversation_id=conversations)
    def revive(self, conversation_id: int) -> None:
        """A watchdog looks."""
        book, before = self._before(conversation_id)
        is_overdue = before.due_in_s is not None and before.due_in_s <= 0
        assert (conversation_id in self.anyone.overdue()) == is_overdue
        self._is_taken_up(book, before, self.anyone.revive(conversation_id), is_overdue)

    @rule(conversation_id=conversations, worker=workers)
    def die(self, conversation_id: int, worker: str) -> None:
        """A process is seen to be dead (or was only thought to be: it may act again)."""
        book, before = self._before(conversation_id)
        answer = self.anyone.inherit(conversation_id, f"here/{worker}")
        self._is_taken_up(book, before, answer, book.holder.startswith(f"here/{worker}/"))

    def _is_taken_up(self, book: Book, before: Inside, answer: Ring | Send | None, expected: bool) -> None:
        assert (answer is not None) == expected
        if answer is None:
            return
        book.holder = ""
        again = Send() if before.stage == "replying" else Ring(book.bells[-1], 0)
        assert answer == again

    @rule(conversation_id=conversations, mark=st.sampled_from(("", "", "p", "q")))
    def bury(self, conversation_id: int, mark: str) -> None:
        """Something has failed outside of turns."""
        book, _ = self._before(conversation_id)
        letter = self._letter(conversation_id)
        is_new = mark not in book.marks
        assert self.anyone.bury(conversation_id, letter, mark=mark) == is_new
        if is_new:
            book.marks |= {mark} - {""}
            self._bury(book, letter, self._act())
        self._look()

    @precondition(lambda self: self.has("buried"))
    @rule(conversation_id=conversations, age=ages, discards=st.booleans())
    def exhume(self, conversation_id: int, age: int, discards: bool) -> None:
        """A person has a dead letter tried again, or discards it."""
        book, before = self._before(conversation_id)
        id = _pick(book.buried, age)
        if id is None:
            return
        what = book.letters.pop(id, None)
        if discards:
            assert self.anyone.discard(conversation_id, id) == (what is not None)
            return
        if what is None:
            with pytest.raises(NoSuchDeadLetter):
                self.anyone.exhume_act(conversation_id, id, "too late")
            return
        if isinstance(what, str):
            again = self._act()
            book.outbox.append(again)
            following = self.anyone.exhume_act(conversation_id, id, again)
        else:
            book.waiting |= set(what)
            book.accepted |= set(what)
            book.answered = [each for each in book.answered if each not in what]
            book.with_people = False
            following = self.anyone.exhume_messages(conversation_id, id, {each: _text(each) for each in what})
        if before.stage in ("thinking", "replying"):
            assert following is None
        else:
            self._goes_on(book, following)

    @rule(conversation_id=conversations, keep_reasons=st.booleans())
    def forget(self, conversation_id: int, keep_reasons: bool) -> None:
        """All of it is to be gone; who holds a part of it loses it, and may still wake."""
        book, before = self._before(conversation_id)
        messages, acts, _, letters = self.anyone.forget(conversation_id, keep_reasons=keep_reasons)
        assert (messages, acts) == (len(before.waiting) + len(before.meanwhile), len(before.outbox))
        assert letters == len(book.letters)
        handed_out = (book.bells, book.turns, book.sendings, book.held, book.buried)
        gone = Book(letters=book.letters if keep_reasons else {})
        gone.bells, gone.turns, gone.sendings, gone.held, gone.buried = handed_out
        self.books[conversation_id] = gone
        self._look()

    # What leads somewhere comes more often.
    accept_again, work_again, work_on, change_hands_again = accept, work, work, change_hands
    people_give_back_again = people_give_back

    # -- what must be so

    @invariant()
    def all_is_in_its_place(self) -> None:
        for conversation_id, book in self.books.items():
            inside = self.world.inside(conversation_id)
            assert (inside.stage != "idle") == (inside.due_in_s is not None)
            assert inside.waiting == tuple(sorted(book.waiting))
            assert inside.meanwhile == tuple(sorted(book.meanwhile))
            assert inside.outbox == tuple(book.outbox)
            assert inside.token == book.holder
            theirs = [id for id, text in book.meanwhile.items() if _is_customers(text)]
            assert sorted([*book.waiting, *theirs, *book.known, *book.answered]) == sorted(book.accepted)

    def teardown(self) -> None:
        """Then all goes well for a while: one healthy worker brings everything to its end."""
        try:
            self._work_to_the_end()
        finally:
            self.world.close()

    def _work_to_the_end(self) -> None:
        for _ in range(200):
            if not list(self.anyone.unfinished()):
                break
            self.pass_time(MOST_GRACE_S)
            for conversation_id in list(self.anyone.overdue()):
                self.revive(conversation_id)
                for _ in range(5):
                    self._work(conversation_id, "ann")
                    self.all_is_in_its_place()
        for conversation_id, book in self.books.items():
            inside = self.world.inside(conversation_id)
            assert (inside.stage, inside.waiting, inside.outbox, inside.due_in_s) == ("idle", (), (), None)
            theirs = [id for id, text in book.meanwhile.items() if _is_customers(text)]
            assert sorted([*theirs, *book.known, *book.answered]) == sorted(book.accepted)
            assert all(
                self.anyone.is_done_with(conversation_id, id) for id in book.answered if id not in book.meanwhile
            )
            assert not any(self.anyone.is_done_with(conversation_id, id) for id in book.meanwhile)

    def _work(self, conversation_id: int, worker: str, acts: int = 1, gives_up: bool = False) -> None:
        book, now = self._before(conversation_id)
        if now.stage == "queued":
            self.claim(conversation_id, worker, age=0)
            if not book.holder:
                self.pass_time(UNIT_S)
        elif now.stage == "thinking" and book.holder:
            self.commit(conversation_id, worker, 0, acts, gives_up)
        elif now.stage == "replying" and book.holder:
            self.settle(conversation_id, worker, 0, besides=acts // 3, gives_up=gives_up)
        elif now.stage == "replying":
            self.begin_sending(conversation_id, worker)

    # -- how it is written down

    def has(self, what: str) -> bool:
        """Whether any of it has ever been handed out."""
        return any(getattr(book, what) for book in self.books.values())

    def _before(self, conversation_id: int) -> tuple[Book, Inside]:
        return self.books.setdefault(conversation_id, Book()), self.world.inside(conversation_id)

    def _is_refused(self, conversation_id: int, before: Inside, end: Callable[[], Any]) -> None:
        with pytest.raises(TurnLost):
            end()
        assert self.world.inside(conversation_id) == before

    def _is_left_to_people(self, book: Book) -> None:
        if not book.outbox:
            book.meanwhile |= {id: _text(id) for id in book.waiting}
            book.waiting = set()

    def _goes_on(self, book: Book, following: Ring | Send | None) -> None:
        if book.with_people:
            self._is_left_to_people(book)
        if book.outbox:
            assert following == Send()
        elif book.waiting:
            assert isinstance(following, Ring)
            self._heard(book, following)
        else:
            assert following is None

    def _heard(self, book: Book, doorbell: Ring | None) -> None:
        if doorbell is not None:
            assert doorbell.bell not in book.bells
            book.bells.append(doorbell.bell)

    def _look(self) -> None:
        """An operator looks."""
        figures = self.anyone.figures()
        letters = {id for book in self.books.values() for id in book.letters}
        assert {letter.id for letter in self.anyone.dead_letters()} == letters
        assert figures.dead_letters == len(letters)
        unfinished = [id for id in self.books if self.world.inside(id).stage != "idle"]
        assert figures.unfinished == len(unfinished)
        assert sorted(self.anyone.unfinished()) == sorted(unfinished)

    def _bury(self, book: Book, letter: DeadLetter, what: tuple[int, ...] | str) -> None:
        if letter.id:
            book.buried.append(letter.id)
            book.letters[letter.id] = what

    def _act(self) -> str:
        return json.dumps({"key": f"act {next(self.numbers)}"})

    def _letter(self, conversation_id: int) -> DeadLetter:
        return DeadLetter(f"{conversation_id}.{next(self.numbers)}", "{}")


def _text(id: int, by: str = "customer") -> str:
    return json.dumps({"id": id, "by": by})


def _id(text: str) -> int:
    return int(json.loads(text)["id"])


def _key(act: str) -> str:
    return str(json.loads(act)["key"])


def _by(text: str) -> str:
    return str(json.loads(text)["by"])


def _is_customers(text: str) -> bool:
    return _by(text) == "customer"


def _pick(things: Sequence[T], age: int) -> T | None:
    return things[-1 - min(age, len(things) - 1)] if things else None


def _run(new_world: Callable[[], World], examples: int) -> None:
    run_state_machine_as_test(
        lambda: MailboxMachine(new_world),  # type: ignore[arg-type]  # a factory will do, says its documentation
        settings=settings(
            max_examples=examples,
            stateful_step_count=60,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


def test_the_fake() -> None:
    _run(FakeWorld, examples=200)


def test_a_real_redis(redis_client: redis.Redis) -> None:
    accounts = count(1)
    _run(lambda: RedisWorld(redis_client, next(accounts)), examples=15)


def test_both_answer_the_same(redis_client: redis.Redis) -> None:
    accounts = count(1)
    _run(lambda: BothWorlds(RedisWorld(redis_client, next(accounts))), examples=60)
