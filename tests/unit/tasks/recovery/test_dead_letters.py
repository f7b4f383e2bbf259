"""When a dead letter is not tried again: somebody has answered since, or what failed is not kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from chatwoot import events
from chatwoot.client import Client
from chatwoot.errors import NotFound, TransientError
from tasks.mailbox import DeadLetterRecord
from tasks.mailbox.doorbells import Doorbells
from tasks.records import actions
from tasks.records.actions import PostMessage
from tasks.records.dead_letter import DeadLetter
from tasks.recovery.dead_letters import AnsweredSince, DeadLetters, NothingLeft
from tasks.recovery.undelivered import Undelivered
from tests.fakes import FakeMailbox, Memory

PAYLOADS = Path(__file__).parents[3] / "payloads"
FAILED_AT = 1_795_388_490.75
NONE: dict[str, Any] = {"payload": []}
BY_HAND = PostMessage(key="by-hand.1", content="Your order is ready", asked_at=FAILED_AT, ignores_takeover=True)


def outgoing(id: int, created_at: int) -> dict[str, Any]:
    return {"id": id, "message_type": 1, "created_at": created_at}


def letters_in(box: FakeMailbox, status: int, answer: dict[str, Any], *, is_bot: bool = False) -> DeadLetters:
    """`answer`: Chatwoot's, whatever it is asked."""
    transport = httpx.MockTransport(lambda _: httpx.Response(status, json=answer))
    client = Client("http://chatwoot.test", 1, "token", transport=transport)
    return DeadLetters(
        mailbox=box,  # type: ignore[arg-type]
        user=None if is_bot else client,
        reply=client,
        doorbells=Doorbells(lambda *_: None, lambda _: None),
        write=print,
    )


def retried(status: int, answer: dict[str, Any], *, is_bot: bool) -> list[str]:
    """What is to be sent again of a message sent by hand, whose place among the others is not known."""
    box = FakeMailbox(Memory())
    letter = DeadLetter(
        conversation_id=3, what="post", reason="404", attempts=1, at=FAILED_AT, content=actions.dump(BY_HAND)
    )
    box.keep_dead_letter(3, letter.recorded_as(BY_HAND.key))
    letters_in(box, status, answer, is_bot=is_bot).retry("3.by-hand.1")
    return [sending.action] if (sending := box.begin_sending(3)) else []


def retry(*messages: dict[str, Any]) -> list[str]:
    return retried(200, {"payload": list(messages)}, is_bot=False)


def retry_as_a_bot(status: int, conversation: dict[str, Any]) -> list[str]:
    return retried(status, conversation, is_bot=True)


def test_it_is_sent_where_nobody_has_answered() -> None:
    assert retry(outgoing(8, int(FAILED_AT) - 1))


def test_chatwoot_tells_whole_seconds_so_the_same_second_may_be_later() -> None:
    with pytest.raises(AnsweredSince):
        retry(outgoing(8, int(FAILED_AT)))


class TestWithABotsTokenOnly:
    """It may see the conversation's last message since Chatwoot 4.14.2, and nothing before."""

    def test_the_last_message_is_an_answer(self) -> None:
        with pytest.raises(AnsweredSince):
            retry_as_a_bot(200, {"id": 3, "messages": [outgoing(8, int(FAILED_AT) + 1)]})

    def test_an_activity_does_not_hide_the_answer(self) -> None:
        activity = {"id": 9, "message_type": 2, "created_at": int(FAILED_AT) + 2}
        answer = outgoing(8, int(FAILED_AT) + 1)
        with pytest.raises(AnsweredSince):
            retry_as_a_bot(200, {"id": 3, "messages": [activity], "last_non_activity_message": answer})

    def test_nobody_has_answered(self) -> None:
        assert retry_as_a_bot(200, {"id": 3, "messages": [outgoing(8, int(FAILED_AT) - 1)]})

    def test_a_chatwoot_that_lets_no_bot_look(self) -> None:
        assert retry_as_a_bot(401, {"error": "Access to this endpoint is not authorized for bots"})

    def test_a_conversation_that_is_gone(self) -> None:
        with pytest.raises(NotFound):
            retry_as_a_bot(404, {"error": "Resource could not be found"})

    def test_chatwoot_away(self) -> None:
        with pytest.raises(TransientError):
            retry_as_a_bot(503, {})


def test_a_file_that_did_not_reach_the_customer_is_chatwoots_to_send_again() -> None:
    payload = json.loads((PAYLOADS / "message_updated-outgoing-failed-external_error.json").read_text())
    event = events.parse(payload | {"attachments": [{"id": 1, "file_type": "file"}]})
    assert isinstance(event, events.MessageUpdated)
    box = FakeMailbox(Memory())
    Undelivered(box).keep(event)  # type: ignore[arg-type]
    ((id, _),) = letters_in(box, 200, {}).all()
    with pytest.raises(NothingLeft):
        letters_in(box, 200, {}).retry(id)


def untold(box: FakeMailbox, conversation_id: int) -> None:
    """A note to people that Chatwoot has refused."""
    note, _ = actions.alert("m1", "Please take over.", FAILED_AT)
    letter = DeadLetter(
        conversation_id=conversation_id, what="post", reason="401", attempts=1, at=FAILED_AT, content=actions.dump(note)
    )
    box.keep_dead_letter(conversation_id, letter.recorded_as(note.key))


@pytest.mark.parametrize("status", [500, 422, 503, 200])
def test_a_conversation_that_fails_keeps_no_others_people_untold(status: int) -> None:
    box = FakeMailbox(Memory())
    for id in (1, 2, 3):
        untold(box, id)

    def chatwoot(request: httpx.Request) -> httpx.Response:
        return (
            httpx.Response(status, text="no JSON")
            if "conversations/1/" in request.url.path
            else httpx.Response(200, json=NONE)
        )

    letters = letters_in(box, 200, NONE)
    client = Client("http://chatwoot.test", 1, "token", transport=httpx.MockTransport(chatwoot))
    with pytest.raises(TransientError):
        replace(letters, user=client).tell_people_again()
    assert [letter.conversation_id for _, letter in letters.all()] == [1]


class TestCured:
    """A letter that is tried again takes along what was to tell people of it."""

    @staticmethod
    def refused(key: str, alert: str, note: str = "It could not be sent. Please take over.") -> FakeMailbox:
        box = FakeMailbox(Memory())
        reply = PostMessage(key=key, content="Hola", asked_at=FAILED_AT)
        for action in (reply, *actions.alert(alert, note, FAILED_AT)):
            letter = DeadLetter(
                conversation_id=3,
                what=action.act,
                reason="308",
                attempts=1,
                at=FAILED_AT,
                content=actions.dump(action),
            )
            box.keep_dead_letter(3, letter.recorded_as(action.key))
        return box

    @pytest.mark.parametrize(("key", "alert"), [("m8.0", "m8.0"), ("m8.0.after-21", "m8.0.undelivered")])
    def test_people_are_not_told_of_it_any_more(self, key: str, alert: str) -> None:
        box = self.refused(key, alert)
        letters = letters_in(box, 200, NONE)
        letters.retry(f"3.{key}")
        assert list(letters.all()) == []
        assert letters.tell_people_again() == 0

    def test_what_a_graph_wanted_people_to_know_is_told(self) -> None:
        box = self.refused("m8.0", "m8.0", note="She wants a person")
        letters = letters_in(box, 200, NONE)
        letters.retry("3.m8.0")
        assert sorted(id for id, _ in letters.all()) == ["3.m8.0.note", "3.m8.0.open"]

    def test_another_ones_alert_stays(self) -> None:
        letters = letters_in(self.refused("m8.0", "m8.1"), 200, NONE)
        letters.retry("3.m8.0")
        assert len(list(letters.all())) == 2


def test_a_letter_that_cannot_be_read_hides_no_other() -> None:
    box = FakeMailbox(Memory())
    untold(box, 1)
    box.keep_dead_letter(2, DeadLetterRecord("2.m1", "{}"))
    letters = letters_in(box, 200, NONE)
    assert {letter.what for _, letter in letters.all()} == {"post", "unreadable"}
    with pytest.raises(NothingLeft):
        letters.retry("2.m1")
    letters.discard("2.m1")
    assert letters.tell_people_again() == 1
