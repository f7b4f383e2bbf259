"""What tools do once, as the mailbox keeps it beside the turn's messages."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import redis

from graph.acts import Act
from graph.checkpoint import FencedOff, MemoryAway
from tasks.mailbox import Mailbox, Turn, TurnLost
from tasks.records.codec import Codec


@dataclass(frozen=True)
class _Record(Act):
    """As it is kept. `token`: of the turn's holder who tried it last; intend.lua and did.lua read it."""

    token: str = ""


_CODEC = Codec[_Record](_Record)


@dataclass(frozen=True)
class ActsInMailbox:
    """A turn's `graph.acts.Book`."""

    mailbox: Mailbox
    turn: Turn

    def read(self, messages: Collection[str]) -> Sequence[Act]:
        with self._as_the_graph_knows_it():
            return [_CODEC.load(act) for act in self.mailbox.acts(self.turn.conversation_id, list(messages))]

    def intend(self, act: Act) -> Act:
        record = _Record(**{**asdict(act), "token": self.turn.token})
        with self._as_the_graph_knows_it():
            return _CODEC.load(self.mailbox.intend(self.turn, act.id, _CODEC.dump(record), act.messages))

    def did(self, act: Act, result: str) -> None:
        with self._as_the_graph_knows_it():
            self.mailbox.did(self.turn, act.id, result)

    def did_not(self, act: Act) -> None:
        self.did(act, "")

    @contextmanager
    def _as_the_graph_knows_it(self) -> Iterator[None]:
        try:
            yield
        except TurnLost as error:
            raise FencedOff(self.turn.conversation_id) from error
        except redis.RedisError as error:
            raise MemoryAway(type(error).__name__) from error
