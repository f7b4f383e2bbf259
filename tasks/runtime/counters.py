"""What has been done since the beginning: counted in every process, added up in Redis, shown on /metrics.

`count` is called where the thing happens, and never waits, fails or slows anything: it adds in memory, and a thread
of the process adds that to Redis every second. A process that is killed may lose its last second of counts; one that
ends does not. Where Redis is away they wait.
"""

from __future__ import annotations

import atexit
import threading
from collections import Counter
from enum import StrEnum, auto

import redis
import structlog

log = structlog.get_logger()

_EVERY_S = 1.0


class Counted(StrEnum):
    """What is counted. How often each happened, by its label where it has one."""

    MESSAGES_SENT = auto()
    """To customers, by flow: `reply`, or `outreach` where we or an operator began."""
    TURNS_ANSWERED = auto()
    RETRIES = auto()
    """By what is tried again: `thinking`, `sending`, `writing_first`."""
    DEAD_LETTERS = auto()
    """By what could not be done."""
    HANDOVERS = auto()
    RECONCILED = auto()
    """Messages of which no webhook told."""
    TAKEN_BACK = auto()
    """Conversations that Chatwoot had opened because of us."""
    CONVERSATION_MISSING = auto()
    """A reply's conversation was gone."""
    RECREATED = auto()
    """Conversations made anew for a reply, because the customer's was gone."""
    WEBHOOKS = auto()
    """By what they meant."""
    MODEL_TOKENS = auto()
    """Of all models that graphs asked: `input` and `output`."""
    MODEL_MICRODOLLARS = auto()
    """Millionths of a dollar, by tasks/thinking/prices.json and MODEL_PRICES."""
    STALE_DOORBELLS = auto()
    """Rung for what had been done already: harmless, and a sign of overload where there are many."""


_pending: Counter[str] = Counter()
_lock = threading.Lock()


def count(what: Counted, label: str = "", by: int = 1) -> None:
    """It has happened. In a process without a `CounterFlusher` it is forgotten."""
    with _lock:
        _pending[f"{what} {label}".strip()] += by


class CounterStore:
    """All counts of one account, in one hash in Redis.

    It never expires: a counter that starts anew looks like one that was never used. Its fields are few, since labels
    are words of ours and never ids or texts.
    """

    def __init__(self, client: redis.Redis, account_id: int) -> None:
        """`client` decodes responses."""
        self._redis = client
        self.key = f"contesta:{account_id}:counters"

    def add_pending(self) -> None:
        """Move what this process has counted into Redis. On `redis.RedisError` it stays, to be added later."""
        with _lock:
            moved = Counter(_pending)
            _pending.clear()
        try:
            with self._redis.pipeline(transaction=True) as pipe:
                for name, times in moved.items():
                    pipe.hincrby(self.key, name, times)
                pipe.execute()
        except redis.RedisError:
            with _lock:
                _pending.update(moved)
            raise

    def all(self) -> dict[tuple[Counted, str], int]:
        """By what was counted and its label. What another version of the program counted is passed over."""
        found: dict[tuple[Counted, str], int] = {}
        for name, times in self._redis.hgetall(self.key).items():
            what, _, label = str(name).partition(" ")
            if what in Counted.__members__.values():
                found[Counted(what), label] = int(times)
        return found


class CounterFlusher:
    """Adds what its process counts to the store, every second and at the end."""

    def __init__(self, store: CounterStore) -> None:
        self._store = store
        self._stopped = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """To be called where the process was forked already: threads do not survive that. Safe to repeat."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="counter-flusher", daemon=True)
                self._thread.start()
                atexit.register(self.stop)

    def stop(self) -> None:
        """Safe to repeat."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        self._add()

    def _run(self) -> None:
        while not self._stopped.wait(_EVERY_S):
            self._add()

    def _add(self) -> None:
        try:
            self._store.add_pending()
        except redis.RedisError as error:
            log.warning("not_counted_yet", error=type(error).__name__)
