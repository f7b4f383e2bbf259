"""Whatever a graph wants is done in Chatwoot, and a customer reads what the model wrote."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from chatwoot.liquid import INVISIBLE_SPACE
from tests.desk import Desk
from tests.stack import Stack, wait_until


@pytest.fixture
def told(desk: Desk, stack: Stack) -> Any:
    """A running bot that does as the customer says in conversation 3."""
    stack.env["GRAPH"] = "tests.graphs_that_want:obedient"
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    return lambda order: desk.sandbox.customer_writes(order, conversation_id=3)


def sent(desk: Desk) -> list[dict[str, Any]]:
    return [each for each in desk.sandbox.messages(3) if each["message_type"] == 1]


def test_several_bubbles_come_in_order(told: Any, desk: Desk) -> None:
    told("bubbles")
    assert desk.wait_for_replies(3) == ["One", "Two", "Three"]


def test_what_is_to_be_said_later_is_said_once_it_is_due(told: Any, desk: Desk) -> None:
    told("later")
    assert desk.wait_for_replies(2) == ["In a moment", "Now"]


def test_what_is_to_be_said_to_silence_is_not_said_to_who_writes(told: Any, desk: Desk) -> None:
    told("follow up")
    desk.wait_for_replies(1)
    told("silence")
    assert desk.wait_for_replies(2) == ["Noted", "It is time"]


@pytest.fixture
def another(desk: Desk, told: Any) -> int:
    """The same contact's second conversation in the inbox."""
    return second(desk, desk.inbox_id)


def second(desk: Desk, inbox_id: int) -> int:
    contact_id = desk.sandbox.conversation(3)["meta"]["sender"]["id"]
    desk.sandbox.add_conversation(inbox_id=inbox_id, contact_id=contact_id, id=8)
    return 8


@pytest.mark.parametrize("tokens", ["both", "bot"])
@pytest.mark.parametrize("order", ["silence", "bubbles"])
def test_nor_to_who_writes_in_another_conversation(
    order: str, tokens: str, told: Any, another: int, desk: Desk, stack: Stack
) -> None:
    """Whether that was answered meanwhile or not. Of the rest nothing is withheld."""
    if tokens == "bot":
        stack.restart(CHATWOOT_API_TOKEN="", RECONCILE_SECONDS="0", MAX_WAIT_SECONDS="0")
    told("follow up")
    desk.wait_for_replies(1)
    desk.sandbox.customer_writes(order, conversation_id=another)
    wait_until(lambda: "It is time" in desk.replies(3), what="what was put off")
    assert desk.replies(3) == ["Noted", "It is time"]
    assert desk.sandbox.conversation(3)["status"] == "pending"


def test_but_it_is_to_who_wrote_there_before_or_writes_in_another_inbox(told: Any, another: int, desk: Desk) -> None:
    desk.sandbox.customer_writes("bubbles", conversation_id=another)
    desk.wait_for_replies(3, another)
    told("follow up")
    desk.wait_for_replies(1)
    there = desk.sandbox.add_inbox(name="Elsewhere", agent_bot_id=1)
    contact_id = desk.sandbox.conversation(3)["meta"]["sender"]["id"]
    desk.sandbox.add_conversation(inbox_id=there.id, contact_id=contact_id, id=9)
    desk.sandbox.customer_writes("Hola", conversation_id=9)
    assert desk.wait_for_replies(3) == ["Noted", "Still there?", "It is time"]


def test_a_long_text_comes_in_parts_each_with_its_own_key(told: Any, desk: Desk) -> None:
    told("long")
    wait_until(lambda: sum(map(len, desk.replies(3))) > 6200, what="the whole text")
    assert " ".join(desk.replies(3)) == ("A sentence of words. " * 300).strip()
    assert all(len(reply) <= 4096 and reply.endswith(".") for reply in desk.replies(3))
    keys = [message["content_attributes"]["contesta_key"] for message in sent(desk)]
    assert [key.rpartition(".")[2] for key in keys] == ["0", "1"]


def test_what_looks_like_a_template_is_neither_run_nor_eaten(told: Any, desk: Desk) -> None:
    told("template")
    (reply,) = desk.wait_for_replies(1)
    assert reply.replace(INVISIBLE_SPACE, "") == "Write {{contact.name}} or {% if %}"


def test_quick_replies_are_said_once_as_buttons(told: Any, desk: Desk) -> None:
    told("buttons")
    assert desk.wait_for_replies(1) == ["Which one?"]
    (message,) = sent(desk)
    assert message["content_type"] == "input_select"
    items = [{"title": "Cut", "value": "Cut"}, {"title": "Colour", "value": "Colour"}]
    assert message["content_attributes"]["items"] == items


def test_a_file_is_sent_with_its_message(told: Any, desk: Desk) -> None:
    told("file")
    assert desk.wait_for_replies(1) == ["Here it is"]
    ((attachment,),) = [message["attachments"] for message in sent(desk)]
    assert httpx.get(attachment["data_url"], follow_redirects=True).content == b"9 to 5"


def test_silence_says_nothing_and_the_next_message_is_answered(told: Any, desk: Desk, stack: Stack) -> None:
    told("silence")
    wait_until(lambda: "only thanks" in stack.logs(), what="the turn to end")
    told("bubbles")
    assert desk.wait_for_replies(3) == ["One", "Two", "Three"]


def test_labels_and_attributes_are_merged_and_the_conversation_resolved(told: Any, desk: Desk) -> None:
    desk.label(3, "new", "regular")
    desk.sandbox.settle()
    url = f"{desk.sandbox.url}/api/v1/accounts/1/conversations/3/custom_attributes"
    httpx.post(url, json={"custom_attributes": {"colour": "red"}}, headers={"Api-Access-Token": "admin-token"})
    told("tidy")
    wait_until(lambda: desk.sandbox.conversation(3)["status"] == "resolved", what="the conversation to be resolved")
    conversation = desk.sandbox.conversation(3)
    assert conversation["labels"] == ["regular", "vip"]
    assert conversation["custom_attributes"] == {"colour": "red", "size": 42}
    assert (desk.replies(3), desk.notes(3)) == (["Done"], ["likes tea"])


class TestHandOver:
    def test_by_a_bot_it_is_a_line_a_note_a_team_and_an_open_conversation(self, told: Any, desk: Desk) -> None:
        team = desk.sandbox.add_team(name="Colour")
        told("hand over")
        wait_until(lambda: desk.sandbox.conversation(3)["status"] == "open", what="the conversation to be opened")
        conversation = desk.sandbox.conversation(3)
        assert (desk.replies(3), desk.notes(3)) == (["A colleague goes on."], ["asks for a person"])
        assert conversation["meta"]["team"]["id"] == team.id
        assert "assignee" not in conversation["meta"]


IMPOSSIBLE = {
    "a date": "attributes: a value of type date cannot be written as JSON",
    "a date by hand": "attributes: a value of type date cannot be written as JSON",
    "bytes": "attributes: a value of type bytes cannot be written as JSON",
    "a set": "attributes: a value of type dict cannot be written as JSON",
    "an object": "attributes: a value of type object cannot be written as JSON",
    "a number of 5,000 digits": "attributes: a value of type int cannot be written as JSON",
    "a reply of None": "reply: text: Input should be a valid string",
    "a note of 7": "note: text: Input should be a valid string",
    "a file of None": "file: its content is no bytes, but NoneType",
    "no want": "int is not among reply, later",
}


def test_who_wants_what_cannot_be_is_not_asked_again_and_people_are_told_why(
    told: Any, desk: Desk, stack: Stack
) -> None:
    """Before a lease or a further attempt would have been waited for: both would be longer than this test has time."""
    stack.processes[1].kill()
    stack.start_worker(LEASE_SECONDS="250", TURN_ATTEMPTS="9")
    for id, (order, reason) in enumerate(IMPOSSIBLE.items(), start=10):
        desk.conversation(id, f"+346000000{id}")
        desk.sandbox.customer_writes(order, conversation_id=id)
        [note] = wait_until(lambda id=id: desk.notes(id), what=f"a note about {order}")
        assert reason in note
    assert all(desk.replies(id) == [] for id in range(10, 10 + len(IMPOSSIBLE)))


def test_what_cannot_be_written_down_is_given_up_and_the_conversation_goes_on(
    told: Any, desk: Desk, stack: Stack
) -> None:
    told("nonsense")
    desk.wait_for_replies(1)
    told("bubbles")
    assert desk.wait_for_replies(4) == ["Done", "One", "Two", "Three"]
    assert "merge_attributes\t1\tit cannot be written as JSON" in stack.flask("dead-letters", "list")
