"""Whatever lies in a queue of the broker: a worker drops what is no message, and goes on."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from celery import Celery

from tests.desk import Desk
from tests.stack import Stack, wait_until

WORDS = "my card is 4111"
RAW = [
    b"",
    b"not JSON " + WORDS.encode(),
    b"\xff\xfe" + WORDS.encode(),
    b"[]",
    b"5",
    b"null",
    b'"' + WORDS.encode() + b'"',
    b"{}",
    b"1" * 5000,
    b"[" * 100_000,
    b'{"__type__": "datetime", "__value__": "my card is 4111"}',
    b'{"body": "", "properties": {}}',
    b'{"properties": {"delivery_tag": []}}',
]
ANYTHING: list[Any] = [None, 5, WORDS, [WORDS], {"a": WORDS}, {}]


def spoilt(message: dict[str, Any]) -> Iterator[bytes]:
    """The message, with each of its values another, or gone."""
    for path in list(paths(message)):
        for value in [*ANYTHING, "gone"]:
            changed = copy.deepcopy(message)
            changed["properties"]["delivery_tag"] = f"tag {path} {value!r:.20}"
            holder = changed
            for step in path[:-1]:
                holder = holder[step]
            if value == "gone":
                del holder[path[-1]]
            else:
                holder[path[-1]] = value
            yield json.dumps(changed).encode()
    for body in (b"not JSON", b"\xff", b"[]", b"[[], {}]", b"[[], {}, null]", b"[5, 5, 5]", b"[[], [], {}]", b"{}"):
        yield json.dumps({**message, "body": base64.b64encode(body).decode()}).encode()


def paths(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, inner in value.items():
        yield (*path, key)
        if isinstance(inner, dict):
            yield from paths(inner, (*path, key))


@pytest.fixture
def worker_goes_on(desk: Desk, stack: Stack, redis_client: redis.Redis) -> Iterator[None]:
    """After all that was put into the queues, a customer is answered by the very same worker, and nothing is left."""
    stack.start_web()
    worker = stack.start_worker()
    yield
    desk.conversation(3)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    assert desk.wait_for_replies(1) == ["Echo: Hola"]
    wait_until(lambda: not redis_client.llen("messages") + redis_client.llen("replies"), what="empty queues")
    wait_until(lambda: not redis_client.hlen("unacked"), what="nothing to be left unacknowledged")
    assert worker.is_alive
    assert WORDS not in stack.logs()


@pytest.mark.usefixtures("worker_goes_on")
@pytest.mark.parametrize("queue", ["messages", "replies"])
def test_what_is_not_even_json(queue: str, redis_client: redis.Redis) -> None:
    redis_client.lpush(queue, *RAW)


@pytest.mark.usefixtures("worker_goes_on")
def test_messages_of_another_shape(stack: Stack, redis_client: redis.Redis) -> None:
    with Celery(broker=stack.env["REDIS_URL"], set_as_current=False) as app:
        kwargs = {"conversation_id": 99, "bell": WORDS}
        app.send_task("tasks.process_message", kwargs=kwargs, queue="nobodys")
    text = redis_client.rpop("nobodys")
    assert isinstance(text, str)
    for message in spoilt(json.loads(text)):
        redis_client.lpush("messages", message)
