"""The mailbox machine's workers: they take in, think and send, each step checked against the book."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tasks.mailbox import (
    NO_DEAD_LETTER,
    NO_LAPSE,
    NO_NEWS,
    DeadLetterRecord,
    Lapse,
    LeftToPeople,
    Listed,
    News,
    Sending,
    Timing,
    Turn,
    TurnLost,
    Word,
)
from tests.fakes import MOST_MESSAGES_IN_A_TURN
from tests.mailbox.book import Book, id_of, is_customers, key_of, pick, text_of
from tests.mailbox.worlds import UNIT_S, Inside, World

LEASE_S, GRACE_S, DOUBT_S = 3 * UNIT_S, 2 * UNIT_S, 4 * UNIT_S
MOST_GRACE_S = 8 * UNIT_S
SAME_SOURCE_S = 600

WORKERS = ("ann", "ben", "eve")
conversations = st.sampled_from((3, 3, 3, 3, 3, 4))
workers = st.sampled_from(WORKERS)
message_ids = st.integers(1, 60)
few = st.sampled_from((0, 1, 1, 2, 3))
seldom = st.sampled_from((False, False, False, True))
often = st.sampled_from((True, True, True, False))
maybe = st.sampled_from((None, False, True))
ids_of_ours = st.sampled_from((None, 1, 2, 3, 4, 5))
hearings = st.sampled_from(("posted", "posted", "suppressed", ""))
times = st.integers(1, 6)
PEOPLES_IDS = (70, 80, 90)
notes = st.sampled_from((75, 85, 95))
lapses = st.sampled_from((0, UNIT_S, 3 * UNIT_S))
signs = st.sets(st.sampled_from(("assigned:7", "assigned:8", "paused", "status:open")), max_size=2).map(
    lambda found: tuple(sorted(found))
)
states = st.one_of(
    st.just(NO_NEWS),
    st.just(NO_NEWS),
    st.builds(lambda at, signs, over: News(at=at, signs=signs, over=over), times, st.just(()), st.just(False)),
    st.builds(lambda at, signs, over: News(at=at, signs=signs, over=over), times, signs, seldom),
)
words = st.one_of(
    st.none(),
    st.none(),
    st.builds(Word, st.sampled_from(PEOPLES_IDS), times, st.sampled_from(("x", "z", ""))),
)
sources = st.sampled_from(("", "", "", "A", "B"))
delays = st.sampled_from((0.0, UNIT_S, 3 * UNIT_S))
ages = st.sampled_from((0, 0, 0, 1, 2, 5))
"""0: the newest of what has been handed out. More: what comes late, or what a worker wakes with that seemed dead."""


class Working(RuleBasedStateMachine):
    def __init__(self, new_world: Callable[[], World]) -> None:
        super().__init__()
        self.world = new_world()
        self.books: dict[int, Book] = {}
        self.now = 0.0
        self.numbers = count(1)

    @initialize(quiet_s=st.sampled_from((0.0, UNIT_S)))
    def begin(self, quiet_s: float) -> None:
        timing = Timing(quiet_s, 3 * quiet_s, LEASE_S, GRACE_S, MOST_GRACE_S, DOUBT_S, UNIT_S)
        self.workers = {name: self.world.open(f"here/{name}", timing) for name in WORKERS}
        self.anyone = self.workers["ann"]

    # -- coming in

    @rule(conversation_id=conversations, ids=st.lists(message_ids, min_size=1, max_size=3), source=sources, news=states)
    def accept(self, conversation_id: int, ids: list[int], source: str, news: News = NO_NEWS) -> None:
        """Webhooks come: in time, late, or again, by their ids or by their channel's."""
        for id in ids:
            self._accept(conversation_id, id, source, news)

    def _accept(self, conversation_id: int, id: int, source: str, news: News) -> None:
        book, before = self.before(conversation_id)
        is_new = id not in book.ids
        book.ids.add(id)
        book.ids_of_customers |= {id} if is_new else set()
        if is_new and source:
            is_new = self.now - book.sources.get(source, -SAME_SOURCE_S) >= SAME_SOURCE_S
        how = {"source_id": source or None, "news": news, "is_unheard": id % 3 == 0}
        accepted = self.anyone.accept(conversation_id, id, text_of(id), **how)
        assert accepted.is_new == is_new
        change = book.takes_in(news, self.now)
        if is_new:
            book.accepted.add(id)
            book.sources |= {source: self.now} if source else {}
            self._comes_in(book, id)
        if before.stage == "queued" and change == "taken":
            book.is_left_to_people()
            assert accepted.doorbell is None
        elif before.stage == "idle" and (change or is_new) and not book.outbox:
            book.goes_on(accepted.doorbell)
        else:
            assert accepted.doorbell is None

    def _comes_in(self, book: Book, id: int) -> None:
        if book.is_silenced:
            book.meanwhile[id] = text_of(id)
        else:
            book.waiting.add(id)

    @rule(conversation_id=conversations, id=message_ids, is_heard=st.booleans())
    def revise(self, conversation_id: int, id: int, is_heard: bool) -> None:
        """The customer has edited a message, or it was transcribed: to the machine it reads as before."""
        book, before = self.before(conversation_id)
        note = text_of(id, by="aside")
        rung = self.anyone.revise(conversation_id, id, text_of(id), to_know=note, is_heard=is_heard)
        assert rung is None or (before.stage == "queued" and rung.bell == book.bells[-1])
        is_being_thought = before.stage == "thinking" and id in book.given
        if id in book.ids and (id not in book.waiting or is_being_thought):
            self._is_told(book, id, note)
        book.reads_now(id, "")

    def _is_told(self, book: Book, id: int, note: str) -> None:
        is_peoples = id in book.meanwhile and is_customers(book.meanwhile[id])
        book.meanwhile[id] = text_of(id) if is_peoples else note

    @precondition(lambda self: self.has("turns"))
    @rule(conversation_id=conversations, age=ages, text=st.sampled_from("xyz"))
    def edit(self, conversation_id: int, age: int, text: str) -> None:
        """The customer has edited a message that was answered, perhaps, or is about to be: it is answered anew."""
        book, before = self.before(conversation_id)
        turn = pick(book.turns, age)
        if turn is None or not turn.messages:
            return
        id = id_of(turn.messages[0])
        note, edit = text_of(id, by="aside", text=text), text_of(id, text=text, edit="1")
        rung = self.anyone.revise(conversation_id, id, text_of(id, text=text), to_know=note, edit=edit, is_heard=False)
        if id not in book.ids:
            return
        is_being_thought = before.stage == "thinking" and id in book.given and id in book.waiting
        was = book.answered_readings.get(id)
        if id in book.waiting:
            was = book.readings.get(id, "") if is_being_thought or id in book.edits else None
        if was is None or book.is_silenced:
            if id not in book.waiting or is_being_thought:
                self._is_told(book, id, note)
            book.readings[id] = text
        elif was != text:
            book.edits.add(id)
            book.readings[id] = text
            book.answered = [each for each in book.answered if each != id]
            book.awaiting_reply = tuple(each for each in book.awaiting_reply if each != id)
            book.waiting.add(id)
            book.look = True
            if before.stage == "idle":
                book.goes_on(rung)
                return
        assert rung is None

    @rule(conversation_id=conversations, id=message_ids)
    def know(self, conversation_id: int, id: int) -> None:
        """The customer has put a thumb on something."""
        book, _ = self.before(conversation_id)
        message = text_of(id, by="aside")
        assert self.anyone.know(conversation_id, id, message) == (id not in book.ids)
        if id not in book.ids:
            book.ids.add(id)
            book.ids_of_customers.add(id)
            book.meanwhile[id] = message

    @rule(conversation_id=conversations, id=notes)
    def know_note(self, conversation_id: int, id: int) -> None:
        book, _ = self.before(conversation_id)
        is_taken = book.takes_note(id, self.now)
        assert self.anyone.know(conversation_id, id, text_of(id, by="note"), whose="note") == is_taken

    @rule(conversation_id=conversations, id=st.sampled_from((*PEOPLES_IDS, 75)))
    def know_others(self, conversation_id: int, id: int) -> None:
        """A campaign writes."""
        book, _ = self.before(conversation_id)
        is_new = id not in book.words
        book.echoes.add(id)
        assert self.anyone.know(conversation_id, id, text_of(id, by="bot"), whose="others") == is_new
        if is_new:
            book.words.add(id)
            book.meanwhile[id] = text_of(id, by="bot")

    @rule(conversation_id=conversations, key=st.sampled_from("pqrs"))
    def enqueue(self, conversation_id: int, key: str) -> None:
        """Something is sent by hand, perhaps twice."""
        book, _ = self.before(conversation_id)
        action = self.action()
        assert self.anyone.enqueue(conversation_id, key, action) == (key not in book.posted)
        if key not in book.posted:
            book.posted.add(key)
            book.outbox.append(action)

    @rule(conversation_id=conversations, key=st.sampled_from("pqrs"), delay_s=delays, unless=st.booleans())
    def schedule(self, conversation_id: int, key: str, delay_s: float, unless: bool) -> None:
        """Something is to be said later, perhaps only if the customer does not write by then."""
        book, _ = self.before(conversation_id)
        action, newest = self.action(), max(book.ids_of_customers, default=0)
        self.anyone.schedule(
            conversation_id, key, action, delay_s=delay_s, unless_newer_than=newest if unless and newest else None
        )
        if key not in book.posted:
            book.posted.add(key)
            book.later.append((self.now + delay_s, action, newest if unless and newest else None))

    # -- thinking

    @precondition(lambda self: self.has("bells"))
    @rule(conversation_id=conversations, worker=workers, age=ages)
    def claim(self, conversation_id: int, worker: str, age: int) -> None:
        """A doorbell is delivered: the last one, or one that comes late or twice."""
        book, before = self.before(conversation_id)
        bell = pick(book.bells, age) or "never rung"
        is_right = before.stage == "queued" and bell == book.bells[-1]
        answer = self.workers[worker].claim(conversation_id, bell)
        assert (answer is not None) == (is_right and not book.is_silenced)
        if is_right and book.is_silenced:
            book.is_left_to_people()
        if isinstance(answer, Turn):
            self._begun(book, before, answer)

    def _begun(self, book: Book, before: Inside, turn: Turn) -> None:
        assert not book.holder
        assert not book.is_silenced
        if turn.attempt == 1:
            oldest = sorted(book.waiting)[:MOST_MESSAGES_IN_A_TURN]
            assert tuple(map(id_of, turn.messages)) == tuple(oldest)
            assert turn.number == book.number + 1
            assert before.outbox == ()
            assert turn.resumes == ("" if oldest or not book.resume else book.awaits)
            assert turn.awaits == book.awaits
            assert turn.is_to_be_heard == book.look
            assert oldest or turn.resumes or turn.is_to_be_heard
            book.look = False
        else:
            last = book.turns[-1]
            assert (turn.is_heard, turn.is_to_be_heard) == (last.is_heard, last.is_to_be_heard)
            left = [id_of(text) for text in last.messages if id_of(text) in book.waiting]
            assert (turn.number, list(map(id_of, turn.messages))) == (last.number, left)
            assert turn.attempt == last.attempt + 1
            assert turn.resumes == last.resumes
        book.is_given(turn)
        assert turn.looked == book.looked
        book.number = turn.number
        book.turns.append(turn)
        book.held.append(turn)
        book.holder = turn.token

    @precondition(lambda self: self.has("turns"))
    @rule(
        conversation_id=conversations,
        age=ages,
        listed=st.lists(message_ids, max_size=4, unique=True),
        word=words,
        deleted=st.lists(message_ids, max_size=1),
        answered=st.sets(message_ids, max_size=2),
        counts=st.booleans(),
        note=st.one_of(st.none(), st.none(), notes),
    )
    def hear(
        self,
        conversation_id: int,
        age: int,
        listed: list[int],
        word: Word | None,
        deleted: list[int],
        answered: set[int],
        counts: bool,
        note: int | None = None,
    ) -> None:
        """Chatwoot's own list is read before the turn is thought."""
        book, before = self.before(conversation_id)
        turn = pick(book.turns, age)
        if turn is None:
            return
        listed = [id for id in listed if id not in deleted]
        edits = {id: "1" if id in book.edits else "" for id in listed}
        told = [Listed(id, text_of(id, edit=edits[id]), is_answered=id in answered) for id in listed]
        if note is not None:
            told.append(Listed(note, text_of(note, by="note"), is_note=True))
        if word is not None:
            told.append(Listed(word.id, text_of(word.id, by="person"), word=word, opens=self.action()))
        up_to = max([*listed, *deleted, 0])
        news = News(words=(word,) if word is not None and counts else ())
        hear = partial(self.anyone.hear, turn, told, up_to=up_to, deleted=deleted, news=news)
        if turn.token != book.holder:
            self.is_refused(conversation_id, before, hear)
            return
        heard, unknown = hear()
        new = {id for id in listed if id not in book.ids}
        assert unknown == (0 if isinstance(heard, LeftToPeople) else len(new - answered))
        self._is_heard(book, new, deleted, told, news)
        book.looked = max(book.looked, up_to)
        if isinstance(heard, LeftToPeople):
            assert book.is_silenced
            book.holder = ""
            book.goes_on(heard.next)
        else:
            oldest = sorted(book.waiting)[:MOST_MESSAGES_IN_A_TURN]
            assert tuple(map(id_of, heard.messages)) == tuple(oldest)
            book.is_given(heard)
            assert heard.is_heard
            assert heard.looked == book.looked
            book.turns[-1] = heard

    def _is_heard(self, book: Book, new: set[int], deleted: Sequence[int], told: Sequence[Listed], news: News) -> None:
        for id in deleted:
            book.is_gone(id)
        book.ids |= new
        book.ids_of_customers |= new
        book.accepted |= new
        done = {each.id for each in told if each.is_answered}
        for id in book.waiting & {each.id for each in told if each.by == "customer"}:
            book.readings[id] = ""
            if id in book.edits and book.answered_readings.get(id) == "":
                book.waiting.discard(id)
                book.answered.append(id)
        book.waiting |= new - done
        book.meanwhile |= {id: text_of(id) for id in new & done}
        answered = 0
        for each in told:
            if each.is_note:
                book.takes_note(each.id, self.now)
            if each.word is not None and not book.is_echo(each.word, self.now):
                answered = each.id
                if each.id not in book.words:
                    book.words.add(each.id)
                    book.meanwhile[each.id] = each.message
                    book.outbox.append(each.opens)
        for id in [id for id in book.waiting - book.edits if id < answered]:
            book.waiting.discard(id)
            book.meanwhile[id] = text_of(id)
        look = book.look
        book.takes_in(news, self.now)
        book.look = look

    @precondition(lambda self: self.has("turns"))
    @rule(
        conversation_id=conversations,
        worker=workers,
        age=ages,
        actions=few,
        gives_up=seldom,
        waits=seldom,
        learns=often,
        lapse_s=lapses,
    )
    def commit(
        self,
        conversation_id: int,
        worker: str,
        age: int,
        actions: int,
        gives_up: bool,
        waits: bool = False,
        learns: bool = True,
        lapse_s: float = 0,
    ) -> None:
        book, before = self.before(conversation_id)
        turn = pick(book.turns, age)
        if turn is None:
            return
        told_of = [id for id in map(id_of, turn.messages) if id in book.waiting]
        ids = tuple(id for id in told_of if id not in book.edits or book.readings.get(id, "") == book.given.get(id))
        wanted = [self.action() for _ in range(actions)]
        is_silenced = book.is_silenced
        letter = self.letter(conversation_id) if gives_up and not is_silenced else NO_DEAD_LETTER
        awaits = f"turn {turn.number}" if waits else ""
        given_up = {id: text_of(id, by="unanswered") for id in ids} if letter.id else {}
        lapse = Lapse(lapse_s, json.dumps({"key": f"{awaits}.lapsed"})) if lapse_s else NO_LAPSE
        how = {"dead_letter": letter, "awaits": awaits, "lapse": lapse, "has_learnt": learns, "given_up": given_up}
        end = partial(self.workers[worker].commit, turn, wanted, **how)
        if turn.token != book.holder:
            self.is_refused(conversation_id, before, end)
            return
        following = end()
        book.answered_readings |= {id: book.given[id] for id in told_of}
        book.waiting -= set(ids)
        told = {id_of(text) for text in turn.earlier} & set(book.meanwhile) if learns else set()
        book.known += [id for id in told if is_customers(book.meanwhile[id])]
        book.meanwhile = {id: text for id, text in book.meanwhile.items() if id not in told}
        is_to_be_posted = bool(wanted) and not letter.id
        if is_silenced and not is_to_be_posted:
            book.meanwhile |= {id: text_of(id) for id in ids}
        else:
            book.meanwhile |= given_up
            book.answered += ids
        book.awaiting_reply = ids if is_to_be_posted else ()
        book.outbox += wanted
        book.resume = False
        if learns:
            book.awaits, book.is_cancelled, book.lapses_at = awaits, book.whose.is_over, None
        if learns and awaits and lapse_s and not book.is_cancelled:
            book.lapses_at = self.now + lapse_s
            book.later.append((book.lapses_at, lapse.action, None))
        book.holder = ""
        book.buries(letter, ids)
        book.goes_on(following)

    # -- sending

    @rule(conversation_id=conversations, worker=workers)
    def begin_sending(self, conversation_id: int, worker: str) -> None:
        book, before = self.before(conversation_id)
        sending = self.workers[worker].begin_sending(conversation_id)
        if sending is None:
            return
        assert before.stage == "replying"
        assert not book.holder or (before.due_in_s or 0) <= 0
        self._is_tried(book, sending)

    def _is_tried(self, book: Book, sending: Sending) -> None:
        assert sending.action == book.outbox[0]
        assert sending.number == book.settled
        assert sending.owned_by_human == book.is_suppressed
        assert sending.looked == book.looked
        assert sending.is_there == (key_of(sending.action) in book.seen)
        assert sending.there == book.there
        assert (sending.tries == 1) == (sending.action not in book.tried)
        assert sending.doubt_s == 0 or sending.tries > 1
        assert sending.overtakes == book.overtakes
        on_its_way = book.newest_said if book.newest_said > book.arrived else None
        assert (sending.on_its_way and sending.on_its_way.message_id) == on_its_way
        book.awaits_arrival = 0
        book.tried.add(sending.action)
        book.holder = sending.token
        book.sendings.append(sending)
        book.held.append(sending)

    @precondition(lambda self: self.has("sendings"))
    @rule(
        conversation_id=conversations,
        worker=workers,
        age=ages,
        news=states,
        says=st.sampled_from(("", "x", "y")),
        ends=st.booleans(),
    )
    def confirm(self, conversation_id: int, worker: str, age: int, news: News, says: str, ends: bool) -> None:
        book, before = self.before(conversation_id)
        sending = pick(book.sendings, age)
        if sending is None:
            return
        confirm = partial(self.workers[worker].confirm, sending, news=news, says=says, unless_waiting=ends)
        if sending.token != book.holder:
            self.is_refused(conversation_id, before, confirm)
        else:
            is_silenced = confirm()
            book.takes_in(news, self.now)
            book.said |= {says: self.now} if says else {}
            assert is_silenced == (book.is_suppressed or (ends and bool(book.waiting)))
            assert self.world.inside(conversation_id).due_in_s == LEASE_S

    @precondition(lambda self: self.has("sendings"))
    @rule(
        conversation_id=conversations,
        worker=workers,
        age=ages,
        besides=few,
        gives_up=seldom,
        answer=hearings,
        said=ids_of_ours,
    )
    def settle(
        self,
        conversation_id: int,
        worker: str,
        age: int,
        besides: int,
        gives_up: bool,
        answer: str = "posted",
        said: int | None = None,
    ) -> None:
        """An action is done, or given up. Who says so twice is told again what is next."""
        book, before = self.before(conversation_id)
        sending = pick(book.sendings, age)
        if sending is None:
            return
        others = [self.action() for _ in range(besides)]
        letter = self.letter(conversation_id) if gives_up else NO_DEAD_LETTER
        how = {"dead_letter": letter, "besides": others, "answer": answer, "said": said}
        end = partial(self.workers[worker].settle, sending, **how)
        if sending.token != book.holder:
            self.is_refused(conversation_id, before, end)
            return
        following = end()
        if sending.number < book.settled:
            assert isinstance(following, Sending)
            assert (following.action, following.number) == (book.outbox[0], book.settled)
            return
        if answer == "suppressed":
            book.withheld = True
            book.meanwhile |= {id: text_of(id) for id in book.awaiting_reply}
            book.answered = [id for id in book.answered if id not in book.awaiting_reply]
        book.awaiting_reply = () if answer else book.awaiting_reply
        book.newest_said = max(book.newest_said, said or 0)
        book.settled += 1
        book.there = None
        book.outbox = [*book.outbox[1:], *others]
        book.holder = ""
        book.buries(letter, sending.action)
        if isinstance(following, Sending):
            self._is_tried(book, following)
        else:
            assert not book.outbox
            book.goes_on(following)

    @precondition(lambda self: self.has("outbox"))
    @rule(conversation_id=conversations, id=ids_of_ours, has_arrived=st.booleans(), overtakes=maybe)
    def saw(self, conversation_id: int, id: int | None, has_arrived: bool, overtakes: bool | None) -> None:
        """Chatwoot tells us of what we are sending, before we say so ourselves, and of what has arrived."""
        book, before = self.before(conversation_id)
        if not book.outbox:
            return
        key = key_of(book.outbox[0])
        book.seen.add(key)
        ring = self.anyone.saw(conversation_id, key, public_id=id, has_arrived=has_arrived, overtakes=overtakes)
        book.overtakes = book.overtakes if overtakes is None else overtakes
        book.newest_said = max(book.newest_said, id or 0)
        book.there = id or book.there
        book.arrived = max(book.arrived, (id or 0) if has_arrived else 0)
        is_due = 0 < book.awaits_arrival <= book.arrived
        assert (ring is not None) == is_due
        if is_due:
            assert before.stage == "replying"
            book.awaits_arrival = 0

    @rule(conversation_id=conversations, overtakes=st.booleans())
    def know_channel(self, conversation_id: int, overtakes: bool) -> None:
        book, _ = self.before(conversation_id)
        self.anyone.know_channel(conversation_id, overtakes=overtakes)
        book.overtakes = overtakes

    # -- how it is written down

    def has(self, what: str) -> bool:
        """Whether any of it has ever been handed out."""
        return any(getattr(book, what) for book in self.books.values())

    def before(self, conversation_id: int) -> tuple[Book, Inside]:
        return self.books.setdefault(conversation_id, Book()), self.world.inside(conversation_id)

    def is_refused(self, conversation_id: int, before: Inside, end: Callable[[], Any]) -> None:
        with pytest.raises(TurnLost):
            end()
        assert self.world.inside(conversation_id) == before

    def action(self) -> str:
        # Of actions that are due in the same millisecond Redis takes the smaller text first.
        return json.dumps({"key": f"action {next(self.numbers):06}"})

    def letter(self, conversation_id: int) -> DeadLetterRecord:
        return DeadLetterRecord(f"{conversation_id}.{next(self.numbers)}", "{}")
