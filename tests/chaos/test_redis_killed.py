"""Promise 1 while Redis itself is killed, restarted or full. With `appendfsync always` nothing accepted is lost; with
`everysec`, what was accepted within the last second may be: Chatwoot is asked for it
(tasks/recovery/lost_webhooks.py)."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from sandbox.machine.redis import RedisServer
from tests.desk import Desk
from tests.stack import Stack, wait_until
from tests.tally import of_conversation


@pytest.fixture
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One to be killed: the session's is others' too."""
    with RedisServer(tmp_path_factory.mktemp("redis"), fsync="always") as server:
        yield server


@pytest.fixture
def desk(bot_desk: Desk) -> Desk:
    """What is answered with 500 comes again."""
    return bot_desk


def all_answered(desk: Desk, *conversations: int) -> bool:
    return not any(of_conversation(desk, each).lost for each in conversations)


def test_a_restart_under_running_tasks(desk: Desk, stack: Stack, redis_server: RedisServer) -> None:
    """The worker lives on: tasks/runtime/broker.py. With kombu's own transport it dies in most of these restarts."""
    stack.start_web()
    worker = stack.start_worker()
    conversations = range(1, 11)
    for id in conversations:
        desk.conversation(id, f"+3462322654{id}")
    for text in ("one", "two", "three"):
        desk.sandbox.faults.add("slow", times=len(conversations), seconds=2)
        for id in conversations:
            desk.sandbox.customer_writes(text, conversation_id=id)
        wait_until(lambda: any(post.in_flight for post in desk.posts()), what="tasks to be running")
        redis_server.kill()
        redis_server.start()
        wait_until(lambda: all_answered(desk, *conversations), what=f"{text!r} to be answered everywhere")
    assert worker.is_alive
    assert sum(of_conversation(desk, id).answered_once for id in conversations) == 30
    assert all(of_conversation(desk, id).is_clean for id in conversations)


class TestAShortOutageCostsItsLength:
    """Nobody waits for a lease: it would be longer than this test has patience."""

    @pytest.fixture(autouse=True)
    def gate(self, stack: Stack, tmp_path: Path) -> Path:
        gate = tmp_path / "gate"
        gate.mkdir()
        (gate / "closed").touch()
        stack.env |= {"GRAPH": "tests.graphs:gated", "TEST_GATE": str(gate), "LEASE_SECONDS": "250"}
        return gate

    def test_as_a_turn_ends(self, desk: Desk, stack: Stack, redis_server: RedisServer, gate: Path) -> None:
        """It is no failure of the graph's, and no attempt is used up."""
        stack.start_web()
        stack.start_worker()
        desk.conversation(3)
        desk.sandbox.customer_writes("one", conversation_id=3)
        wait_until(lambda: list(gate.glob("thinking-*")), what="the turn to be thought")
        redis_server.kill()
        (gate / "closed").unlink()
        wait_until(lambda: any(each in stack.logs() for each in ("redis_away", "graph_failed")), what="it to be saved")
        redis_server.start()
        assert desk.wait_for_replies(1) == ["Echo: one"]
        assert "graph_failed" not in stack.logs()
        assert len(list(gate.glob("thinking-*"))) == 1

    def test_as_a_reply_is_posted(self, desk: Desk, stack: Stack, redis_server: RedisServer, gate: Path) -> None:
        (gate / "closed").unlink()
        stack.start_web()
        stack.start_worker()
        desk.conversation(3)
        desk.sandbox.faults.add("slow", seconds=2)
        desk.sandbox.customer_writes("one", conversation_id=3)
        wait_until(lambda: any(post.in_flight for post in desk.posts()), what="the post to be in flight")
        redis_server.kill()
        wait_until(
            lambda: any(each in stack.logs() for each in ("redis_away", "raised unexp")), what="it to be settled"
        )
        redis_server.start()
        desk.sandbox.customer_writes("two", conversation_id=3)
        assert desk.wait_for_replies(2) == ["Echo: one", "Echo: two"]


def test_accepted_before_answered_after(desk: Desk, stack: Stack, redis_server: RedisServer) -> None:
    """Redis dies the moment that the message has been accepted."""
    stack.env["COALESCE_SECONDS"] = "2"  # so that nobody has begun
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.customer_writes("one", conversation_id=3)
    desk.sandbox.settle()
    redis_server.kill()
    assert desk.replies() == []
    redis_server.start()
    assert desk.wait_for_replies(1) == ["Echo: one"]


def test_while_it_is_away_the_web_says_500_and_recovers(desk: Desk, stack: Stack, redis_server: RedisServer) -> None:
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    redis_server.kill()
    desk.sandbox.customer_writes("one", conversation_id=3)
    wait_until(lambda: 500 in statuses(desk), what="the web process to say 500")
    assert readiness(stack) == 503
    redis_server.start()
    assert desk.wait_for_replies(1) == ["Echo: one"]
    assert readiness(stack) == 200


def test_full_it_refuses_and_keeps_no_half(
    desk: Desk, stack: Stack, redis_server: RedisServer, redis_client: redis.Redis
) -> None:
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.customer_writes("one", conversation_id=3)
    desk.wait_for_replies(1)
    desk.sandbox.settle()
    before = set(redis_client.scan_iter("contesta:*:4:*"))
    redis_client.config_set("maxmemory", 1)
    desk.conversation(4, "+34623226545")
    desk.sandbox.customer_writes("two", conversation_id=4)
    wait_until(lambda: 500 in statuses(desk), what="the web process to say 500")
    assert set(redis_client.scan_iter("contesta:*:4:*")) == before == set()
    redis_client.config_set("maxmemory", 0)
    assert desk.wait_for_replies(1, 4) == ["Echo: two"]


def test_full_while_turns_are_under_way(desk: Desk, stack: Stack, redis_client: redis.Redis) -> None:
    """What was accepted is answered when memory is given back, and once: a reply that was posted is recorded late."""
    stack.start_web()
    worker = stack.start_worker()
    desk.conversation(3)
    desk.sandbox.faults.add("slow", seconds=1)
    desk.sandbox.customer_writes("one", conversation_id=3)
    wait_until(desk.posts, what="the reply to be on its way")
    redis_client.config_set("maxmemory", 1)
    desk.sandbox.customer_writes("two", conversation_id=3)
    wait_until(lambda: 500 in statuses(desk), what="the web process to say 500")
    redis_client.config_set("maxmemory", 0)
    wait_until(lambda: all_answered(desk, 3), what="both to be answered")
    assert of_conversation(desk, 3).is_clean, desk.replies()
    assert worker.is_alive


def statuses(desk: Desk) -> set[int | None]:
    return {delivery.status for delivery in desk.sandbox.deliveries}


def readiness(stack: Stack) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{stack.port}/ready", timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
