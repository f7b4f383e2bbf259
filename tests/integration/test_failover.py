"""Redis is made a replica, hangs, or takes nothing, with connections open: nobody ends, and all goes on after it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import redis

from chatwoot.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from sandbox.machine.redis import RedisServer
from tests.desk import Desk
from tests.forwarder import Forwarder
from tests.stack import ROOT, SECRET, Process, Stack, wait_until
from tests.variants import Variant

HOLA = ROOT / "tests" / "payloads" / "message_created-incoming-whatsapp.json"
CHATWOOT_WAITS_S = 5


@pytest.fixture
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One to be demoted: the session's is others' too."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def running(desk: Desk, stack: Stack) -> list[Process]:
    """Web and worker, with connections that have been used."""
    processes = [stack.start_web(), stack.start_worker()]
    for id in (3, 4):
        desk.conversation(id, f"+3462322654{id}")
        desk.sandbox.customer_writes("before", conversation_id=id)
        desk.wait_for_replies(1, id)
    return processes


def statuses(desk: Desk) -> set[int | None]:
    return {delivery.status for delivery in desk.sandbox.deliveries}


class TestAnotherBecomesTheMaster:
    @pytest.fixture
    def address(self, redis_server: RedisServer, stack: Stack) -> Iterator[Forwarder]:
        with Forwarder(redis_server.port) as address:
            stack.env["REDIS_URL"] = f"redis://127.0.0.1:{address.port}/0"
            yield address

    def test_no_webhook_is_refused_and_all_are_answered(
        self,
        address: Forwarder,
        running: list[Process],
        desk: Desk,
        redis_server: RedisServer,
        redis_client: redis.Redis,
        tmp_path: Path,
    ) -> None:
        with Variant(tmp_path / "replica") as replica, replica.client() as other:
            other.replicaof("127.0.0.1", redis_server.port)
            wait_until(lambda: other.info("replication")["master_link_status"] == "up", what="the replica")
            address.to = replica.port
            other.replicaof("NO", "ONE")
            redis_client.replicaof("127.0.0.1", replica.port)
            for id in (3, 4):
                desk.sandbox.customer_writes("after", conversation_id=id)
                desk.wait_for_replies(2, id)
            assert statuses(desk) == {200}
            assert all(process.is_alive for process in running)
            redis_client.replicaof("NO", "ONE")


REFUSING = {
    "a replica": ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"),
    "without replicas": ("CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0"),
    "full": ("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"),
}


@pytest.mark.parametrize("what", REFUSING)
def test_while_it_takes_nothing_nobody_ends(
    what: str, running: list[Process], desk: Desk, redis_client: redis.Redis
) -> None:
    begin, end = REFUSING[what]
    redis_client.execute_command(*begin.split())
    for id in (3, 4):
        desk.sandbox.customer_writes("meanwhile", conversation_id=id)
    wait_until(lambda: 500 in statuses(desk), what="the web process to say 500")
    redis_client.execute_command(*end.split())
    for id in (3, 4):
        desk.wait_for_replies(2, id)
    assert all(process.is_alive for process in running)


def post(stack: Stack, id: int) -> httpx.Response:
    """A customer's message in a conversation of its own. Raises where nobody answers in Chatwoot's time."""
    webhook = json.loads(HOLA.read_text()) | {"id": id, "source_id": f"wamid.{id}"}
    webhook["conversation"]["id"] = id
    body, timestamp = json.dumps(webhook).encode(), str(int(time.time()))
    headers = {TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: sign(body, timestamp=timestamp, secret=SECRET)}
    return httpx.post(stack.webhook_url, content=body, headers=headers, timeout=CHATWOOT_WAITS_S)


def test_while_it_hangs_chatwoot_is_told_before_it_hangs_up(
    running: list[Process], stack: Stack, redis_server: RedisServer
) -> None:
    """At 24 at once. Chatwoot waits for 5 s, and sends again only what was answered."""
    os.kill(redis_server.pid, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(24) as chatwoot:
            answers = list(chatwoot.map(lambda id: post(stack, id), range(100, 124)))
    finally:
        os.kill(redis_server.pid, signal.SIGCONT)
    assert {answer.status_code for answer in answers} == {500}
    wait_until(lambda: post(stack, 100).status_code == 200, what="the web process to be well again")
    assert all(process.is_alive for process in running)
