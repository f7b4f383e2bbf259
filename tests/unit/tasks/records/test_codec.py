"""What lies in Redis is read by whichever version of the program finds it: the one before, and the one after."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from graph.outcome import Attributes, File, HandOver, Labels, Later, Note, Reply, Resolve, Silence
from graph.wants import wanted, wants_of
from tasks.mailbox import DeadLetterRecord
from tasks.records import actions, incoming
from tasks.records.actions import (
    Assign,
    Attached,
    ChangeLabels,
    Customer,
    MergeAttributes,
    PostMessage,
    ScheduleMessage,
    SetStatus,
    Unknown,
)
from tasks.records.dead_letter import DeadLetter
from tasks.records.incoming import Incoming

ANA = Customer(17, 1, "34586533524")
POST = PostMessage(
    key="m8.0",
    asked_at=1.5,
    customer=ANA,
    content="Hola \ud83d",
    quick_replies=("A", "B"),
    files=(Attached("a.txt", "/w==", "text/plain"),),
    template_params={"name": "order_update"},
    answers=(7, 8),
    ignores_takeover=True,
)
ACTIONS = (
    POST,
    ScheduleMessage(key="m8.1", asked_at=1.0, post=POST, unless_newer_than=8),
    SetStatus(key="m8.2", asked_at=1.0, status="open"),
    Assign(key="m8.3", asked_at=1.0, team_id=2),
    ChangeLabels(key="m8.4", asked_at=1.0, add=("a",), remove=("b",)),
    MergeAttributes(key="m8.5", asked_at=1.0, values={"size": {"cm": [42]}}),
)
MESSAGE = Incoming(
    8, "That one", attachments=({"kind": "image", "name": "a\ud83d"},), in_reply_to=5, channel="Channel::Whatsapp"
)
LETTER = DeadLetter(conversation_id=3, what="post", reason="404", attempts=1, at=1.5, content="{}", after=8)
WANTS = (
    Reply("Which one?", ("A",), 7, (File("a.txt", b"\x00\xff"),)),
    Later("Still there?", after_s=600, unless_they_write=True),
    HandOver("asks for a person", team_id=2, closing="A colleague goes on."),
    Note("n"),
    Labels(("new",)),
    Attributes({"size": 42}),
    Resolve(),
    Silence("only thanks"),
)


def with_a_field_more(value: Any) -> Any:
    """As a newer version writes it: one field more in each object, whatever it is in."""
    if isinstance(value, dict):
        return {name: with_a_field_more(each) for name, each in value.items()} | {"of_tomorrow": 1}
    return [with_a_field_more(each) for each in value] if isinstance(value, list) else value


def of_tomorrow(text: str) -> str:
    return json.dumps(json.loads(text) | {"of_tomorrow": {"a": [1]}})


def _letter(text: str) -> DeadLetter:
    return DeadLetter.of(DeadLetterRecord("3.m8", text))


@pytest.mark.parametrize(
    ("value", "text", "load"),
    [
        *((action, actions.dump(action), actions.load) for action in ACTIONS),
        (MESSAGE, incoming.dump(MESSAGE), incoming.load),
        (LETTER, LETTER.recorded_as("m8").record, _letter),
    ],
    ids=lambda value: type(value).__name__,
)
def test_it_is_read_by_this_version_and_the_one_before(value: Any, text: str, load: Callable[[str], Any]) -> None:
    text.encode("ascii")
    assert load(text) == value
    assert load(of_tomorrow(text)) == value


def test_a_nested_value_may_have_a_field_more_too() -> None:
    plain = json.loads(actions.dump(POST))
    plain["customer"]["of_tomorrow"] = plain["files"][0]["of_tomorrow"] = 1
    assert actions.load(json.dumps(plain)) == POST


@pytest.mark.parametrize("want", WANTS, ids=lambda want: type(want).__name__)
def test_a_want_of_a_newer_version_is_understood_as_far_as_it_is_known(want: Any) -> None:
    [written] = wanted(want)
    assert wants_of({"wants": [with_a_field_more(written) if not isinstance(want, Attributes) else written]}) == (want,)


def test_an_action_of_another_version_keeps_its_key() -> None:
    text = '{"act": "send_a_pigeon", "key": "m8.0", "asked_at": 1.0, "colour": "grey"}'
    assert actions.load(text) == Unknown(key="m8.0", asked_at=1.0, act="send_a_pigeon")


def test_what_earlier_versions_wrote_is_read() -> None:
    """Under the names that stand in Redis: Python's may change, these may not."""
    text = '{"act": "post", "key": "by-hand.1", "asked_at": 1.0, "content": "Hola", "by_hand": true}'
    assert actions.load(text) == PostMessage(key="by-hand.1", asked_at=1.0, content="Hola", ignores_takeover=True)
    later = f'{{"act": "put_off", "key": "m1.0.later", "asked_at": 1.0, "post": {text}}}'
    assert isinstance(actions.load(later), ScheduleMessage)
