"""Customers who write and wait, and the time that it takes until the bot's answer is posted."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count, islice

from tests.desk import Desk
from tests.stack import wait_until

_PATIENCE_S = 60
_POSTED = re.compile(r".*/conversations/(\d+)/messages$")


@dataclass(frozen=True)
class Customers:
    """All the customers of a Chatwoot; each has one conversation."""

    desk: Desk
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def new(self, how_many: int) -> list[int]:
        """Conversations of which the bot has been told, and in which nobody has written yet."""
        ids = [self.desk.conversation(id, f"+34600{id:06}") for id in islice(self._numbers, how_many)]
        self.desk.sandbox.settle(_PATIENCE_S)
        return ids

    def write(self, conversation_id: int, text: str) -> float:
        """Returns when, in Unix seconds."""
        now = time.time()
        self.desk.sandbox.customer_writes(text, conversation_id=conversation_id)
        return now

    def trip_s(self, text: str) -> float:
        """How long a new customer waits for the answer. Chatwoot's own 8 ms before its webhook are in it."""
        (id,) = self.new(1)
        written_at = self.write(id, text)
        return self.wait_for_answers([id]) - written_at

    def wait_for_answers(self, ids: Sequence[int]) -> float:
        """Until each of the conversations has one. Returns when the last was posted, in Unix seconds."""

        def all_are_answered() -> bool:
            return self.answered().keys() >= set(ids)

        wait_until(all_are_answered, what=f"answers in {len(ids)} conversations", timeout_s=_PATIENCE_S)
        answered = self.answered()
        return max(answered[id] for id in ids)

    def answered(self) -> dict[int, float]:
        """Conversation -> when its first answer arrived at Chatwoot, in Unix seconds."""
        return {id: posted[0] for id, posted in self._posts(private=False).items()}

    def handed_over(self) -> set[int]:
        """Conversations in which a note tells people why the bot could not answer."""
        return set(self._posts(private=True))

    def _posts(self, *, private: bool) -> dict[int, list[float]]:
        found = defaultdict[int, list[float]](list)
        for post in self.desk.posts():
            if post.status == 200 and post.body["private"] is private and (path := _POSTED.match(post.path)):
                found[int(path[1])].append(post.at)
        return found
