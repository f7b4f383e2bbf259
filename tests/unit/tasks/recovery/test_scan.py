"""Looking through conversations: only those that concern the bot, a few pages, and no further than needed."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from chatwoot.client import Client
from chatwoot.conversations import Conversation
from chatwoot.errors import TransientError
from tasks.ownership.policy import Policy
from tasks.recovery.scan import concerning, each_looked_into
from tasks.runtime.rate_limit import NotNow

ONE, TWO = [Conversation.from_json({"id": id}) for id in (1, 2)]


class Lists:
    """Answers as Chatwoot does, and remembers what it was asked."""

    def __init__(self, **pages: list[dict[str, Any]]) -> None:
        self.pages = pages
        self.asked: list[tuple[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        self.asked.append((asked.get("inbox_id", "all"), asked["page"]))
        return httpx.Response(200, json={"data": {"payload": self.pages.get(f"page_{asked['page']}", [])}})


def found(lists: Lists, *inbox_ids: int, waits_since: float = 100) -> list[int]:
    client = Client("http://chatwoot.test", 1, "token", transport=httpx.MockTransport(lists))
    policy = Policy(account_id=1, answer_inbox_ids=frozenset(inbox_ids) or None, answer_statuses=frozenset({"pending"}))
    listed = concerning(
        client, policy, sort_by="waiting_since_desc", reaches=lambda each: (each.waiting_since or 0) > waits_since
    )
    return [each.id for each in listed]


def waiting(id: int, since: int, **more: Any) -> dict[str, Any]:
    return {"id": id, "waiting_since": since, **more}


def test_other_inboxes_are_not_even_asked_for() -> None:
    lists = Lists()
    assert found(lists, 7) == []
    assert lists.asked == [("7", "1")]


def test_pages_are_asked_for_until_one_does_not_reach_so_far() -> None:
    lists = Lists(page_1=[waiting(1, 300), waiting(2, 200)], page_2=[waiting(3, 150), waiting(4, 50)])
    assert found(lists) == [1, 2, 3]
    assert lists.asked == [("all", "1"), ("all", "2")]


def test_blocked_contacts_are_left_out_and_who_is_assigned_is_not() -> None:
    blocked = {"sender": {"id": 1, "blocked": True}}
    assigned = {"assignee": {"id": 1, "type": "user"}}
    lists = Lists(page_1=[waiting(1, 300, meta=blocked), waiting(2, 200, meta=assigned)])
    assert found(lists) == [2]


def test_one_that_is_broken_stops_nobody_and_is_told_of_in_the_end() -> None:
    seen: list[int] = []

    def look(conversation: Conversation) -> None:
        if conversation.id == 1:
            raise TransientError("500")
        seen.append(conversation.id)

    with pytest.raises(TransientError):
        list(each_looked_into([ONE, TWO], look))
    assert seen == [2]


def test_whoever_is_too_early_stops_at_once() -> None:
    asked: list[int] = []

    def look(conversation: Conversation) -> None:
        asked.append(conversation.id)
        raise NotNow("calls", 1)

    with pytest.raises(NotNow):
        list(each_looked_into([ONE, TWO], look))
    assert asked == [1]


def test_where_all_are_broken_it_is_chatwoot() -> None:
    asked: list[int] = []

    def look(conversation: Conversation) -> None:
        asked.append(conversation.id)
        raise TransientError("503")

    with pytest.raises(TransientError):
        list(each_looked_into([ONE] * 20, look))
    assert len(asked) == 5


def test_any_number_of_broken_ones_stops_nobody() -> None:
    conversations = [Conversation.from_json({"id": id}) for id in range(1, 41)]
    seen: list[int] = []

    def look(conversation: Conversation) -> None:
        if conversation.id < 40:
            raise TransientError("500", status=(500, 200, 422)[conversation.id % 3])
        seen.append(conversation.id)

    with pytest.raises(TransientError):
        list(each_looked_into(conversations, look))
    assert seen == [40]
