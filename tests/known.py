"""What the fake mailbox knows of whose a conversation is: tasks/mailbox/lua/_ownership.lua, in plain Python."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from tasks.mailbox import News, Word

OVER = "over"
A_MINUTE = 60_000
KINDS = ("assigned", "paused", "status", OVER)


@dataclass
class Known:
    """Put together from news in any order. Times are Chatwoot's milliseconds."""

    at: int = 0
    signs: tuple[str, ...] = ()
    resolved: bool = False
    present: dict[str, int] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    back: int = 0
    all: int = 0
    by_hand: int = 0
    word: tuple[int, int] | None = None
    """Id and time."""
    handed: int = 0
    handed_by: int = 0

    @property
    def is_peoples(self) -> bool:
        for sign in self.signs:
            if self.present.get(sign, float("inf")) > (self.by_hand if sign == "paused" else self.all):
                return True
        if self.word is not None and self.word[1] >= self.back:
            return True
        if self.handed == -1:
            return self.back <= self.handed_by + A_MINUTE
        return self.handed > self.back

    @property
    def is_over(self) -> bool:
        return self.resolved and not 0 < self.present.get(OVER, 0) <= self.by_hand

    def learn(self, news: News, words: Iterable[Word]) -> tuple[Literal["taken", "given back", ""], bool]:
        """Whether it has changed hands, and whether somebody has given it back."""
        was_peoples, all_before = self.is_peoples, self.all
        for kind, at in news.gone.items():
            self._is_gone(kind, at)
        for sign, at in news.present.items():
            self._is_gone(_kind(sign), at - 1)
            self._is_there(sign, at)
        self._is_given_back(max(news.back, news.all), news.all)
        if news.at is not None:
            self._is_so(news.at, news)
        for word in words:
            if self.word is None or word.id > self.word[0]:
                self.word = (word.id, word.at)
            elif word.id == self.word[0]:
                self.word = (word.id, min(self.word[1], word.at))
        if news.handed is not None:
            self.handed, self.handed_by = news.handed, news.handed_by or 0
        is_given_back = self.all > all_before or (was_peoples and not self.is_peoples)
        if self.is_peoples == was_peoples:
            return "", is_given_back
        return "taken" if self.is_peoples else "given back", is_given_back

    def give_back_by_hand(self) -> None:
        times = [self.at, self.handed, *self.present.values(), self.word[1] + 1 if self.word else 0]
        self.by_hand = max(times)
        self.handed = max(self.handed, 0)
        self._is_given_back(self.by_hand, self.by_hand)

    def _is_so(self, at: int, news: News) -> None:
        kinds = {*map(_kind, news.signs), *([OVER] if news.over else [])}
        if at >= self.at:
            for sign in self.signs:
                if _kind(sign) not in kinds:
                    self._is_given_back(self.at + 1, self.at + 1 if _kind(sign) == "status" else 0)
            self.at, self.signs, self.resolved = at, news.signs, news.over
        for kind in KINDS:
            if kind not in kinds:
                self._is_gone(kind, at)
        for sign in news.signs:
            self._is_there(sign, at)
        if self.at == at:
            shown = {*news.signs, OVER}
            self.present = {s: since for s, since in self.present.items() if _kind(s) not in kinds or s in shown}
        if news.over:
            self._is_there(OVER, at)
            self._is_given_back(at, at)

    def _is_there(self, sign: str, at: int) -> None:
        if at > self.gone.get(_kind(sign), 0):
            self.present[sign] = min(at, self.present.get(sign, at))

    def _is_gone(self, kind: str, at: int) -> None:
        if at > self.gone.get(kind, 0):
            self.gone[kind] = at
            self.present = {s: since for s, since in self.present.items() if _kind(s) != kind or since > at}

    def _is_given_back(self, back: int, everything: int) -> None:
        self.back, self.all = max(self.back, back), max(self.all, everything)


def _kind(sign: str) -> str:
    return sign.split(":")[0]
