"""When a dead letter is not tried again: somebody has answered since, or what failed is not kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from chatwoot import events
from chatwoot.client import Client
from tasks import acts
from tasks.acts import Post
from tasks.dead_letters import AnsweredSince, DeadLetters, Grave, NothingLeft, bury, bury_undelivered
from tasks.doorbells import Doorbells
from tests.fakes import FakeMailbox, Memory

PAYLOADS = Path(__file__).parents[2] / "payloads"
FAILED_AT = 1_795_388_490.75
BY_HAND = Post(key="by-hand.1", content="Your order is ready", asked_at=FAILED_AT, by_hand=True)


def outgoing(id: int, created_at: int) -> dict[str, Any]:
    return {"id": id, "message_type": 1, "created_at": created_at}


def letters_in(box: FakeMailbox, *messages: dict[str, Any]) -> DeadLetters:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"payload": list(messages)}))
    client = Client("http://chatwoot.test", 1, "token", transport=transport)
    return DeadLetters(box, client, client, Doorbells(lambda *_: None, lambda _: None), print)  # type: ignore[arg-type]


def retry(*messages: dict[str, Any]) -> list[str]:
    """What is to be sent again of a message sent by hand, whose place among `messages` is not known."""
    box = FakeMailbox(Memory())
    box.bury(3, bury(BY_HAND.key, Grave(3, "post", "404", 1, FAILED_AT, acts.dump(BY_HAND))))
    letters_in(box, *messages).retry("3.by-hand.1")
    return [sending.act] if (sending := box.begin_sending(3)) else []


def test_it_is_sent_where_nobody_has_answered() -> None:
    assert retry(outgoing(8, int(FAILED_AT) - 1))


def test_chatwoot_tells_whole_seconds_so_the_same_second_may_be_later() -> None:
    with pytest.raises(AnsweredSince):
        retry(outgoing(8, int(FAILED_AT)))


def test_a_file_that_did_not_reach_the_customer_is_chatwoots_to_send_again() -> None:
    payload = json.loads((PAYLOADS / "message_updated-outgoing-failed-external_error.json").read_text())
    event = events.parse(payload | {"attachments": [{"id": 1, "file_type": "file"}]})
    assert isinstance(event, events.MessageUpdated)
    box = FakeMailbox(Memory())
    bury_undelivered(box, event)  # type: ignore[arg-type]
    ((id, _),) = letters_in(box).all()
    with pytest.raises(NothingLeft):
        letters_in(box).retry(id)
