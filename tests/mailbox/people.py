"""What people do while the mailbox machine's workers work: take over, hand back, delete, look after dead letters."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tasks.mailbox import News, NoSuchDeadLetter, Word
from tests.mailbox.accidents import Accidents
from tests.mailbox.book import Book, pick, text_of
from tests.mailbox.working import ages, conversations, message_ids, seldom, signs, times, words

some_times = st.sampled_from((0, 0, 1, 2, 3, 4, 5, 6))
news = st.builds(
    News,
    at=st.one_of(st.none(), times),
    signs=signs,
    over=seldom,
    present=st.dictionaries(st.sampled_from(("assigned:7", "assigned:8", "paused", "status:open")), times, max_size=1),
    gone=st.dictionaries(st.sampled_from(("assigned", "paused", "status")), times, max_size=1),
    back=some_times,
    all=some_times,
    handed=st.sampled_from((None, None, None, None, -1, 2, 4)),
    handed_by=st.sampled_from((None, -60_000, 3 - 60_000)),
)


class People(Accidents):
    @rule(conversation_id=conversations, news=news, word=words, opens=st.booleans())
    def learn(self, conversation_id: int, news: News, word: Word | None = None, opens: bool = False) -> None:
        """Webhooks tell what people did, late, in any order, and again."""
        book, before = self.before(conversation_id)
        message = text_of(word.id, by="person") if word else ""
        action = self.action() if word and opens else ""
        news = replace(news, words=(word,) if word else ())
        following = self.anyone.learn(conversation_id, news, message=message, opens=action)
        is_new = False
        if word and not book.is_echo(word, self.now) and word.id not in book.words:
            is_new = True
            book.words.add(word.id)
            book.meanwhile[word.id] = message
            book.outbox += [action] if action else []
        change = book.takes_in(news, self.now)
        has_more = is_new and bool(action)
        is_idle, is_queued = before.stage == "idle", before.stage == "queued"
        if (is_idle and (change or has_more or book.look)) or (is_queued and (book.is_silenced or has_more)):
            book.goes_on(following)
        else:
            assert following is None

    @rule(conversation_id=conversations, at=times)
    def give_back(self, conversation_id: int, at: int) -> None:
        self.learn(conversation_id, News(at=at, back=at, all=at))

    @rule(conversation_id=conversations, id=message_ids)
    def looked(self, conversation_id: int, id: int) -> None:
        book, _ = self.before(conversation_id)
        self.anyone.looked(conversation_id, id)
        book.looked = max(book.looked, id)

    @rule(conversation_id=conversations, id=message_ids)
    def forget_message(self, conversation_id: int, id: int) -> None:
        """It was deleted in Chatwoot: nobody is to answer it."""
        book, _ = self.before(conversation_id)
        note = text_of(id, by="nobody")
        self.anyone.forget_message(conversation_id, id, note)
        book.awaiting_reply = tuple(each for each in book.awaiting_reply if each != id)
        book.is_gone(id)
        book.meanwhile[id] = note

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
            book.ids |= set(what)
            book.edits -= set(what)
            book.readings |= dict.fromkeys(what, "")
            book.waiting |= set(what)
            book.meanwhile = {id: text for id, text in book.meanwhile.items() if id not in what}
            book.accepted |= set(what)
            book.answered = [each for each in book.answered if each not in what]
            book.whose.give_back_by_hand()
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
