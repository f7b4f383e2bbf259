"""One product, used by all rows: Redis, a Chatwoot, web, worker and beat as real processes, and customers who write."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import redis

from sandbox import Sandbox
from sandbox.machine.redis import RedisServer
from tests.bookings import Bookings
from tests.desk import Desk
from tests.stack import BOT_TOKEN, SECRET, Process, Stack, settings, wait_until, wait_until_idle
from tests.tally import Tally, answered, of_conversation

_PATIENCE_S = 90


@dataclass
class Scene:
    """What a row plays in. Processes are replaced as they die, Chatwoot and Redis stay."""

    desk: Desk
    stack: Stack
    redis_server: RedisServer
    redis_client: redis.Redis
    web: Process
    worker: Process
    beat: Process
    conversations: list[int] = field(default_factory=list)
    """Of the row that is being played."""
    written_at: dict[str, float] = field(default_factory=dict)
    """Text -> Unix seconds."""
    bookings: Bookings | None = None
    """Where each text is to be booked, once. None: it is not."""

    @property
    def sandbox(self) -> Sandbox:
        return self.desk.sandbox

    def begin(self, conversations: int) -> None:
        """New customers, a Chatwoot in which nothing is broken, and all processes alive."""
        self.sandbox.faults.clear()
        self.sandbox.webhook_faults.clear()
        self.sandbox.forget_requests()
        self.conversations = [self._conversation() for _ in range(conversations)]
        self.written_at = {}
        self.bookings = None

    def write(self, *conversations: int) -> None:
        """Each of these conversations' customers, or of all, writes once more."""
        for id in conversations or self.conversations:
            text = f"{id}/{len(self.desk.written(id)) + 1}"
            self.written_at[text] = time.time()
            self.sandbox.customer_writes(text, conversation_id=id)

    def wait_for_webhooks(self) -> None:
        self.sandbox.settle(60)

    def wait_for_answers(self) -> None:
        """Until every message is answered or given up, and nobody has anything left to do."""
        wait_until(lambda: not self.unanswered(), what=f"answers to {self.unanswered()}", timeout_s=_PATIENCE_S)
        self.wait_until_idle()

    def wait_until_idle(self) -> None:
        wait_until_idle(self.redis_client, timeout_s=_PATIENCE_S)

    def unanswered(self) -> set[str]:
        return set(self.tally().lost) - self.given_up()

    def tally(self) -> Tally:
        said = sum((of_conversation(self.desk, id) for id in self.conversations), Tally())
        if self.bookings is None:
            return said
        times = self.bookings.times()
        lost = tuple(text for text in self.written_at if not times[text] and text not in said.lost)
        doubled = tuple(text for text in times if times[text] > 1 and text not in said.doubled)
        return replace(said, lost=said.lost + lost, doubled=said.doubled + doubled)

    def given_up(self) -> set[str]:
        """The texts whose replies are dead letters."""
        return {text for reply in self._dead_replies() for text in answered([reply])} & self.written_at.keys()

    def worst_delay_s(self) -> float:
        """From writing to the POST that made it into Chatwoot."""
        self.sandbox.faults.clear()  # a request that hangs says only in the end what it has stored
        wait_until(lambda: not any(post.in_flight for post in self.desk.posts()), what="the last answer")
        delays = [
            request.at - self.written_at[text]
            for request in self.desk.posts()
            if request.message_id is not None and not request.body["private"]
            for text in self.written_at.keys() & answered([request.body["content"]])
        ]
        return max(delays, default=0.0)

    # Processes

    def replace_worker(self, *, die_at: str = "", **env: str) -> None:
        self.worker.kill()
        self.worker = self.stack.start_worker(CONTESTA_DIE_AT=die_at, **env)

    def replace_web(self) -> None:
        self.web.kill()
        self.web = self.stack.start_web()

    def replace_beat(self) -> None:
        self.beat.kill()
        self.beat = self.stack.start("beat")

    @contextmanager
    def more_workers(self, count: int) -> Iterator[None]:
        more = [self.stack.start_worker() for _ in range(count)]
        yield
        for worker in more:
            worker.stop()

    # Inside

    def _conversation(self) -> int:
        id = max(self.sandbox.conversation_ids, default=0) + 1
        return self.desk.conversation(id, f"+34600{id:06}")

    def _dead_replies(self) -> Iterator[str]:
        for key in self.redis_client.scan_iter("contesta:*dead_letters"):
            for letter in self.redis_client.hvals(key):
                act = json.loads(json.loads(str(letter))["content"])
                if act.get("act") == "post" and not act["private"]:
                    yield act["content"]


@contextmanager
def scene(directory: Path) -> Iterator[Scene]:
    """Start everything; it ends with the block."""
    with ExitStack() as running:
        redis_server = running.enter_context(RedisServer(directory / "redis", fsync="always"))
        sandbox = running.enter_context(Sandbox(admin_token="admin-token"))
        stack = running.enter_context(Stack(_settings(redis_server, sandbox), directory))
        client = redis.Redis.from_url(redis_server.url, decode_responses=True, protocol=2)
        running.callback(client.close)
        # Told by an account webhook, which Chatwoot sends once: the strictest it can be.
        bot = sandbox.add_agent_bot(access_token=BOT_TOKEN)
        inbox = sandbox.add_inbox(agent_bot_id=bot.id)
        sandbox.add_webhook(url=stack.webhook_url, secret=SECRET)
        beat = stack.start("beat")
        web, worker = stack.start_web(), stack.start_worker()
        yield Scene(Desk(sandbox, inbox.id), stack, redis_server, client, web, worker, beat)


def _settings(redis_server: RedisServer, sandbox: Sandbox) -> dict[str, str]:
    return {
        **settings(redis_server.url, sandbox.url),
        # As in production, only faster.
        "LEASE_SECONDS": "4",
        "CHATWOOT_TIMEOUT_SECONDS": "3",
        "RECONCILE_SECONDS": "2",
        "RECONCILE_GRACE_SECONDS": "2",
    }
