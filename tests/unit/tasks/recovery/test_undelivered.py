"""What a channel refused later: told to people, listed without what it quotes, and said again as it stood there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chatwoot import events
from chatwoot.liquid import INVISIBLE_SPACE
from tasks.records import actions
from tasks.records.actions import PostMessage
from tasks.records.dead_letter import DeadLetter
from tasks.recovery.undelivered import Undelivered
from tests.fakes import FakeMailbox, Memory

PAYLOADS = Path(__file__).parents[3] / "payloads"
PAYLOAD = json.loads((PAYLOADS / "message_updated-outgoing-failed-external_error.json").read_text())
TEMPLATE = "{{ contact.email }}"


def kept(content: str = "Hola", **attributes: Any) -> tuple[PostMessage, DeadLetter]:
    """The note to people, and the dead letter, of a message that its channel refused."""
    payload = PAYLOAD | {"content": content}
    payload["content_attributes"] = {"contesta_key": "m8.0", **attributes}
    event = events.parse(payload)
    assert isinstance(event, events.MessageUpdated)
    box = FakeMailbox(Memory())
    Undelivered(box).keep(event)  # type: ignore[arg-type]
    sending = box.begin_sending(event.conversation_id)
    assert sending is not None
    note = actions.load(sending.action)
    assert isinstance(note, PostMessage)
    (record,) = box.dead_letters()
    return note, DeadLetter.of(record)


@pytest.mark.parametrize(
    "error",
    [TEMPLATE, "{\0{ contact.email }}", "{% if true %}x{% endif %}", "{`{{x}}`"],
    ids=["object", "hidden", "tag", "code"],
)
def test_what_the_channel_said_is_no_template(error: str) -> None:
    note, _ = kept(external_error=error)
    assert not any(opening in note.content for opening in ("{{", "{%", "{`", "\0"))
    assert note.content.replace(INVISIBLE_SPACE, "").count("{") == error.count("{")


def test_what_was_said_is_said_again_as_it_stood_there() -> None:
    """Chatwoot has rendered it once: what looks like a template now came out of one, such as a contact's name."""
    _, letter = kept(content=TEMPLATE, external_error="131047")
    again = actions.load(letter.content)
    assert isinstance(again, PostMessage)
    assert again.content == "{" + INVISIBLE_SPACE + "{ contact.email }}"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("(#131047) Re-engagement message", "not delivered: (#131047) Re-engagement message"),
        ("131026: not sent to +34 623 22 65 44", "not delivered: 131026: not sent to …"),
        ("cannot send Hola, Ana to 34623226544", "not delivered: cannot send … to …"),
        ("the text 'my card is 41' was refused", "not delivered: the text … was refused"),
        ("to ana@example.com\nsaid: my card is 41", "not delivered: to …"),
        ("red\x1b[31m\tletters", "not delivered: red [31m letters"),
        (None, "not delivered: failed"),
    ],
)
def test_the_reason_quotes_nobody(error: str | None, reason: str) -> None:
    _, letter = kept(content="Hola, Ana", external_error=error)
    assert letter.reason == reason


@pytest.mark.timeout(60)
@pytest.mark.parametrize("mark", ["«", "“", "'", "x"])
def test_a_long_reason_is_read_once(mark: str) -> None:
    """Whoever looks for an end from each beginning needs hours."""
    assert len(kept(external_error=mark * 1_000_000)[1].reason) < 300
