"""A copy of Redis is made, life goes on, Redis is lost, the copy is restored: nothing is said twice for it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from sandbox import Sandbox
from sandbox.machine.redis import RedisServer
from tasks.mailbox import Mailbox
from tasks.records import actions
from tasks.records.actions import PostMessage
from tests.desk import Desk
from tests.nursery import Nursery
from tests.stack import Stack, settings, wait_until
from tests.tally import answered, of_conversation

REPLIED, WAITING, BY_HAND, REMINDED, OLD = 3, 4, 5, 6, 7


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """One of its own, whose files are copied while it runs."""
    with RedisServer(tmp_path / "redis", fsync="always") as server:
        yield server


@pytest.fixture
def stack(redis_server: RedisServer, sandbox: Sandbox, nursery: Nursery, tmp_path: Path) -> Iterator[Stack]:
    env = settings(redis_server.url, sandbox.url) | {"COALESCE_SECONDS": "0.05", "LEASE_SECONDS": "2"}
    with Stack(env, tmp_path, nursery.start) as processes:
        yield processes


@pytest.fixture
def mailbox(redis_server: RedisServer) -> Iterator[Mailbox]:
    with redis.Redis.from_url(redis_server.url, decode_responses=True, protocol=2) as client:
        yield Mailbox(client, account_id=1)


def by_hand(key: str, *, ago_s: float = 0.0) -> str:
    return actions.dump(
        PostMessage(key=f"by-hand.{key}", content=key, asked_at=time.time() - ago_s, ignores_takeover=True)
    )


def begin(desk: Desk, stack: Stack, mailbox: Mailbox) -> None:
    """A reply in the outbox, a message that waits, one by hand and a reminder, with nobody there to do anything."""
    stack.start_web()
    worker = stack.start_worker(CONTESTA_DIE_AT="begin_sending.before")
    for id in (REPLIED, WAITING, BY_HAND, REMINDED, OLD):
        desk.conversation(id, f"+3462322654{id}")
    desk.sandbox.customer_writes("one", conversation_id=REPLIED)
    wait_until(lambda: not worker.is_alive, what="the worker to die")
    desk.sandbox.customer_writes("one", conversation_id=WAITING)
    desk.sandbox.settle()
    mailbox.enqueue(BY_HAND, "by-hand.noted", by_hand("noted"))
    mailbox.schedule(REMINDED, "by-hand.reminder", by_hand("reminder"), delay_s=0.1)


def live_on(desk: Desk, stack: Stack, mailbox: Mailbox) -> None:
    """All of that is done; what waited is answered together with something that is not in the copy."""
    desk.sandbox.customer_writes("two", conversation_id=WAITING)
    desk.sandbox.settle()
    worker = stack.start_worker()
    stack.celery(
        "call", "tasks.send_reply", "--kwargs", f'{{"conversation_id": {BY_HAND}, "content": "again", "key": "again"}}'
    )
    wait_until(lambda: len(desk.replies(BY_HAND)) == 2 and desk.replies(REMINDED), what="what we say by ourselves")
    wait_until(lambda: desk.replies(REPLIED) and "two" in answered(desk.replies(WAITING)), what="the replies")
    wait_until(lambda: not list(mailbox.unfinished()), what="all to be done")
    worker.stop()


def lose_and_restore(stack: Stack, server: RedisServer, copy: Path) -> None:
    stack.kill_all()
    server.kill()
    shutil.rmtree(server.directory)
    shutil.copytree(copy, server.directory)
    server.start()


def go_on(desk: Desk, stack: Stack, is_over: Callable[[], bool]) -> None:
    stack.start_web()
    stack.start_worker()
    stack.celery(
        "call", "tasks.send_reply", "--kwargs", f'{{"conversation_id": {BY_HAND}, "content": "again", "key": "again"}}'
    )
    for id in (REPLIED, WAITING, BY_HAND, REMINDED):
        desk.sandbox.customer_writes("three", conversation_id=id)
    for id in (REPLIED, WAITING, BY_HAND, REMINDED):
        wait_until(lambda id=id: "three" in answered(desk.replies(id)), what=f"the next reply in {id}")  # type: ignore[misc]
    wait_until(is_over, what="all to be done")


def test_nothing_is_said_twice(
    desk: Desk, stack: Stack, redis_server: RedisServer, mailbox: Mailbox, tmp_path: Path
) -> None:
    begin(desk, stack, mailbox)
    shutil.copytree(redis_server.directory, tmp_path / "copy")
    live_on(desk, stack, mailbox)
    lose_and_restore(stack, redis_server, tmp_path / "copy")
    mailbox.enqueue(OLD, "by-hand.yesterday", by_hand("yesterday", ago_s=24 * 3600))
    assert "1 messages were answered since" in stack.flask("restored")
    go_on(desk, stack, lambda: not list(mailbox.unfinished()))
    assert of_conversation(desk, REPLIED).is_clean, desk.replies(REPLIED)
    assert of_conversation(desk, WAITING).is_clean, desk.replies(WAITING)
    assert [each for each in desk.replies(BY_HAND) if "three" not in each] == ["noted", "again"]
    assert [each for each in desk.replies(REMINDED) if "three" not in each] == ["reminder"]
    assert desk.replies(OLD) == []
    assert [letter.id for letter in mailbox.dead_letters()] == [f"{OLD}.by-hand.yesterday"]
