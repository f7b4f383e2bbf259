"""A turn is kept while its worker lives, and taken up again when it is gone: on a real Redis, with real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
import structlog

from sandbox.machine.redis import RedisServer
from tasks.mailbox import Mailbox, Sending, Timing, Turn, WakeThinker
from tasks.mailbox.doorbells import Doorbells
from tasks.recovery.watchdog import BackgroundThreads, Holdings, reclaim_from_dead, reclaim_overdue
from tasks.runtime.processes import ProcessRegistry, is_dead, owner_of_this_process
from tests.mailbox.worlds import RedisWorld
from tests.stack import wait_until

TIMING = Timing(quiet_s=0, most_quiet_s=0, lease_s=30, grace_s=30)

WORKER = """
import sys, redis
from tasks.mailbox import Mailbox
from tasks.runtime.processes import ProcessRegistry, owner_of_this_process
client = redis.Redis.from_url(sys.argv[1], decode_responses=True, protocol=2)
mailbox = Mailbox(client, account_id=1, owner=owner_of_this_process(), shards=2)
ProcessRegistry(client, 1).register(mailbox.owner)
mailbox.claim(3, sys.argv[2])
print(mailbox.owner, flush=True)
sys.stdin.read()
"""
"""A worker process that takes the turn of conversation 3, and thinks until it is told to end."""


class Bells:
    """Doorbells that are only written down."""

    def __init__(self) -> None:
        self.rung: list[tuple[int, WakeThinker]] = []
        self.sent: list[int] = []
        self.doorbells = Doorbells(lambda id, ring: self.rung.append((id, ring)), self.sent.append)


@pytest.fixture
def bells() -> Bells:
    return Bells()


@pytest.fixture
def world(redis_client: redis.Redis) -> RedisWorld:
    return RedisWorld(redis_client, account_id=1)


@pytest.fixture
def mailbox(world: RedisWorld) -> Mailbox:
    return world.open(owner_of_this_process(), TIMING)


@pytest.fixture
def registry(redis_client: redis.Redis) -> ProcessRegistry:
    return ProcessRegistry(redis_client, account_id=1)


def rung(mailbox: Mailbox, message_id: int = 10) -> WakeThinker:
    doorbell = mailbox.accept(3, message_id, f"message {message_id}").doorbell
    assert doorbell is not None
    return doorbell


def claimed(mailbox: Mailbox, doorbell: WakeThinker) -> Turn:
    turn = mailbox.claim(3, doorbell.bell)
    assert isinstance(turn, Turn)
    return turn


class TestHoldings:
    def test_a_heartbeat_keeps_what_is_held(self, world: RedisWorld, mailbox: Mailbox) -> None:
        holdings = Holdings(hard_limit_s=120)
        turn = claimed(mailbox, rung(mailbox))
        with holdings.hold(turn):
            for _ in range(3):
                world.pass_time(20)
                holdings.beat(mailbox)
            assert list(mailbox.overdue()) == []
        mailbox.commit(turn, [])

    def test_a_heartbeat_keeps_the_outbox(self, world: RedisWorld, mailbox: Mailbox) -> None:
        holdings = Holdings(hard_limit_s=120)
        mailbox.enqueue(3, "a", "by hand")
        sending = mailbox.begin_sending(3)
        assert sending is not None
        with holdings.hold(sending):
            world.pass_time(20)
            holdings.beat(mailbox)
            world.pass_time(20)
            assert list(mailbox.overdue()) == []

    def test_who_takes_too_long_is_given_up(self, world: RedisWorld, mailbox: Mailbox) -> None:
        holdings = Holdings(hard_limit_s=0)
        with holdings.hold(claimed(mailbox, rung(mailbox))):
            world.pass_time(20)
            holdings.beat(mailbox)
            world.pass_time(20)
            assert list(mailbox.overdue()) == [3]

    def test_what_is_not_held_any_more_is_not_kept(self, world: RedisWorld, mailbox: Mailbox) -> None:
        holdings = Holdings(hard_limit_s=120)
        with holdings.hold(claimed(mailbox, rung(mailbox))):
            pass
        world.pass_time(20)
        holdings.beat(mailbox)
        world.pass_time(20)
        assert list(mailbox.overdue()) == [3]

    def test_what_is_handed_back_can_be_taken_up_at_once(self, mailbox: Mailbox, bells: Bells) -> None:
        holdings = Holdings(hard_limit_s=120)
        doorbell = rung(mailbox)
        with holdings.hold(claimed(mailbox, doorbell)):
            assert holdings.release_all(mailbox, bells.doorbells) == 1
        assert bells.rung == [(3, WakeThinker(doorbell.bell, 0))]
        assert claimed(mailbox, doorbell).attempt == 2

    def test_a_post_that_is_handed_back_stays_in_doubt(self, mailbox: Mailbox, bells: Bells) -> None:
        holdings = Holdings(hard_limit_s=120)
        mailbox.enqueue(3, "a", "by hand")
        sending = mailbox.begin_sending(3)
        assert sending is not None
        with holdings.hold(sending):
            holdings.release_all(mailbox, bells.doorbells)
        again = mailbox.begin_sending(3)
        assert isinstance(again, Sending)
        assert bells.sent == [3]
        assert (again.tries, again.doubt_s > 0) == (2, True)


class TestWatchdog:
    def test_what_is_overdue_is_rung_for_once(self, world: RedisWorld, mailbox: Mailbox, bells: Bells) -> None:
        doorbell = rung(mailbox)
        assert reclaim_overdue(mailbox, bells.doorbells) == 0
        world.pass_time(40)
        assert [reclaim_overdue(mailbox, bells.doorbells) for _ in range(3)] == [1, 0, 0]
        assert bells.rung == [(3, WakeThinker(doorbell.bell, 0))]

    def test_each_time_it_waits_longer(self, world: RedisWorld, mailbox: Mailbox, bells: Bells) -> None:
        rung(mailbox)
        world.pass_time(40)
        reclaim_overdue(mailbox, bells.doorbells)
        world.pass_time(40)
        assert reclaim_overdue(mailbox, bells.doorbells) == 0
        world.pass_time(40)
        assert reclaim_overdue(mailbox, bells.doorbells) == 1

    def test_an_outbox_is_sent(self, world: RedisWorld, mailbox: Mailbox, bells: Bells) -> None:
        mailbox.enqueue(3, "a", "by hand")
        world.pass_time(40)
        reclaim_overdue(mailbox, bells.doorbells)
        assert (bells.rung, bells.sent) == ([], [3])


@contextmanager
def another_process(redis_url: str, doorbell: WakeThinker) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A worker that has taken the turn, and its name."""
    line = [sys.executable, "-c", WORKER, redis_url, doorbell.bell]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        owner = process.stdout.readline().strip()
        try:
            yield process, owner
        finally:
            process.kill()


class TestTheDead:
    def test_their_turns_are_taken_up_at_once(
        self, redis_server: RedisServer, mailbox: Mailbox, registry: ProcessRegistry, bells: Bells
    ) -> None:
        """Killed as the kernel does when memory runs out; nobody waits for the lease."""
        doorbell = rung(mailbox)
        with another_process(redis_server.url, doorbell) as (process, _):
            assert mailbox.claim(3, doorbell.bell) is None
            assert reclaim_from_dead(mailbox, bells.doorbells, registry) == 0
            process.kill()
            process.wait()
            assert reclaim_from_dead(mailbox, bells.doorbells, registry) == 1
        assert bells.rung == [(3, WakeThinker(doorbell.bell, 0))]
        assert claimed(mailbox, doorbell).attempt == 2
        assert registry.dead() == []

    def test_a_zombie_is_dead(self, redis_server: RedisServer, mailbox: Mailbox) -> None:
        """Its parent has not asked for its end yet."""
        with another_process(redis_server.url, rung(mailbox)) as (process, owner):
            assert not is_dead(owner)
            process.kill()
            wait_until(lambda: is_dead(owner), what="the process to be seen as dead")

    def test_what_the_living_hold_is_theirs(self, mailbox: Mailbox, registry: ProcessRegistry, bells: Bells) -> None:
        claimed(mailbox, rung(mailbox))
        registry.register(mailbox.owner)
        assert reclaim_from_dead(mailbox, bells.doorbells, registry) == 0
        assert bells.rung == []

    def test_of_another_machine_nobody_can_tell(
        self, world: RedisWorld, registry: ProcessRegistry, bells: Bells
    ) -> None:
        _, pid, started = owner_of_this_process().rsplit("/", 2)
        elsewhere = world.open(f"elsewhere~pid:[1]/{pid}/{started}", TIMING)
        claimed(elsewhere, rung(elsewhere))
        registry.register(elsewhere.owner)
        assert reclaim_from_dead(elsewhere, bells.doorbells, registry) == 0
        assert not is_dead(f"elsewhere~pid:[1]/{pid}/1")

    def test_a_process_number_that_is_used_again_is_another_process(self) -> None:
        here, pid, started = owner_of_this_process().rsplit("/", 2)
        assert int(pid) == os.getpid()
        assert not is_dead(f"{here}/{pid}/{started}")
        assert is_dead(f"{here}/{pid}/{int(started) - 3600}")


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """One that the test may kill. With `always`, what was answered is there again."""
    with RedisServer(tmp_path / "redis", fsync="always") as server:
        yield server


@pytest.fixture
def client(own_redis: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(own_redis.url, decode_responses=True, protocol=2) as client:
        yield client


@contextmanager
def running(threads: BackgroundThreads) -> Iterator[None]:
    threads.start(most_stuck=100, end=lambda: None)
    try:
        yield
    finally:
        threads.stop()


def failed(logs: list[structlog.typing.EventDict], threads: str) -> Callable[[], bool]:
    return lambda: any(line["event"] == "background_thread_failed" and line["thread"] == threads for line in logs)


def test_the_keeper_survives_redis(own_redis: RedisServer, client: redis.Redis, bells: Bells) -> None:
    """Heartbeat and watchdog go on when Redis comes back: a turn is kept, and a lost doorbell is rung again."""
    mailbox = Mailbox(client, account_id=1, timing=TIMING, owner=owner_of_this_process())
    hasty = Mailbox(client, account_id=1, timing=Timing(quiet_s=0, most_quiet_s=0, lease_s=0, grace_s=0))
    registry, holdings = ProcessRegistry(client, account_id=1), Holdings(hard_limit_s=120)
    turn = claimed(mailbox, rung(mailbox))
    with (
        structlog.testing.capture_logs() as logs,
        holdings.hold(turn),
        running(
            BackgroundThreads(
                mailbox=mailbox, holdings=holdings, doorbells=bells.doorbells, registry=registry, lease_s=0.4
            )
        ),
    ):
        own_redis.kill()
        wait_until(failed(logs, "heartbeat"), what="the heartbeat to fail")
        wait_until(failed(logs, "watchdog"), what="the watchdog to fail")
        own_redis.start()
        wait_until(lambda: answers(client), what="Redis to answer us")
        registry.remove(mailbox.owner)
        doorbell = hasty.accept(4, 10, "message 10").doorbell
        wait_until(lambda: client.exists("contesta:1:workers"), what="the heartbeat to go on")
        wait_until(lambda: bells.rung, what="the doorbell to be rung again")
    mailbox.commit(turn, [])
    assert doorbell is not None
    assert bells.rung[0] == (4, WakeThinker(doorbell.bell, 0))


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
