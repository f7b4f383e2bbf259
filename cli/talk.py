"""A conversation without Chatwoot: who has it, what was said and is not answered yet, and the graph's memory of it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Literal

from langgraph.checkpoint.memory import InMemorySaver

from graph.context import Conversation
from graph.outcome import HandOver, Outcome
from graph.said import Said
from graph.thinking import Thinker

_THREAD = "chat"


@dataclass
class Talk:
    """What a worker makes of a conversation, in this process and for as long as it lives.

    Where a graph raises, its memory is what it was before the turn, and what the customer said comes with the next one.
    """

    thinker: Thinker
    memory: InMemorySaver
    """The thinker's."""
    about: Conversation
    people_have_it: bool = False
    """The bot is silent until the conversation is given back."""
    _awaits: bool = False
    """The graph has stopped for what people decide."""
    _said: list[Said] = field(default_factory=list)
    """Since the graph last ran."""
    _count: int = 0
    _turns: int = 0

    def customer(self, text: str) -> Outcome:
        """What the graph wants; nothing, where people have the conversation.

        Raises:
            Exception: whatever the graph raises.
        """
        self._hear(text, "customer")
        return () if self.people_have_it else self._turn()

    def note(self, text: str) -> None:
        """The team's, in private."""
        self._hear(text, "note")

    def person(self, text: str) -> None:
        """What one of the team writes to the customer, who has the conversation then."""
        self._hear(text, "person")
        self.people_have_it = True

    def give_back(self) -> Outcome:
        """As `customer`: what was said and not answered meanwhile is, and a graph that waited goes on."""
        self.people_have_it = False
        return self._turn() if self._awaits or self._unanswered() else ()

    def _hear(self, text: str, by: Literal["customer", "note", "person"]) -> None:
        self._count += 1
        self._said.append(Said(f"chatwoot:{self._count}", text, by, place=self._count))

    def _unanswered(self) -> list[Said]:
        """The customer's words after the last ones of a person."""
        last = max((index for index, each in enumerate(self._said) if each.by == "person"), default=-1)
        return [each for each in self._said[last + 1 :] if each.by == "customer"]

    def _turn(self) -> Outcome:
        said = self._unanswered()
        before = deepcopy((self.memory.storage, self.memory.writes))
        try:
            outcome = self._thought(said)
        except Exception:
            self.memory.storage, self.memory.writes = before
            self._said = [replace(each, by="unanswered") if each in said else each for each in self._said]
            self.people_have_it = self._awaits
            raise
        self._said = []
        handed_over = [want for want in outcome if isinstance(want, HandOver)]
        self.people_have_it, self._awaits = bool(handed_over), any(want.waits for want in handed_over)
        return outcome

    def _thought(self, said: Sequence[Said]) -> Outcome:
        self._turns += 1
        had_it = self._awaits or any(each.by == "person" for each in self._said)
        return self.thinker.think(
            _THREAD,
            str(self._turns),
            said,
            earlier=[each for each in self._said if each not in said],
            resumes=self._awaits,
            context=replace(self.about, handed_back=had_it),
        )
