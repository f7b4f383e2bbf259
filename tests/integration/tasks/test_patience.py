"""Redis is killed under a step of whoever holds a turn or an outbox: it is done when Redis is back, and once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from structlog.testing import capture_logs

from graph.checkpoint import Memory, MemoryAway
from graph.store import Store
from sandbox.machine.redis import RedisServer
from tasks.mailbox import Mailbox, Sending, Timing, Turn, WakeSender
from tasks.runtime.patience import Patience
from tests.stack import wait_until

LEASE_S = 120.0
CONFIG = {"configurable": {"thread_id": "{00}:1:3", "checkpoint_ns": "", "checkpoint_id": "1"}}


@pytest.fixture
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One to be killed: the session's is others' too."""
    with RedisServer(tmp_path_factory.mktemp("redis"), fsync="always") as server:
        yield server


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(redis_server.url, decode_responses=True, protocol=2, retry=Retry(NoBackoff(), 0))
    yield client
    client.close()


@pytest.fixture
def mailbox(client: redis.Redis) -> Mailbox:
    return Mailbox(client, account_id=1, timing=Timing(quiet_s=0, lease_s=LEASE_S), owner="me")


def bell(mailbox: Mailbox) -> str:
    doorbell = mailbox.accept(3, 1, '{"id": 1}').doorbell
    assert doorbell is not None
    return doorbell.bell


def turn(mailbox: Mailbox) -> Turn:
    claimed = mailbox.claim(3, bell(mailbox))
    assert isinstance(claimed, Turn)
    return claimed


def sending(mailbox: Mailbox) -> Sending:
    mailbox.commit(turn(mailbox), ['{"key": "a"}'])
    begun = mailbox.begin_sending(3)
    assert begun is not None
    return begun


def committed(mailbox: Mailbox) -> int:
    mailbox.commit(turn(mailbox), ['{"key": "a"}'])
    return 3


STEPS: dict[str, tuple[Callable[[Mailbox], Any], Callable[[Mailbox, Any], Any], Callable[[Any], bool]]] = {
    "claim": (bell, lambda mailbox, bell: mailbox.claim(3, bell), lambda got: isinstance(got, Turn)),
    "hear": (turn, lambda mailbox, turn: mailbox.hear(turn, [], up_to=1), lambda got: isinstance(got[0], Turn)),
    "intend": (turn, lambda mailbox, turn: mailbox.intend(turn, "a", "{}", ["1"]), lambda got: got == "{}"),
    "did": (turn, lambda mailbox, turn: mailbox.did(turn, "a", "done"), lambda got: got is None),
    "acts": (turn, lambda mailbox, turn: mailbox.acts(3, ["1"]), lambda got: got == []),
    "commit": (turn, lambda mailbox, turn: mailbox.commit(turn, ["{}"]), lambda got: got == WakeSender()),
    "release a turn": (turn, lambda mailbox, turn: mailbox.release(turn, delay_s=0), lambda got: got is not None),
    "begin sending": (committed, lambda mailbox, id: mailbox.begin_sending(id), lambda got: isinstance(got, Sending)),
    "confirm": (sending, lambda mailbox, sending: mailbox.confirm(sending), lambda got: got is False),
    "settle": (sending, lambda mailbox, sending: mailbox.settle(sending), lambda got: got is None),
    "defer": (sending, lambda mailbox, sending: mailbox.defer(sending, delay_s=0), lambda got: got == 0),
    "release an outbox": (sending, lambda box, sending: box.release(sending, delay_s=0), lambda got: got is not None),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_step_of_who_holds_it(step: str, mailbox: Mailbox, redis_server: RedisServer) -> None:
    prepared, do, is_done = STEPS[step]
    held = prepared(mailbox)
    assert is_done(through_an_outage(redis_server, lambda: do(mailbox, held)))


def through_an_outage(redis_server: RedisServer, step: Callable[[], Any]) -> Any:
    """What a step gives that begins while Redis is away."""
    redis_server.kill()
    with capture_logs() as logs, ThreadPoolExecutor(1) as worker:
        done = worker.submit(step)
        wait_until(lambda: logs or done.done(), what="the step to meet no Redis")
        redis_server.start()
        return done.result(60)


def test_who_may_not_wait_does_not(mailbox: Mailbox, redis_server: RedisServer) -> None:
    """A webhook has three seconds, and a process that ends has other things to do."""
    held = turn(mailbox)
    redis_server.kill()
    with pytest.raises(redis.ConnectionError):
        mailbox.accept(3, 2, '{"id": 2}')
    with pytest.raises(redis.ConnectionError):
        mailbox.release(held, delay_s=0, waits=False)


def test_what_will_not_pass_is_not_waited_for(redis_client: redis.Redis) -> None:
    redis_client.set("contesta:text", "1", ex=60)
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        Patience(LEASE_S)(lambda: redis_client.hget("contesta:text", "field"))


REFUSING = {
    "a replica": ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"),
    "without replicas": ("CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0"),
    "full": ("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"),
}


@pytest.mark.parametrize("what", REFUSING)
def test_a_redis_that_takes_nothing_for_a_while_is_away(what: str, mailbox: Mailbox, client: redis.Redis) -> None:
    held = turn(mailbox)
    begin, end = REFUSING[what]
    client.execute_command(*begin.split())
    with capture_logs() as logs, ThreadPoolExecutor(1) as worker:
        done = worker.submit(mailbox.commit, held, ["{}"])
        wait_until(lambda: logs or done.done(), what="the step to be refused")
        client.execute_command(*end.split())
        assert done.result(60) == WakeSender()


class TestTheGraphsMemory:
    @pytest.fixture
    def clean(self, redis_server: RedisServer) -> Iterator[redis.Redis]:
        client = redis.Redis.from_url(redis_server.url, protocol=2, retry=Retry(NoBackoff(), 0))
        yield client
        client.close()

    def test_waits_too(self, clean: redis.Redis, redis_server: RedisServer) -> None:
        memory = Memory(clean, ttl_s=60, patience=Patience(LEASE_S))
        through_an_outage(redis_server, lambda: memory.put_writes(CONFIG, [("messages", "hi")], "task"))
        assert through_an_outage(redis_server, lambda: memory.get_tuple(CONFIG)) is None

    def test_so_does_what_is_known_of_customers(self, clean: redis.Redis, redis_server: RedisServer) -> None:
        clean.connection_pool.connection_kwargs["decode_responses"] = True
        store = Store(clean, account_id=1, ttl_s=60, patience=Patience(LEASE_S))
        through_an_outage(redis_server, lambda: store.put(("contacts", "1", "7"), "size", {"is": 42}))
        assert through_an_outage(redis_server, lambda: store.get(("contacts", "1", "7"), "size")) is not None

    def test_says_in_the_end_that_it_is_not_there(self, clean: redis.Redis, redis_server: RedisServer) -> None:
        memory = Memory(clean, ttl_s=60)
        redis_server.kill()
        with pytest.raises(MemoryAway):
            memory.get_tuple(CONFIG)
