"""Chatwoot's own rules of delivery: who is tried again, and what a failure leads to."""

import hashlib
import hmac
import socket

import httpx
import pytest

from sandbox import Sandbox
from tests.sandbox.desk import CONVERSATION, SECRET, Desk
from tests.sandbox.receiver import Answer, Received, Receiver

OPENED = "Conversation was marked open by system due to an error with the agent bot."


def activities(desk: Desk) -> list[str]:
    said = desk.sandbox.messages(CONVERSATION)
    return [message["content"] for message in said if message["message_type"] == 2]


def is_signed(received: Received) -> bool:
    signed = received.headers["x-chatwoot-timestamp"].encode() + b"." + received.raw
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    return received.headers["x-chatwoot-signature"] == f"sha256={expected}"


@pytest.mark.parametrize("status", [429, 500])
def test_a_bot_is_tried_three_times_on_429_and_500(desk: Desk, status: int) -> None:
    """The same id and bytes each time, signed anew."""
    desk.receiver.answers["bot"] = [Answer(status), Answer(status), Answer(200)]
    desk.customer_writes()
    attempts = desk.told("bot", "message_created")
    assert len(attempts) == 3
    assert len({(each.delivery_id, each.raw) for each in attempts}) == 1
    assert all(is_signed(each) for each in attempts)
    assert desk.status == "pending"


def test_after_the_third_failure_the_conversation_is_opened(desk: Desk) -> None:
    desk.receiver.answers["bot"] = [Answer(500)] * 3
    desk.customer_writes()
    assert len(desk.told("bot", "message_created")) == 3
    assert desk.status == "open"
    assert activities(desk) == [OPENED]


@pytest.mark.parametrize("status", [302, 401, 404, 422, 503])
def test_any_other_status_opens_at_once(desk: Desk, status: int) -> None:
    desk.receiver.answers["bot"] = [Answer(status)]
    desk.customer_writes()
    assert len(desk.told("bot", "message_created")) == 1
    assert desk.status == "open"


def test_an_account_may_keep_it_pending(desk: Desk) -> None:
    desk.sandbox.keep_pending_on_bot_failure()
    desk.receiver.answers["bot"] = [Answer(404)]
    desk.customer_writes()
    assert len(desk.told("bot", "message_created")) == 1
    assert desk.status == "pending"
    assert activities(desk) == []


def test_an_answer_after_the_timeout_opens_at_once(receiver: Receiver) -> None:
    with Sandbox(webhook_timeout_s=0.2) as sandbox, httpx.Client(base_url=sandbox.url, trust_env=False) as http:
        hasty = Desk.furnish(sandbox, receiver, http)
        receiver.answers["bot"] = [Answer(200, after_s=0.5)]
        hasty.customer_writes()
        assert len(hasty.told("bot", "message_created")) == 1
        assert hasty.status == "open"


def test_the_failed_news_of_the_bots_own_message_opens_too(desk: Desk) -> None:
    desk.receiver.answers["bot"] = [Answer(404)] * 2  # of the message, and that nobody waits any more
    desk.reply()
    desk.sandbox.settle()
    assert desk.status == "open"


def test_failed_news_of_a_conversation_opens_nothing(desk: Desk) -> None:
    desk.receiver.answers["bot"] = [Answer(404)]
    desk.call("POST", f"conversations/{CONVERSATION}/toggle_priority", {"priority": "high"})
    assert len(desk.told("bot", "conversation_updated")) == 1
    assert desk.status == "pending"


def test_an_account_webhook_is_sent_once_and_lost(desk: Desk) -> None:
    desk.receiver.answers["account"] = [Answer(500)] * 9
    desk.customer_writes()
    assert len(desk.told("account", "message_created")) == 1
    assert desk.status == "pending"


def test_a_failing_api_inbox_marks_the_message_failed(desk: Desk) -> None:
    inbox = desk.sandbox.add_inbox(name="API", channel="api", webhook_url=f"{desk.receiver.url}/api-inbox")
    contact = desk.sandbox.add_contact(name="Eva")
    number = desk.sandbox.add_conversation(inbox_id=inbox.id, contact_id=contact.id).id
    desk.sandbox.settle()
    desk.receiver.answers["api-inbox"] = [Answer(500)] * 2
    desk.sandbox.customer_writes("hola", conversation_id=number)
    desk.sandbox.settle()
    (message,) = desk.sandbox.messages(number)
    assert message["status"] == "failed"
    assert message["content_attributes"] == {"external_error": "500 Internal Server Error"}


def test_a_dead_port_fails_as_any_other_failure(desk: Desk) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    nobody = desk.sandbox.add_agent_bot(name="nobody", outgoing_url=f"http://127.0.0.1:{port}/")
    desk.call("POST", f"inboxes/{desk.inbox_id}/set_agent_bot", {"agent_bot": nobody.id}, token="admin")
    desk.customer_writes()
    desk.sandbox.settle()
    assert desk.status == "open"
    (failed,) = [each for each in desk.sandbox.deliveries if each.to == "bot" and each.event == "message_created"]
    assert failed.status is None
    assert "ConnectError" in (failed.error or "")


def test_bot_and_account_get_one_message_under_two_ids(desk: Desk) -> None:
    desk.customer_writes()
    (to_bot,), (to_account,) = desk.told("bot", "message_created"), desk.told("account", "message_created")
    assert to_bot.body["id"] == to_account.body["id"]
    assert to_bot.delivery_id != to_account.delivery_id


def test_the_body_has_rails_own_escapes(desk: Desk) -> None:
    """Signed over these bytes: who encodes the JSON anew gets others."""
    desk.customer_writes("<b>&</b>\u2028 ñ")
    (received,) = desk.told("bot", "message_created")
    assert rb"\u003cb\u003e\u0026\u003c/b\u003e\u2028 " + "ñ".encode() in received.raw
    assert is_signed(received)


def test_settling_takes_no_longer_than_told(desk: Desk, sandbox: Sandbox) -> None:
    sandbox.webhook_faults.add("late", seconds=60)
    desk.customer_writes()
    with pytest.raises(TimeoutError):
        sandbox.settle(timeout_s=0.1)
