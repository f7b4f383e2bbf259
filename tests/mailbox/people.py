"""What people do while the mailbox machine's workers work: take over, hand back, delete, look after dead letters."""

from __future__ import annotations

from itertools import takewhile

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tasks.mailbox import NoSuchDeadLetter
from tests.mailbox.accidents import Accidents
from tests.mailbox.book import Book, by_whom, is_customers, pick, text_of
from tests.mailbox.working import ages, conversations, message_ids, times


class People(Accidents):
    @rule(conversation_id=conversations, at=times, writes=st.sampled_from((0, 0, 20, 50)))
    def human_took_over(self, conversation_id: int, at: int, writes: int) -> None:
        """A person takes the conversation over, perhaps by writing. Webhooks come late, and in any order."""
        book, before = self.before(conversation_id)
        said = (writes, text_of(writes, by="person")) if writes else None
        self.anyone.human_took_over(conversation_id, at=at, message=said)
        if writes in book.ids:
            return
        if writes:
            book.ids.add(writes)
            book.meanwhile[writes] = text_of(writes, by="person")
        if book.is_newer(at):
            book.owned_by_human = True
            if before.stage == "queued":
                book.is_left_to_people()

    @rule(conversation_id=conversations, at=times, to_be_answered=st.booleans())
    def handed_back(self, conversation_id: int, at: int, to_be_answered: bool) -> None:
        book, before = self.before(conversation_id)
        following = self.anyone.handed_back(conversation_id, at=at, to_be_answered=to_be_answered)
        if not book.is_newer(at):
            assert following is None
            return
        if before.stage in ("thinking", "replying") and not to_be_answered and at > 0:
            book.over = True
        if to_be_answered and book.owned_by_human:
            newest = takewhile(lambda id: by_whom(book.meanwhile[id]) != "person", sorted(book.meanwhile, reverse=True))
            unanswered = [id for id in newest if is_customers(book.meanwhile[id])]
            book.waiting |= set(unanswered)
            book.meanwhile = {id: text for id, text in book.meanwhile.items() if id not in unanswered}
            book.resume = bool(book.awaits)
        book.owned_by_human = False
        if before.stage == "idle":
            book.goes_on(following)
        else:
            assert following is None

    @rule(conversation_id=conversations, id=message_ids)
    def forget_message(self, conversation_id: int, id: int) -> None:
        """It was deleted in Chatwoot: nobody is to answer it."""
        book, _ = self.before(conversation_id)
        note = text_of(id, by="nobody")
        self.anyone.forget_message(conversation_id, id, note)
        book.ids.add(id)
        book.meanwhile[id] = note
        book.accepted.discard(id)
        book.waiting.discard(id)
        book.awaiting_reply = () if id in book.awaiting_reply else book.awaiting_reply
        book.answered = [each for each in book.answered if each != id]
        book.known = [each for each in book.known if each != id]

    # -- dead letters

    @rule(conversation_id=conversations, mark=st.sampled_from(("", "", "p", "q")))
    def keep_dead_letter(self, conversation_id: int, mark: str) -> None:
        """Something has failed outside of turns."""
        book, _ = self.before(conversation_id)
        letter = self.letter(conversation_id)
        is_new = mark not in book.marks
        assert self.anyone.keep_dead_letter(conversation_id, letter, mark=mark) == is_new
        if is_new:
            book.marks |= {mark} - {""}
            book.buries(letter, self.action())
        self.look()

    @precondition(lambda self: self.has("buried"))
    @rule(conversation_id=conversations, age=ages, discards=st.booleans())
    def requeue(self, conversation_id: int, age: int, discards: bool) -> None:
        """A person has a dead letter tried again, or discards it."""
        book, before = self.before(conversation_id)
        id = pick(book.buried, age)
        if id is None:
            return
        what = book.letters.pop(id, None)
        if discards:
            assert self.anyone.discard(conversation_id, id) == (what is not None)
            return
        if what is None:
            with pytest.raises(NoSuchDeadLetter):
                self.anyone.requeue_action(conversation_id, id, "too late")
            return
        if isinstance(what, str):
            again = self.action()
            book.outbox.append(again)
            following = self.anyone.requeue_action(conversation_id, id, again)
        else:
            book.waiting |= set(what)
            book.accepted |= set(what)
            book.answered = [each for each in book.answered if each not in what]
            book.owned_by_human = False
            book.resume = book.resume or (not what and bool(book.awaits))
            following = self.anyone.requeue_messages(conversation_id, id, {each: text_of(each) for each in what})
        if before.stage in ("thinking", "replying"):
            assert following is None
        else:
            book.goes_on(following)

    @rule(conversation_id=conversations, keep_reasons=st.booleans())
    def forget(self, conversation_id: int, keep_reasons: bool) -> None:
        """All of it is to be gone; who holds a part of it loses it, and may still wake."""
        book, before = self.before(conversation_id)
        messages, actions, _, letters = self.anyone.forget(conversation_id, keep_reasons=keep_reasons)
        assert (messages, actions) == (
            len(before.waiting) + len(before.meanwhile),
            len(before.outbox) + len(book.later),
        )
        assert letters == len(book.letters)
        handed_out = (book.bells, book.turns, book.sendings, book.held, book.buried)
        gone = Book(letters=book.letters if keep_reasons else {})
        gone.bells, gone.turns, gone.sendings, gone.held, gone.buried = handed_out
        self.books[conversation_id] = gone
        self.look()

    def look(self) -> None:
        """An operator looks."""
        figures = self.anyone.figures()
        letters = {id for book in self.books.values() for id in book.letters}
        assert {letter.id for letter in self.anyone.dead_letters()} == letters
        assert figures.dead_letters == len(letters)
        unfinished = [id for id in self.books if self.world.inside(id).due_in_s is not None]
        assert figures.unfinished == len(unfinished)
        assert sorted(self.anyone.unfinished()) == sorted(unfinished)
