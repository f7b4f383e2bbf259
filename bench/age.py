"""What a turn costs in an old conversation, and in a young one: all of it but Celery and the call to Chatwoot."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import median

import redis

from bench.product import Product
from bench.results import Figure, Result
from graph.checkpoint import Fence, Memory
from graph.loader import load
from graph.said import Said
from graph.thinking import Thinker
from sandbox.machine.redis import RedisServer
from tasks.mailbox import Mailbox, Sending, Timing, Turn, WakeThinker

_HISTORY_LIMIT = 40
_OLD, _YOUNG = 1000, 10
_TURNS = 40
_TEXT = "About as long as what a customer writes. " * 3


@dataclass(frozen=True)
class Cost:
    commands: int
    """Redis', with those inside of scripts."""
    cpu_s: float
    """Without Redis' own."""


@dataclass(frozen=True)
class Talk:
    """Conversations of one message and one answer after the other."""

    client: redis.Redis
    mailbox: Mailbox
    thinker: Thinker
    _ids: count[int] = field(default_factory=lambda: count(1))

    def begin(self, conversation_id: int, *, messages: int) -> int:
        """A conversation that has so many messages."""
        for _ in range(messages // 2):
            self.turn(conversation_id)
        return conversation_id

    def cost(self, conversation_id: int) -> Cost:
        commands, cpu_s = self._commands(), time.process_time()
        self.turn(conversation_id)
        cpu_s = time.process_time() - cpu_s
        return Cost(self._commands() - commands, cpu_s)

    def turn(self, conversation_id: int) -> None:
        """Accepted, claimed, thought, committed, sent."""
        id = next(self._ids)
        doorbell = self.mailbox.accept(conversation_id, id, f'{{"id": {id}}}').doorbell
        assert isinstance(doorbell, WakeThinker)
        turn = self.mailbox.claim(conversation_id, doorbell.bell)
        assert isinstance(turn, Turn)
        self._think(turn, id)
        self.mailbox.commit(turn, [f'{{"key": "m{id}"}}'])
        sending = self.mailbox.begin_sending(conversation_id)
        assert isinstance(sending, Sending)
        self.mailbox.settle(sending)

    def _think(self, turn: Turn, id: int) -> None:
        thread = self.mailbox.thread(turn.conversation_id)
        fence = Fence(self.mailbox.state_key(turn.conversation_id), "token", turn.token)
        self.thinker.think(thread, f"m{id}", [Said(f"chatwoot:{id}", _TEXT)], fence=fence)

    def _commands(self) -> int:
        stats = self.client.info("commandstats")
        return sum(each["calls"] for name, each in stats.items() if name != "cmdstat_info")


def measure(on: Product) -> list[Result]:
    with _talk(on.stack.directory / "redis of its own") as talk:
        old = talk.begin(0, messages=_OLD)
        young = [talk.begin(id, messages=_YOUNG) for id in range(1, _TURNS + 1)]
        costs = [(talk.cost(id), talk.cost(old)) for id in young]  # by turns: the machine's own noise is in both
    return list(_compared([cost for cost, _ in costs], [cost for _, cost in costs]))


def _compared(young: list[Cost], old: list[Cost]) -> Iterator[Result]:
    in_old, in_young = f"in a conversation of {_OLD:,} messages", f"in one of {_YOUNG}"
    yield Result(
        "flat cost: Redis commands of a turn",
        Figure(median(each.commands for each in old), "commands", in_old),
        Figure(median(each.commands for each in young), "commands", in_young),
        1.1,
    )
    yield Result(
        "flat cost: CPU of a turn",
        Figure(1000 * median(each.cpu_s for each in old), "ms", in_old),
        Figure(1000 * median(each.cpu_s for each in young), "ms", in_young),
        1.75,
    )


@contextmanager
def _talk(directory: Path) -> Iterator[Talk]:
    """On a Redis of which nobody else asks anything."""
    with (
        RedisServer(directory) as server,
        redis.Redis.from_url(server.url, protocol=2) as raw,
        redis.Redis.from_url(server.url, protocol=2, decode_responses=True) as client,
    ):
        thinker = Thinker(load("graph.echo:graph", Memory(raw, ttl_s=3600)), _HISTORY_LIMIT)
        mailbox = Mailbox(client, account_id=1, timing=Timing(quiet_s=0, most_quiet_s=0))
        yield Talk(client, mailbox, thinker)
