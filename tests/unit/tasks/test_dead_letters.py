"""When a dead letter is not tried again: somebody has answered since."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from chatwoot.client import Client
from tasks import acts
from tasks.acts import Post
from tasks.dead_letters import AnsweredSince, DeadLetters, Grave, bury
from tasks.doorbells import Doorbells
from tests.fakes import FakeMailbox, Memory

FAILED_AT = 1_795_388_490.75
BY_HAND = Post(key="by-hand.1", content="Your order is ready", asked_at=FAILED_AT, by_hand=True)


def outgoing(id: int, created_at: int) -> dict[str, Any]:
    return {"id": id, "message_type": 1, "created_at": created_at}


def retry(*messages: dict[str, Any]) -> list[str]:
    """What is to be sent again of a message sent by hand, whose place among `messages` is not known."""
    box, looked_at = FakeMailbox(Memory()), list[int]()
    box.bury(3, bury(BY_HAND.key, Grave(3, "post", "404", 1, FAILED_AT, acts.dump(BY_HAND))))
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"payload": list(messages)}))
    client = Client("http://chatwoot.test", 1, "token", transport=transport)
    letters = DeadLetters(box, client, Doorbells(lambda *_: None, looked_at.append), print)  # type: ignore[arg-type]
    letters.retry("3.by-hand.1")
    return [sending.act] if (sending := box.begin_sending(3)) else []


def test_it_is_sent_where_nobody_has_answered() -> None:
    assert retry(outgoing(8, int(FAILED_AT) - 1))


def test_chatwoot_tells_whole_seconds_so_the_same_second_may_be_later() -> None:
    with pytest.raises(AnsweredSince):
        retry(outgoing(8, int(FAILED_AT)))
