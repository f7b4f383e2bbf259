"""What must be so in a conversation, by what its mailbox has answered: the mailbox machine's own account of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from tasks.mailbox import DeadLetterRecord, News, Sending, Turn, WakeSender, WakeThinker, Word
from tests.known import Known

SAME_WORDS_S = 600

T = TypeVar("T")


@dataclass
class Book:
    """One conversation: what has come in, what is to go out, and what has been handed to workers, dead ones too."""

    ids: set[int] = field(default_factory=set)
    ids_of_customers: set[int] = field(default_factory=set)
    sources: dict[str, float] = field(default_factory=dict)
    accepted: set[int] = field(default_factory=set)
    waiting: set[int] = field(default_factory=set)
    answered: list[int] = field(default_factory=list)
    meanwhile: dict[int, str] = field(default_factory=dict)
    """What was said while people had the conversation: to be known, not answered."""
    readings: dict[int, str] = field(default_factory=dict)
    """What each message says that waits, or is known, where that is something."""
    given: dict[int, str] = field(default_factory=dict)
    """What they said as the turn at hand was given them."""
    answered_readings: dict[int, str] = field(default_factory=dict)
    edits: set[int] = field(default_factory=set)
    """Which of them were answered before."""
    known: list[int] = field(default_factory=list)
    """What a turn has been told of in that way."""
    whose: Known = field(default_factory=Known)
    words: set[int] = field(default_factory=set)
    echoes: set[int] = field(default_factory=set)
    said: dict[str, float] = field(default_factory=dict)
    """By digest, when we said it."""
    look: bool = False
    """Chatwoot's list is to be read."""
    looked: int = 0
    awaits: str = ""
    """The name of a turn whose graph waits for what people decide."""
    lapses_at: float | None = None
    """Until when, if they say nothing."""
    is_cancelled: bool = False
    """They have resolved the conversation."""
    awaiting_reply: tuple[int, ...] = ()
    """What was answered, until the answer is heard."""
    resume: bool = False
    """They have."""

    posted: set[str] = field(default_factory=set)
    marks: set[str] = field(default_factory=set)
    outbox: list[str] = field(default_factory=list)
    later: list[tuple[float, str, int | None]] = field(default_factory=list)
    """What is put off: until when, what, and the id of a message: not if the customer has written a newer one."""
    tried: set[str] = field(default_factory=set)
    withheld: bool = False
    """A bubble of the turn that is being said was not said."""
    settled: int = 0
    overtakes: bool | None = None
    there: int | None = None
    newest_said: int = 0
    arrived: int = 0
    """The greatest id of ours that its channel has, or refused."""
    awaits_arrival: int = 0
    seen: set[str] = field(default_factory=set)
    letters: dict[str, tuple[int, ...] | str] = field(default_factory=dict)

    # In the order in which they were handed out; they are never taken back.
    bells: list[str] = field(default_factory=list)
    number: int = 0
    turns: list[Turn] = field(default_factory=list)
    sendings: list[Sending] = field(default_factory=list)
    held: list[Turn | Sending] = field(default_factory=list)
    buried: list[str] = field(default_factory=list)
    holder: str = ""
    """The token of the turn, or of the outbox."""

    @property
    def is_silenced(self) -> bool:
        return self.whose.is_peoples or self.whose.is_over

    @property
    def is_suppressed(self) -> bool:
        return self.is_silenced or self.withheld

    def takes_in(self, news: News, now: float) -> str:
        """Returns "taken" or "given back" where it has changed hands."""
        words = [word for word in news.words if not self.is_echo(word, now)]
        change, is_given_back = self.whose.learn(news, words)
        if self.whose.is_over and self.awaits:
            self.is_cancelled = True
            self.meanwhile = {id: text for id, text in self.meanwhile.items() if by_whom(text) != "note"}
        if change == "given back" and not self.whose.is_over:
            self.takes_back()
            self.resume = self.resume or bool(self.awaits)
        if is_given_back and not self.is_silenced:
            self.look = True
        return change

    def takes_back(self) -> None:
        """What the customer said since a person last answered."""
        word = self.whose.word[0] if self.whose.word else 0
        answered = max([word, *(id for id, text in self.meanwhile.items() if by_whom(text) == "person")])
        for id in [id for id in self.customers_meanwhile() if id >= answered or id in self.edits]:
            self.waiting.add(id)
            del self.meanwhile[id]

    def takes_note(self, id: int, now: float) -> bool:
        """Whether it is news for a graph that waits."""
        is_late = self.lapses_at is not None and self.lapses_at <= now and self.is_silence
        if not self.awaits or self.is_cancelled or is_late or id in self.words:
            return False
        self.words.add(id)
        self.meanwhile[id] = text_of(id, by="note")
        return True

    @property
    def is_silence(self) -> bool:
        """People have said nothing since they were asked."""
        return not any(by_whom(text) in ("note", "person") for text in self.meanwhile.values())

    def is_echo(self, word: Word, now: float) -> bool:
        if word.id not in self.echoes:
            if not word.said or now - self.said.get(word.said, float("-inf")) > SAME_WORDS_S:
                return False
            del self.said[word.said]
            self.echoes.add(word.id)
        return True

    def is_gone(self, id: int) -> None:
        """The message was deleted."""
        self.ids.add(id)
        self.accepted.discard(id)
        self.waiting.discard(id)
        self.meanwhile.pop(id, None)
        self.edits.discard(id)
        self.readings.pop(id, None)
        self.answered_readings.pop(id, None)
        self.answered = [each for each in self.answered if each != id]
        self.known = [each for each in self.known if each != id]

    def reads_now(self, id: int, text: str) -> None:
        if id not in self.edits:
            self.readings[id] = text

    def is_given(self, turn: Turn) -> None:
        """To a worker, with all that is to be known."""
        self.given = {id_of(text): str(json.loads(text)["text"]) for text in turn.messages}
        assert self.given == {id: self.readings.get(id, "") for id in self.given}
        told = [(id_of(text), by_whom(text)) for text in turn.earlier]
        assert told == [(id, by_whom(self.meanwhile[id])) for id in sorted(self.meanwhile)]

    def is_left_to_people(self) -> None:
        """What waits is theirs, unless something is to be sent first."""
        if not self.outbox:
            self.meanwhile |= {id: text_of(id) for id in self.waiting}
            self.waiting, self.resume, self.look = set(), False, False

    def goes_on(self, following: WakeThinker | WakeSender | None) -> None:
        """A stage has ended: `following` is what must follow."""
        if self.withheld and not self.outbox:
            self.withheld = False
            if not self.is_silenced:
                self.takes_back()
        if self.is_silenced:
            self.is_left_to_people()
        if self.outbox:
            assert following == WakeSender()
        elif self.waiting or self.resume or self.look:
            assert isinstance(following, WakeThinker)
            self.heard(following)
        else:
            assert following is None

    def brings_what_was_put_off(self, now: float) -> None:
        due = sorted((each for each in self.later if each[0] <= now), key=lambda each: each[:2])
        self.later = [each for each in self.later if each not in due]
        self.outbox += [action for _, action, unless in due if not self.is_called_off(action, unless, now)]

    def is_called_off(self, action: str, unless: int | None, now: float) -> bool:
        turn, is_lapse, _ = key_of(action).partition(".lapsed")
        if is_lapse:
            is_early = (self.lapses_at or 0) > now
            return self.awaits != turn or self.is_cancelled or is_early or not self.is_silence
        return unless is not None and max(self.ids_of_customers, default=0) > unless

    def heard(self, doorbell: WakeThinker | None) -> None:
        if doorbell is not None:
            assert doorbell.bell not in self.bells
            self.bells.append(doorbell.bell)

    def buries(self, letter: DeadLetterRecord, what: tuple[int, ...] | str) -> None:
        if letter.id:
            self.buried.append(letter.id)
            self.letters[letter.id] = what

    def customers_meanwhile(self) -> list[int]:
        return [id for id, text in self.meanwhile.items() if is_customers(text)]


def text_of(id: int, by: str = "customer", text: str = "", edit: str = "") -> str:
    return json.dumps({"id": id, "by": by, "text": text, "edit": edit})


def id_of(text: str) -> int:
    return int(json.loads(text)["id"])


def key_of(action: str) -> str:
    return str(json.loads(action)["key"])


def by_whom(text: str) -> str:
    return str(json.loads(text)["by"])


def is_customers(text: str) -> bool:
    return by_whom(text) == "customer"


def pick(things: Sequence[T], age: int) -> T | None:
    """The newest at age 0, or one of the older ones."""
    return things[-1 - min(age, len(things) - 1)] if things else None
