"""Messages that we start: the contact and the conversation are found, or made, and then it is the same `send_reply`."""

from __future__ import annotations

import json

from tests.desk import Desk
from tests.stack import Stack, wait_until

PHONE = "+34999999999"


def write(stack: Stack, content: str, phone_number: str = PHONE) -> None:
    kwargs = json.dumps({"phone_number": phone_number, "content": content})
    stack.celery("call", "tasks.send_message", "--kwargs", kwargs)


def sent(desk: Desk) -> list[str]:
    return [post.body["content"] for post in desk.posts() if post.status == 200]


def test_contact_and_conversation_are_made_once_and_then_reused(desk: Desk, stack: Stack) -> None:
    stack.start_worker()
    write(stack, "Reminder")
    wait_until(lambda: sent(desk) == ["Reminder"], what="the message")
    account = "/api/v1/accounts/1"
    made = desk.calls()
    assert made == [
        ("POST", f"{account}/contacts/filter"),
        ("POST", f"{account}/contacts"),
        ("POST", f"{account}/conversations"),
        ("POST", f"{account}/conversations/1/messages"),
    ]
    write(stack, "Second reminder")
    wait_until(lambda: sent(desk) == ["Reminder", "Second reminder"], what="the second message")
    assert desk.calls()[len(made) :] == [
        ("POST", f"{account}/contacts/filter"),
        ("GET", f"{account}/contacts/1/conversations"),
        ("POST", f"{account}/conversations/1/messages"),
    ]


def test_a_phone_number_is_compared_whole(desk: Desk, stack: Stack) -> None:
    desk.conversation(7, f"{PHONE}0")
    stack.start_worker()
    write(stack, "Hola")
    wait_until(lambda: sent(desk), what="the message")
    assert desk.replies(7) == []


def test_what_is_no_phone_number_is_refused_and_asks_nothing(desk: Desk, stack: Stack) -> None:
    worker = stack.start_worker()
    write(stack, "Hola", "999 99 99 99")
    wait_until(lambda: "must be in international form" in worker.log.read_text(), what="the refusal")
    assert desk.calls() == []
