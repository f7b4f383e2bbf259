"""A turn is kept while its worker lives, and taken up again when it is gone: on a real Redis, with real processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
import structlog

from sandbox.machine.redis import RedisServer
from tasks.mailbox import Mailbox, Sending, Timing, Turn, WakeThinker
from tasks.mailbox.doorbells import Doorbells
from tasks.recovery.watchdog import BackgroundThreads, Holdings, reclaim_from_dead, reclaim_overdue
from tasks.runtime.processes import ProcessRegistry, owner_of_this_process
from tasks.runtime.rate_limit import Limits, RateLimit
from tests.mailbox.worlds import RedisWorld
from tests.stack import wait_until

TIMING = Timing(quiet_s=0, most_quiet_s=0, lease_s=30, grace_s=30)

WORKER = """
import sys, redis
from tasks.mailbox import Mailbox
from tasks.runtime.processes import ProcessRegistry, owner_of_this_process
client = redis.Redis.from_url(sys.argv[1], decode_responses=True, protocol=2)
own = redis.Redis.from_url(sys.argv[1], decode_responses=True, protocol=2, single_connection_client=True)
mailbox = Mailbox(client, account_id=1, owner=owner_of_this_process(), shards=2)
registry = ProcessRegistry(own, 1, mailbox.owner)
registry.register()
mailbox.claim(3, sys.argv[2])
print(mailbox.owner, flush=True)
for line in sys.stdin:
    registry.register()
    print(flush=True)
"""
"""A worker process that takes the turn of conversation 3, thinks until it ends, and says that it lives when asked."""


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
def registry(redis_server: RedisServer, mailbox: Mailbox) -> Iterator[ProcessRegistry]:
    with registry_on(redis_server.url, mailbox.owner) as registry:
        yield registry


@contextmanager
def registry_on(url: str, owner: str) -> Iterator[ProcessRegistry]:
    """With a connection of its own."""
    with redis.Redis.from_url(url, decode_responses=True, protocol=2, single_connection_client=True) as client:
        yield ProcessRegistry(client, 1, owner)


@pytest.fixture
def reclaim(redis_client: redis.Redis, mailbox: Mailbox, registry: ProcessRegistry, bells: Bells) -> Callable[[], int]:
    """Look so often that whoever is silent and not connected is dead."""
    rate_limit = RateLimit(redis_client, 1, Limits())

    def look() -> int:
        return reclaim_from_dead(mailbox=mailbox, doorbells=bells.doorbells, registry=registry, rate_limit=rate_limit)

    return lambda: sum(look() for _ in range(4))


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
def another_process(
    redis_url: str, doorbell: WakeThinker, *, within: Sequence[str] = ()
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A worker that has taken the turn, and its name; `within`: the command that starts it."""
    line = [*within, sys.executable, "-c", WORKER, redis_url, doorbell.bell]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        owner = process.stdout.readline().strip()
        try:
            yield process, owner
        finally:
            process.kill()


def says_that_it_lives(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    process.stdout.readline()


# In a container of its own, where the process numbers of the others mean nothing.
CONTAINER = ("unshare", "--pid", "--fork", "--kill-child")


def may_make_containers() -> bool:
    return subprocess.run([*CONTAINER, "true"], capture_output=True).returncode == 0


class TestTheDead:
    @pytest.mark.parametrize("within", [(), CONTAINER], ids=["here", "in a container"])
    def test_their_turns_are_taken_up_before_they_are_overdue(
        self,
        within: Sequence[str],
        redis_server: RedisServer,
        mailbox: Mailbox,
        registry: ProcessRegistry,
        bells: Bells,
        reclaim: Callable[[], int],
    ) -> None:
        """Killed as the kernel does when memory runs out; nobody waits for the lease."""
        doorbell = rung(mailbox)
        if within and not may_make_containers():
            within = ()  # not root: then there is the other row only
        with another_process(redis_server.url, doorbell, within=within) as (process, owner):
            assert mailbox.claim(3, doorbell.bell) is None
            assert reclaim() == 0
            process.kill()
            process.wait()
            wait_until(lambda: not connected(registry, owner), what="Redis to hear of its end")
            assert reclaim() == 1
        assert bells.rung == [(3, WakeThinker(doorbell.bell, 0))]
        assert claimed(mailbox, doorbell).attempt == 2
        assert registry.dead() == []

    def test_whoever_is_silent_and_connected_is_busy(
        self, redis_server: RedisServer, mailbox: Mailbox, reclaim: Callable[[], int]
    ) -> None:
        """Or stopped for a while, by a debugger say: it has its lease."""
        with another_process(redis_server.url, rung(mailbox)):
            assert reclaim() == 0

    def test_whoever_lost_its_connection_and_speaks_is_alive(
        self, redis_server: RedisServer, redis_client: redis.Redis, mailbox: Mailbox, reclaim: Callable[[], int]
    ) -> None:
        with another_process(redis_server.url, rung(mailbox)) as (process, owner):
            [connection] = [each for each in redis_client.client_list() if each["name"] == owner]
            redis_client.client_kill_filter(_id=connection["id"])
            says_that_it_lives(process)
            assert reclaim() == 0

    def test_what_the_living_hold_is_theirs(self, mailbox: Mailbox, bells: Bells, reclaim: Callable[[], int]) -> None:
        claimed(mailbox, rung(mailbox))
        assert reclaim() == 0
        assert bells.rung == []

    def test_of_the_connections_to_another_server_nobody_can_tell(
        self, redis_server: RedisServer, redis_client: redis.Redis, world: RedisWorld, reclaim: Callable[[], int]
    ) -> None:
        """Redis was restarted: whoever does not introduce itself anew has its lease."""
        old = world.open("elsewhere/1/1", TIMING)
        claimed(old, rung(old))
        redis_client.hset("contesta:1:processes", "elsewhere/1/1", f"{'0' * 40}/7/1")
        redis_client.expire("contesta:1:processes", 60)
        assert reclaim() == 0
        assert not redis_client.hexists("contesta:1:processes", "elsewhere/1/1")

    @pytest.mark.parametrize("entry", ["", "x", "a/b/c", "a/0/1", "a/-1/1", "a/1/1/1", "٣/1/1", f"a/{'9' * 30}/1"])
    @pytest.mark.parametrize("owner", ["", "a name", "a/b", "ñ" * 300])
    def test_what_nobody_can_read_harms_nobody(
        self, owner: str, entry: str, redis_client: redis.Redis, mailbox: Mailbox, reclaim: Callable[[], int]
    ) -> None:
        redis_client.hset("contesta:1:processes", owner, entry)
        redis_client.expire("contesta:1:processes", 60)
        claimed(mailbox, rung(mailbox))
        assert reclaim() == 0
        assert not redis_client.hexists("contesta:1:processes", owner)

    def test_where_redis_does_not_tell_the_lease_decides(
        self, redis_server: RedisServer, redis_client: redis.Redis, mailbox: Mailbox
    ) -> None:
        """A managed Redis may forbid CLIENT: one line says so, and nothing else is different."""
        redis_client.acl_setuser(
            "narrow", enabled=True, nopass=True, keys=["*"], categories=["+@all"], commands=["-client|list"]
        )
        url = redis_server.url.replace("redis://", "redis://narrow:any@")
        try:
            with registry_on(url, mailbox.owner) as registry, structlog.testing.capture_logs() as logs:
                for _ in range(4):
                    registry.register()
                    assert registry.dead() == []
        finally:
            redis_client.acl_deluser("narrow")
        assert [line["event"] for line in logs] == ["leases_decide_who_is_dead"]

    def test_no_two_processes_have_the_same_name(self, redis_server: RedisServer, mailbox: Mailbox) -> None:
        with another_process(redis_server.url, rung(mailbox)) as (_, owner):
            assert owner != owner_of_this_process() == owner_of_this_process()


def connected(registry: ProcessRegistry, owner: str) -> bool:
    return any(each["name"] == owner for each in registry._client.client_list())


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
    holdings = Holdings(hard_limit_s=120)
    turn = claimed(mailbox, rung(mailbox))
    with (
        structlog.testing.capture_logs() as logs,
        holdings.hold(turn),
        registry_on(own_redis.url, mailbox.owner) as registry,
        running(
            BackgroundThreads(
                mailbox=mailbox,
                holdings=holdings,
                doorbells=bells.doorbells,
                registry=registry,
                rate_limit=RateLimit(client, 1, Limits()),
                lease_s=0.4,
            )
        ),
    ):
        own_redis.kill()
        wait_until(failed(logs, "heartbeat"), what="the heartbeat to fail")
        wait_until(failed(logs, "watchdog"), what="the watchdog to fail")
        own_redis.start()
        wait_until(lambda: answers(client), what="Redis to answer us")
        client.delete("contesta:1:processes")
        doorbell = hasty.accept(4, 10, "message 10").doorbell
        wait_until(lambda: client.exists("contesta:1:processes"), what="the registry to go on")
        wait_until(lambda: bells.rung, what="the doorbell to be rung again")
    mailbox.commit(turn, [])
    assert doorbell is not None
    assert bells.rung[0] == (4, WakeThinker(doorbell.bell, 0))


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
