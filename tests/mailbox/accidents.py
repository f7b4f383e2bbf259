"""What befalls the mailbox machine's workers: they give up, sleep, die, and wake too late."""

from __future__ import annotations

from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tasks.mailbox import WakeSender, WakeThinker
from tests.mailbox.book import Book, pick
from tests.mailbox.working import (
    DOUBT_S,
    LEASE_S,
    MOST_GRACE_S,
    Working,
    ages,
    conversations,
    delays,
    few,
    ids_of_ours,
    seldom,
    workers,
)
from tests.mailbox.worlds import UNIT_S, Inside, rounded


class Accidents(Working):
    @rule(conversation_id=conversations, worker=workers, steps=st.integers(1, 3), actions=few, gives_up=seldom)
    def work(self, conversation_id: int, worker: str, steps: int, actions: int, gives_up: bool) -> None:
        """A healthy worker does what is to be done next."""
        for _ in range(steps):
            self.do_next(conversation_id, worker, actions, gives_up)

    def do_next(self, conversation_id: int, worker: str, actions: int = 1, gives_up: bool = False) -> None:
        book, now = self.before(conversation_id)
        if now.stage == "queued":
            self.claim(conversation_id, worker, age=0)
            if not book.holder:
                self.pass_time(UNIT_S)
        elif now.stage == "thinking" and book.holder:
            self.commit(conversation_id, worker, 0, actions, gives_up)
        elif now.stage == "replying" and book.holder:
            self.settle(conversation_id, worker, 0, besides=actions // 3, gives_up=gives_up)
        elif now.stage == "replying":
            self.begin_sending(conversation_id, worker)

    @rule(conversation_id=conversations, worker=workers, is_seen_to_be_dead=st.booleans())
    def change_hands(self, conversation_id: int, worker: str, is_seen_to_be_dead: bool) -> None:
        """Whoever has the conversation is killed, or sleeps for too long; another worker takes it up."""
        book, _ = self.before(conversation_id)
        if is_seen_to_be_dead and book.holder:
            self.die(conversation_id, book.holder.split("/")[1])
        else:
            self.pass_time(MOST_GRACE_S)
            self.reclaim_overdue(conversation_id)
        self.do_next(conversation_id, worker)

    @precondition(lambda self: self.has("held"))
    @rule(conversation_id=conversations, age=ages, delay_s=delays, decided=st.booleans())
    def release(self, conversation_id: int, age: int, delay_s: float, decided: bool) -> None:
        book, before = self.before(conversation_id)
        held = pick(book.held, age)
        if held is None:
            return
        answer = self.anyone.release(held, delay_s=delay_s, decided=decided, away=not decided, overran=decided)
        self.is_taken_up(book, before, answer, held.token == book.holder)
        if answer is None:
            assert self.world.inside(conversation_id) == before

    @precondition(lambda self: self.has("sendings"))
    @rule(conversation_id=conversations, age=ages, delay_s=delays, awaits=ids_of_ours)
    def defer(self, conversation_id: int, age: int, delay_s: float, awaits: int | None) -> None:
        """The action must not be done yet; nothing was tried."""
        book, before = self.before(conversation_id)
        sending = pick(book.sendings, age)
        if sending is None:
            return
        left_s = self.anyone.defer(sending, delay_s=delay_s, awaits=awaits)
        if sending.token != book.holder:
            assert self.world.inside(conversation_id) == before
            return
        has_arrived = awaits is not None and awaits <= book.arrived
        assert left_s == (0 if has_arrived else delay_s)
        book.holder, book.awaits_arrival = "", 0 if has_arrived else awaits or 0
        if book.sendings[-1].tries == 1:
            book.tried.remove(book.outbox[0])

    @precondition(lambda self: self.has("sendings"))
    @rule(conversation_id=conversations, age=ages)
    def doubt(self, conversation_id: int, age: int) -> None:
        """Whoever looks for an earlier try finds nothing: it may still come."""
        book, before = self.before(conversation_id)
        sending = pick(book.sendings, age)
        if sending is None:
            return
        doubt = partial(self.anyone.doubt, sending)
        if sending.token != book.holder:
            self.is_refused(conversation_id, before, doubt)
        else:
            assert rounded(doubt()) <= DOUBT_S
            book.holder = ""

    @precondition(lambda self: self.has("held"))
    @rule(conversation_id=conversations, age=ages)
    def extend(self, conversation_id: int, age: int) -> None:
        book, before = self.before(conversation_id)
        held = pick(book.held, age)
        if held is None:
            return
        holds = held.token == book.holder
        assert self.anyone.extend(conversation_id, held.token) == holds
        due_in_s = LEASE_S if holds else before.due_in_s
        assert self.world.inside(conversation_id).due_in_s == due_in_s

    @rule(seconds=st.sampled_from((UNIT_S, 3 * UNIT_S, 10 * UNIT_S)))
    def pass_time(self, seconds: float) -> None:
        self.world.pass_time(seconds)
        self.now += seconds

    @rule(conversation_id=conversations)
    def reclaim_overdue(self, conversation_id: int) -> None:
        """A watchdog looks."""
        book, before = self.before(conversation_id)
        is_overdue = before.due_in_s is not None and before.due_in_s <= 0
        assert (conversation_id in self.anyone.overdue()) == is_overdue
        if before.stage == "idle" and is_overdue:
            assert self.anyone.reclaim_overdue(conversation_id) == self._brought(book)
            return
        self.is_taken_up(book, before, self.anyone.reclaim_overdue(conversation_id), is_overdue)

    def _brought(self, book: Book) -> WakeSender | None:
        book.brings_what_was_put_off(self.now)
        return WakeSender() if book.outbox else None

    @rule(conversation_id=conversations, worker=workers)
    def die(self, conversation_id: int, worker: str) -> None:
        """A process is seen to be dead (or was only thought to be: it may action again)."""
        book, before = self.before(conversation_id)
        answer = self.anyone.reclaim_from_dead(conversation_id, f"here/{worker}")
        self.is_taken_up(book, before, answer, book.holder.startswith(f"here/{worker}/"))

    def is_taken_up(self, book: Book, before: Inside, answer: WakeThinker | WakeSender | None, expected: bool) -> None:
        assert (answer is not None) == expected
        if answer is None:
            return
        book.holder = ""
        again = WakeSender() if before.stage == "replying" else WakeThinker(book.bells[-1], 0)
        assert answer == again
