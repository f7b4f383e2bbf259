"""Which messages nobody has answered, and what has answered since, read from Chatwoot's own list."""

from __future__ import annotations

from typing import Any

import pytest

from chatwoot.conversations import Conversation
from chatwoot.marker import OUR_KEY
from chatwoot.messages import Message
from tasks.ownership.answered import answer_since, seems_unanswered, unanswered, with_failed_answer, written


def customer(id: int) -> dict[str, Any]:
    return {"id": id, "message_type": 0, "content": "Hola"}


def ours(id: int, *answers: int, private: bool = False) -> dict[str, Any]:
    marks = {OUR_KEY: f"m{id}.0", **written(answers)}
    return {"id": id, "message_type": 1, "private": private, "content_attributes": marks}


def person(id: int, **more: Any) -> dict[str, Any]:
    return {"id": id, "message_type": 1, "content_attributes": {}, **more}


ACTIVITY = {"id": 90, "message_type": 2, "content": "Conversation was marked open"}
GREETING = {"id": 91, "message_type": 3, "content": "Hi! Somebody will be with you"}
OLD_SERVERS_REPLY = {"id": 92, "message_type": 1, "content_attributes": {"external_created_at": 1795388490.25}}


@pytest.mark.parametrize(
    ("messages", "left"),
    [
        pytest.param([], [], id="a new conversation"),
        pytest.param([customer(1)], [1], id="nobody answered"),
        pytest.param([customer(1), ours(2, 1)], [], id="answered"),
        pytest.param([customer(1), ours(2, 1), customer(3)], [3], id="wrote again"),
        pytest.param([customer(1), customer(3), ours(4, 3)], [1], id="the lost one was overtaken"),
        pytest.param([customer(1), person(2)], [], id="a person answered"),
        pytest.param([customer(1), person(2), customer(3), ours(4, 3)], [], id="a person, then the bot"),
        pytest.param([customer(1), ours(2)], [1], id="something was sent by hand meanwhile"),
        pytest.param([customer(1), person(2, private=True)], [1], id="a note is no answer"),
        pytest.param([customer(1), {**ours(2, 1), "status": "failed"}], [1], id="nobody has heard it"),
        pytest.param([customer(1), ACTIVITY, GREETING], [1], id="neither is an activity or a greeting"),
        pytest.param([customer(1), OLD_SERVERS_REPLY, customer(3)], [3], id="an old server says less"),
        pytest.param([ours(9, 1), customer(3)], [3], id="the answered one is out of sight"),
    ],
)
def test_what_is_left(messages: list[dict[str, Any]], left: list[int]) -> None:
    assert [each.id for each in unanswered([Message.from_json(each) for each in messages])] == left


@pytest.mark.parametrize(
    ("messages", "answer"),
    [
        pytest.param([customer(5)], None, id="nobody"),
        pytest.param([person(4), customer(5)], None, id="earlier than that"),
        pytest.param([customer(5), person(6)], 6, id="a person"),
        pytest.param([customer(5), person(6, private=True), ACTIVITY, GREETING], None, id="a note is no answer"),
        pytest.param([customer(5), person(6, status="failed")], None, id="nobody has heard it"),
        pytest.param([customer(5), ours(6, 5)], None, id="another bubble of the same turn"),
        pytest.param([customer(5), ours(6, 3, 4)], None, id="an earlier turn's, which came late"),
        pytest.param([customer(5), customer(7), ours(8, 7)], 8, id="a later turn's"),
        pytest.param([customer(5), ours(6)], 6, id="sent by hand"),
    ],
)
def test_who_has_answered_since(messages: list[dict[str, Any]], answer: int | None) -> None:
    found = answer_since([Message.from_json(each) for each in messages], 5)
    assert (found and found.id) == answer


def test_whose_answer_nobody_has_heard() -> None:
    said = [customer(1), ours(2, 1), customer(3), {**ours(4, 3), "status": "failed"}, person(5, status="failed")]
    assert with_failed_answer(map(Message.from_json, said)) == {3}


@pytest.mark.parametrize(
    ("newest", "seems"),
    [
        pytest.param(None, False, id="a new conversation"),
        pytest.param(customer(1), True, id="the customer"),
        pytest.param(ours(2, 1), False, id="the bot"),
        pytest.param(person(2), False, id="a person"),
        pytest.param({**ours(2, 1), "status": "failed"}, True, id="nobody has heard it"),
        pytest.param(person(2, private=True), True, id="a note tells nothing"),
    ],
)
def test_what_the_last_message_tells(newest: dict[str, Any] | None, seems: bool) -> None:
    assert seems_unanswered(Conversation.from_json({"id": 3, "last_non_activity_message": newest})) is seems
