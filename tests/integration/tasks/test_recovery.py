"""A turn is kept while its worker lives, and taken up again when it is gone: on a real Redis, with real processes."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
import structlog

from sandbox.machine.redis import RedisServer
from tasks.mailbox import Mailbox, Sending, Timing, Turn, TurnLost, WakeThinker
from tasks.mailbox.doorbells import Doorbells
from tasks.recovery.holdings import Holdings
from tasks.recovery.watchdog import BackgroundThreads, reclaim_from_dead, reclaim_overdue
from tasks.runtime.processes import ProcessRegistry, owner_of_this_process
from tasks.runtime.rate_limit import Limits, NotNow, RateLimit
from tests.mailbox.worlds import RedisWorld
from tests.stack import ROOT, wait_until

TIMING = Timing(quiet_s=0, most_quiet_s=0, lease_s=30, grace_s=30)

WORKER = """
import sys, redis
from tasks.mailbox import Mailbox
from tasks.runtime.processes import ProcessRegistry, owner_of_this_process
url, bell = sys.argv[1:]
open = lambda: redis.Redis.from_url(url, decode_responses=True, protocol=2, max_connections=1)
mailbox = Mailbox(open(), account_id=1, owner=owner_of_this_process(), shards=2)
registry = ProcessRegistry(open(), 1, mailbox.owner)
registry.register()
mailbox.claim(3, bell)
print(mailbox.owner, flush=True)
for line in sys.stdin:
    registry.register()
    print("registered", flush=True)
"""
"""A worker process that takes the turn of conversation 3 and is killed while it thinks. Told to, it registers again."""


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


@contextmanager
def registry_at(url: str, owner: str) -> Iterator[ProcessRegistry]:
    """Of one process: the connection lasts as long as its life."""
    with redis.Redis.from_url(url, decode_responses=True, protocol=2, max_connections=1) as client:
        yield ProcessRegistry(client, 1, owner)


@pytest.fixture
def registry(redis_server: RedisServer) -> Iterator[ProcessRegistry]:
    with registry_at(redis_server.url, owner_of_this_process()) as registry:
        yield registry


def looked(registry: ProcessRegistry, times: int = 3) -> list[str]:
    """Who is dead after so many looks."""
    for _ in range(times):
        registry.register()
        dead = registry.dead()
    return dead


@pytest.fixture
def rate_limit(redis_client: redis.Redis) -> RateLimit:
    return RateLimit(redis_client, 1, Limits())


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

    def test_who_takes_too_long_is_given_up_and_that_is_known(self, mailbox: Mailbox) -> None:
        holdings = Holdings(hard_limit_s=0)
        doorbell = rung(mailbox)
        with holdings.hold(claimed(mailbox, doorbell)):
            for _ in range(2):
                holdings.beat(mailbox)
            again = claimed(mailbox, doorbell)
        assert (again.attempt, again.overran) == (2, 1)

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

    def test_a_doubt_ends_some_time_after_chatwoot_has_answered(self, world: RedisWorld, mailbox: Mailbox) -> None:
        """Not some time after the try."""
        mailbox.enqueue(3, "a", "by hand")
        sending = mailbox.begin_sending(3)
        assert sending is not None
        mailbox.confirm(sending)
        left_s = []
        for _ in range(2):
            world.pass_time(600)
            again = mailbox.begin_sending(3)
            assert again is not None
            left_s.append(again.doubt_s)
            if again.doubt_s:
                mailbox.doubt(again)
        assert left_s == [Timing().doubt_s, 0]


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


# Process numbers of another name space say nothing here: so it is between containers, and between machines.
ELSEWHERE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")


def may_unshare() -> bool:
    return (
        shutil.which("unshare") is not None
        and subprocess.run([*ELSEWHERE, "true"], capture_output=True).returncode == 0
    )


@dataclass(frozen=True)
class Worker:
    """A worker in a process of its own that has taken the turn."""

    process: subprocess.Popen[str]
    owner: str

    def registers(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "registered\n"

    def is_killed(self) -> None:
        """As the kernel does when memory runs out."""
        self.process.kill()
        self.process.wait()


@contextmanager
def another_process(redis_url: str, doorbell: WakeThinker, *prefix: str) -> Iterator[Worker]:
    line = [*prefix, sys.executable, "-c", WORKER, redis_url, doorbell.bell]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield Worker(process, process.stdout.readline().strip())
        finally:
            process.kill()


class TestTheDead:
    @pytest.mark.parametrize(
        "prefix",
        [
            pytest.param((), id="here"),
            pytest.param(ELSEWHERE, id="elsewhere", marks=pytest.mark.skipif(not may_unshare(), reason="needs root")),
        ],
    )
    def test_a_killed_worker_is_succeeded_long_before_its_lease_ends(
        self, prefix: tuple[str, ...], redis_server: RedisServer, mailbox: Mailbox, bells: Bells, rate_limit: RateLimit
    ) -> None:
        doorbell = rung(mailbox)
        with (
            registry_at(redis_server.url, mailbox.owner) as registry,
            another_process(redis_server.url, doorbell, *prefix) as worker,
            running(
                BackgroundThreads(
                    mailbox=mailbox,
                    holdings=Holdings(120),
                    doorbells=bells.doorbells,
                    registry=registry,
                    rate_limit=rate_limit,
                    lease_s=30,
                )
            ),
        ):
            assert mailbox.claim(3, doorbell.bell) is None
            worker.is_killed()
            wait_until(lambda: bells.rung, what="its turn to be taken up", timeout_s=10)
        assert bells.rung == [(3, WakeThinker(doorbell.bell, 0))]
        assert claimed(mailbox, doorbell).attempt == 2

    def test_one_look_is_enough_for_nobody_to_be_dead(
        self, redis_server: RedisServer, mailbox: Mailbox, registry: ProcessRegistry
    ) -> None:
        with another_process(redis_server.url, rung(mailbox)) as worker:
            worker.is_killed()
            assert looked(registry, 2) == []
            assert looked(registry, 1) == [worker.owner]
            registry.remove(worker.owner)
            assert looked(registry, 1) == []

    def test_the_paused_are_not_dead(
        self, redis_server: RedisServer, mailbox: Mailbox, registry: ProcessRegistry
    ) -> None:
        """They are silent, and connected: the lease decides."""
        with another_process(redis_server.url, rung(mailbox)) as worker:
            worker.process.send_signal(signal.SIGSTOP)
            assert looked(registry, 9) == []
            worker.is_killed()
            assert looked(registry, 1) == [worker.owner]

    def test_who_lost_its_connection_is_not_dead(
        self, redis_server: RedisServer, redis_client: redis.Redis, mailbox: Mailbox, registry: ProcessRegistry
    ) -> None:
        with another_process(redis_server.url, rung(mailbox)) as worker:
            looked(registry, 1)
            redis_client.client_kill_filter(_id=number_of(redis_client, worker.owner))
            assert looked(registry, 1) == []
            worker.registers()
            assert looked(registry, 9) == []  # silent, but connected again
            worker.is_killed()
            assert looked(registry, 1) == [worker.owner]

    def test_who_is_not_shown_itself_blames_nobody(
        self, redis_server: RedisServer, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another server has answered, or a proxy that shows some connections only."""
        with (
            redis.Redis.from_url(redis_server.url, decode_responses=True, protocol=2, max_connections=1) as client,
            another_process(redis_server.url, rung(mailbox)) as worker,
        ):
            registry = ProcessRegistry(client, 1, mailbox.owner)
            worker.is_killed()
            with monkeypatch.context() as partly:
                partly.setattr(client, "client_list", lambda **_: [])
                assert looked(registry, 9) == []
            assert looked(registry, 1) == [worker.owner]

    def test_who_is_wrongly_thought_dead_does_nothing_any_more(
        self,
        redis_server: RedisServer,
        redis_client: redis.Redis,
        bells: Bells,
        mailbox: Mailbox,
        rate_limit: RateLimit,
    ) -> None:
        """Cut off from Redis for longer than a few looks, its network comes back: its turn is another's."""
        doorbell = rung(mailbox)
        turn = claimed(mailbox, doorbell)
        with registry_at(redis_server.url, mailbox.owner) as cut_off, registry_at(redis_server.url, "other") as other:
            cut_off.register()
            redis_client.client_kill_filter(_id=number_of(redis_client, mailbox.owner))
            assert [
                reclaim_from_dead(mailbox=mailbox, rate_limit=rate_limit, doorbells=bells.doorbells, registry=other)
                for _ in range(4)
            ] == [0, 0, 1, 0]
            with pytest.raises(TurnLost):
                mailbox.commit(turn, ["said twice"])
            cut_off.register()
            assert looked(other) == []
        assert claimed(mailbox, doorbell).attempt == 2

    def test_what_cannot_be_read_harms_nobody(
        self, redis_server: RedisServer, redis_client: redis.Redis, mailbox: Mailbox, registry: ProcessRegistry
    ) -> None:
        """Names and entries of other versions, and of nobody."""
        looked(registry, 1)
        server = redis_client.info("server")["run_id"]
        numbers = ("", "0", "-1", "x", "9" * 40, "٣", "5 6", "5/6/7", "5/x")
        for entry in ("", "/", "//", "nonsense", *(f"{server}/{number}/1" for number in numbers)):
            redis_client.hset("contesta:1:processes", f"owner of {entry}", entry)
        for owner in ("", "/", "no-slash", "here~pid:[1]/7/1"):
            redis_client.hset("contesta:1:processes", owner, f"{server}/99999999/1")
        assert sorted(looked(registry)) == ["", "/", "here~pid:[1]/7/1", "no-slash"]
        with another_process(redis_server.url, rung(mailbox)) as worker:
            worker.is_killed()
            assert worker.owner in looked(registry)

    @pytest.mark.parametrize("refused", ["client|list", "client|getname", "client|setname", "info"])
    def test_where_redis_does_not_tell_the_lease_decides(
        self, refused: str, redis_server: RedisServer, redis_client: redis.Redis, mailbox: Mailbox
    ) -> None:
        redis_client.acl_setuser("limited", enabled=True, nopass=True, keys=["*"], commands=["+@all", f"-{refused}"])
        url = redis_server.url.replace("redis://", "redis://limited:any@")
        with (
            structlog.testing.capture_logs() as logs,
            another_process(redis_server.url, rung(mailbox)) as worker,
            registry_at(url, mailbox.owner) as registry,
        ):
            worker.is_killed()
            assert looked(registry, 9) == []
        assert [line["event"] for line in logs] == ["leases_decide_who_is_dead"]

    def test_where_redis_does_not_tell_any_more_the_lease_decides(
        self, redis_server: RedisServer, redis_client: redis.Redis, mailbox: Mailbox
    ) -> None:
        redis_client.acl_setuser("limited", enabled=True, nopass=True, keys=["*"], commands=["+@all"])
        url = redis_server.url.replace("redis://", "redis://limited:any@")
        with another_process(redis_server.url, rung(mailbox)) as worker, registry_at(url, mailbox.owner) as registry:
            looked(registry, 2)
            redis_client.acl_setuser("limited", enabled=True, commands=["-client|list"])
            worker.is_killed()
            assert looked(registry, 9) == []

    def test_a_seat_of_the_dead_comes_free(
        self, redis_client: redis.Redis, redis_server: RedisServer, bells: Bells, mailbox: Mailbox
    ) -> None:
        one = Limits(posts_in_flight=1)
        ours = RateLimit(redis_client, 1, one, owner=mailbox.owner)
        with (
            another_process(redis_server.url, rung(mailbox)) as worker,
            registry_at(redis_server.url, "me") as registry,
        ):
            worker.is_killed()
            with RateLimit(redis_client, 1, one, owner=worker.owner).posting(3):
                with pytest.raises(NotNow), ours.posting(4):
                    pytest.fail("it was posted")
                for _ in range(3):
                    reclaim_from_dead(mailbox=mailbox, rate_limit=ours, doorbells=bells.doorbells, registry=registry)
                with ours.posting(4):
                    pass


def number_of(client: redis.Redis, owner: str) -> str:
    """Of the owner's connection."""
    return next(str(each["id"]) for each in client.client_list() if each["name"] == owner)


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
def running(keeper: BackgroundThreads) -> Iterator[None]:
    keeper.start(most_stuck=100, end=lambda: None)
    try:
        yield
    finally:
        keeper.stop()


def failed(logs: list[structlog.typing.EventDict], thread: str) -> Callable[[], bool]:
    return lambda: any(line["event"] == "background_thread_failed" and line["thread"] == thread for line in logs)


def test_a_restart_of_redis_makes_nobody_dead(own_redis: RedisServer) -> None:
    """Connections are numbered anew, so that a number says nothing of before."""
    with registry_at(own_redis.url, "late") as late, registry_at(own_redis.url, "early") as early:
        late.register()
        assert looked(early) == []
        own_redis.kill()
        own_redis.start()
        wait_until(lambda: registers(early), what="Redis to answer us")
        assert looked(early, 9) == []
        late.register()
        assert looked(early, 9) == []
    with registry_at(own_redis.url, "next") as following:
        assert sorted(looked(following)) == ["early", "late"]


def registers(registry: ProcessRegistry) -> bool:
    try:
        registry.register()
    except redis.ConnectionError:
        return False
    return True


def test_the_threads_survive_what_it_does_not_know(
    client: redis.Redis, bells: Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of our own in one of its threads would leave a worker that nobody watches."""
    mailbox = Mailbox(client, account_id=1, timing=TIMING, owner=owner_of_this_process())
    hasty = Mailbox(client, account_id=1, timing=Timing(quiet_s=0, most_quiet_s=0, lease_s=0, grace_s=0))
    overdue, failures = mailbox.overdue, iter([ZeroDivisionError])

    def fails_once() -> Iterator[int]:
        for failure in failures:
            raise failure
        return overdue()

    monkeypatch.setattr(mailbox, "overdue", fails_once)
    hasty.accept(4, 10, "message 10")
    registry = ProcessRegistry(client, 1, mailbox.owner)
    with (
        structlog.testing.capture_logs() as logs,
        running(
            BackgroundThreads(
                mailbox=mailbox,
                holdings=Holdings(120),
                doorbells=bells.doorbells,
                registry=registry,
                rate_limit=RateLimit(client, 1, Limits()),
                lease_s=30,
            )
        ),
    ):
        wait_until(failed(logs, "watchdog"), what="the watchdog to fail")
        wait_until(lambda: bells.rung, what="the doorbell to be rung all the same")


def test_the_threads_survive_redis(own_redis: RedisServer, client: redis.Redis, bells: Bells) -> None:
    """Heartbeat and watchdog go on when Redis comes back: a turn is kept, and a lost doorbell is rung again."""
    mailbox = Mailbox(client, account_id=1, timing=TIMING, owner=owner_of_this_process())
    hasty = Mailbox(client, account_id=1, timing=Timing(quiet_s=0, most_quiet_s=0, lease_s=0, grace_s=0))
    holdings = Holdings(hard_limit_s=120)
    turn = claimed(mailbox, rung(mailbox))
    with (
        structlog.testing.capture_logs() as logs,
        holdings.hold(turn),
        registry_at(own_redis.url, mailbox.owner) as registry,
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
        wait_until(failed(logs, "registry"), what="the registry to fail")
        own_redis.start()
        wait_until(lambda: answers(client), what="Redis to answer us")
        client.delete("contesta:1:processes")
        doorbell = hasty.accept(4, 10, "message 10").doorbell
        wait_until(lambda: client.exists("contesta:1:processes"), what="the process to be registered again")
        wait_until(lambda: bells.rung, what="the doorbell to be rung again")
    mailbox.commit(turn, [])
    assert doorbell is not None
    assert bells.rung[0] == (4, WakeThinker(doorbell.bell, 0))


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
