"""A Redis that cannot do what is wanted is refused at start in a sentence; one that keeps nothing now is not ready."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from settings import Settings
from tasks.runtime.requirements import RequirementsNotMet, check_state
from tests.stack import Stack, settings, wait_until
from tests.variants import Variant, become_a_cluster
from webhook_app import create_app

Server = Callable[[Path], Variant]


def another_accounts(server: Variant) -> None:
    with server.client() as client:
        check_state(client, 2)


UNFIT: dict[str, tuple[Server, Callable[[Variant], None], str]] = {
    "without HEXPIRE": (lambda path: Variant(path, "--rename-command", "HEXPIRE", ""), lambda _: None, "no HEXPIRE"),
    "without JSON": (lambda path: Variant(path, modules=False), lambda _: None, "no JSON.GET"),
    "a cluster": (lambda path: Variant(path, "--cluster-enabled", "yes"), become_a_cluster, "is a Redis Cluster"),
    "another account's": (Variant, another_accounts, "this Redis database is of account 2: give account 1"),
}


@contextmanager
def unfit(what: str, path: Path) -> Iterator[tuple[Variant, str]]:
    make, prepare, sentence = UNFIT[what]
    with make(path / "redis") as server:
        prepare(server)
        yield server, sentence


@pytest.mark.parametrize("what", UNFIT)
@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_nothing_starts_on_a_redis_that_will_not_do(name: str, what: str, stack: Stack, tmp_path: Path) -> None:
    with unfit(what, tmp_path) as (server, sentence):
        stack.env["REDIS_URL"] = server.url
        process = stack.start(name)
        wait_until(lambda: not process.is_alive, what=f"{name} to end")
        log = process.log.read_text()
        assert sentence in log
        assert "Traceback" not in log


def test_nothing_starts_on_another_accounts_broker(stack: Stack, tmp_path: Path) -> None:
    with unfit("another account's", tmp_path) as (server, sentence):
        stack.env["CELERY_BROKER_URL"] = server.url
        process = stack.start("worker")
        wait_until(lambda: not process.is_alive, what="the worker to end")
        assert f"CELERY_BROKER_URL: {sentence}" in process.log.read_text()


def test_a_worker_that_began_without_redis_ends_when_it_sees_it(stack: Stack, tmp_path: Path) -> None:
    """The broker is there, the mailboxes' Redis is not, and comes back as another."""
    server = Variant(tmp_path / "redis", modules=False)
    stack.env |= {"CELERY_BROKER_URL": stack.env["REDIS_URL"], "REDIS_URL": server.url}
    worker = stack.start("worker")
    wait_until(lambda: "redis_not_checked" in worker.log.read_text(), what="the worker to have looked")
    with server:
        wait_until(lambda: not worker.is_alive, what="the worker to end")
    assert "no JSON.GET" in worker.log.read_text()


def test_one_that_forgets_when_full_is_warned_of(stack: Stack, tmp_path: Path) -> None:
    options = ("--maxmemory", "1gb", "--maxmemory-policy", "allkeys-lru")
    with Variant(tmp_path / "redis", *options) as server:
        web = stack.start_web(REDIS_URL=server.url)
        assert "redis_forgets_when_full" in web.log.read_text()


def test_the_same_account_starts_again(redis_client: redis.Redis) -> None:
    check_state(redis_client, 1)
    check_state(redis_client, 1)
    with pytest.raises(RequirementsNotMet, match="of account 1"):
        check_state(redis_client, 11)
    redis_client.delete("contesta:account")
    check_state(redis_client, 11)


class TestReady:
    """Where a webhook could not be kept, the web process is not ready."""

    @staticmethod
    def status(url: str) -> int:
        app = create_app(Settings.from_env(settings(url, "http://127.0.0.1:1")))
        with app.extensions["wiring"].redis_client:
            return app.test_client().get("/ready").status_code

    def test_where_it_could(self, redis_server: Variant, redis_client: redis.Redis) -> None:
        assert self.status(redis_server.url) == 200
        (key,) = redis_client.scan_iter("contesta:*:ready")
        assert 0 < redis_client.ttl(key) <= 60

    def test_without_a_redis(self) -> None:
        assert self.status("redis://127.0.0.1:1") == 503

    @pytest.mark.parametrize("what", ["without HEXPIRE"])
    def test_without_a_command(self, what: str, tmp_path: Path) -> None:
        with unfit(what, tmp_path) as (server, _):
            assert self.status(server.url) == 503

    def test_on_a_node_that_has_not_the_slot(self, tmp_path: Path) -> None:
        with Variant(tmp_path / "redis", "--cluster-enabled", "yes") as server:
            assert self.status(server.url) == 503

    def test_on_a_full_one(self, tmp_path: Path) -> None:
        with Variant(tmp_path / "redis", "--maxmemory", "1") as server:
            assert self.status(server.url) == 503

    def test_on_a_replica(self, tmp_path: Path) -> None:
        with Variant(tmp_path / "redis") as server, server.client() as client:
            client.replicaof("127.0.0.1", 1)
            assert self.status(server.url) == 503

    def test_on_one_that_wants_replicas(self, tmp_path: Path) -> None:
        with Variant(tmp_path / "redis", "--min-replicas-to-write", "1") as server:
            assert self.status(server.url) == 503

    def test_where_it_may_not_write(self, tmp_path: Path) -> None:
        with Variant(tmp_path / "redis") as server, server.client() as client:
            client.execute_command("ACL", "SETUSER", "reader", "on", ">hush", "allkeys", "+@read", "+eval", "+evalsha")
            assert self.status(server.url.replace("redis://", "redis://reader:hush@")) == 503
