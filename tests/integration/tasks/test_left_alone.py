"""Whom the bot leaves alone because of a label: by what Chatwoot lists, from one look to the next."""

from __future__ import annotations

import time

import httpx
import pytest
import redis

from chatwoot.client import Client
from chatwoot.errors import ChatwootError
from tasks.customers.left_alone import LabelledContacts, LeftAlone


@pytest.fixture
def left_alone(redis_client: redis.Redis) -> LeftAlone:
    return LeftAlone(redis_client, 1)


def looked(left_alone: LeftAlone, *pages: list[int] | int) -> int:
    """What Chatwoot answers for each page: ids, or a status."""

    def answer(request: httpx.Request) -> httpx.Response:
        page = pages[int(request.url.params["page"]) - 1]
        if isinstance(page, int):
            return httpx.Response(page)
        return httpx.Response(200, json={"payload": [{"id": id} for id in page]})

    client = Client("http://chatwoot.test", 1, "token", transport=httpx.MockTransport(answer))
    return LabelledContacts(client=client, left_alone=left_alone, label="x", give_way=lambda calls: None).refresh()


def test_those_on_all_pages_are(left_alone: LeftAlone) -> None:
    assert looked(left_alone, [5, 6], [7], []) == 3
    assert [id for id in range(4, 9) if left_alone.includes(id)] == [5, 6, 7]
    assert not left_alone.includes(None)


def test_whose_label_is_gone_is_not_but_for_what_they_said_before(left_alone: LeftAlone) -> None:
    looked(left_alone, [5, 6], [])
    looked(left_alone, [6], [])
    now = time.time()
    assert [left_alone.includes(5, said_at) for said_at in (now - 60, now + 60, None)] == [True, False, False]
    assert left_alone.includes(6, now + 60)
    looked(left_alone, [5], [])
    assert left_alone.includes(5, now + 60)


def test_where_chatwoot_does_not_answer_all_is_as_it_was(left_alone: LeftAlone) -> None:
    looked(left_alone, [5, 6], [])
    with pytest.raises(ChatwootError):
        looked(left_alone, [5], 503)
    assert left_alone.includes(6)
