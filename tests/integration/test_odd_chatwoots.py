"""Older, smaller and stranger Chatwoots than the one at hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox import Sandbox
from tests.desk import Desk
from tests.stack import BOT_TOKEN, Stack, wait_until


class TestBefore412:
    """4.8.0: no signatures, our key dropped, a bot's token with fewer rights."""

    @pytest.fixture
    def sandbox(self) -> Iterator[Sandbox]:
        with Sandbox(
            port=0, admin_token="admin-token", agent_token="agent-token", chatwoot_version="4.8.0"
        ) as stand_in:
            yield stand_in

    @pytest.fixture
    def desk(self, sandbox: Sandbox, stack: Stack) -> Desk:
        stack.env |= {"CHATWOOT_WEBHOOK_SECRET": "", "CHATWOOT_WEBHOOK_TOKEN": "token-in-the-path"}
        url = f"{stack.webhook_url}/token-in-the-path"
        bot = sandbox.add_agent_bot(name="Contesta", outgoing_url=url, access_token=BOT_TOKEN)
        return Desk(sandbox, sandbox.add_inbox(name="WhatsApp", channel="whatsapp", agent_bot_id=bot.id).id)

    def test_a_message_is_answered(self, desk: Desk, stack: Stack) -> None:
        stack.start_web()
        stack.start_worker()
        desk.conversation(3)
        desk.sandbox.customer_writes("Hola", conversation_id=3)
        assert desk.wait_for_replies(1) == ["Echo: Hola"]

    def test_a_reply_stored_under_a_500_is_known_again(self, desk: Desk, stack: Stack) -> None:
        stack.start_web()
        stack.start_worker()
        desk.conversation(3)
        desk.sandbox.faults.add("500-after-storing", method="POST", path=r".*/messages$", times=1)
        desk.sandbox.customer_writes("one", conversation_id=3)
        desk.wait_for_replies(1)
        desk.sandbox.customer_writes("two", conversation_id=3)
        assert desk.wait_for_replies(2) == ["Echo: one", "Echo: two"]


def test_a_channel_that_delivers_twice_is_answered_once(desk: Desk, stack: Stack) -> None:
    """Twilio's webhook twice: two messages with two ids, and one source_id."""
    stack.start_web()
    stack.start_worker()
    bot = desk.sandbox.add_agent_bot(
        name="Second", outgoing_url=stack.webhook_url, secret=stack.env["CHATWOOT_WEBHOOK_SECRET"]
    )
    twilio = Desk(desk.sandbox, desk.sandbox.add_inbox(name="SMS", channel="twilio", agent_bot_id=bot.id).id)
    twilio.conversation(3)
    for _ in range(2):
        desk.sandbox.customer_writes("Hola", conversation_id=3, source_id="SM0123456789")
    twilio.wait_for_replies(1)
    desk.sandbox.customer_writes("Adiós", conversation_id=3, source_id="SM9876543210")
    assert twilio.wait_for_replies(2) == ["Echo: Hola", "Echo: Adiós"]
    assert twilio.written() == ["Hola", "Hola", "Adiós"]


@pytest.mark.parametrize(
    "text", ["PG::QueryCanceled: ERROR:  canceling statement due to statement timeout", "Waited 1 seconds (redis://…)"]
)
def test_a_422_that_stored_the_message_is_not_said_twice(desk: Desk, stack: Stack, text: str) -> None:
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.faults.add("422-after-storing", method="POST", path=r".*/messages$", times=1, text=text)
    desk.sandbox.customer_writes("one", conversation_id=3)
    desk.wait_for_replies(1)
    desk.sandbox.customer_writes("two", conversation_id=3)
    assert desk.wait_for_replies(2) == ["Echo: one", "Echo: two"]


def test_a_conversation_that_is_just_being_deleted_ends_without_noise(desk: Desk, stack: Stack) -> None:
    stack.start_web()
    worker = stack.start_worker()
    desk.conversation(3)
    undefined = "undefined method `source_id' for nil"
    desk.sandbox.faults.add("422", method="POST", path=r".*/messages$", times=1, text=undefined)
    desk.sandbox.faults.add("404", path=r".*/conversations/3(/.*)?$", times=100)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    wait_until(lambda: "send_given_up" in worker.log.read_text(), what="the turn to end")
    desk.sandbox.faults.clear()
    desk.conversation(4, "+34600000004")
    desk.sandbox.customer_writes("Hola", conversation_id=4)
    assert desk.wait_for_replies(1, 4) == ["Echo: Hola"]
    assert (desk.replies(3), desk.notes(3)) == ([], [])


def test_no_more_posts_are_in_flight_than_chatwoot_can_take(desk: Desk, stack: Stack) -> None:
    stack.env["POSTS_IN_FLIGHT"] = "2"
    stack.start_web()
    stack.start_worker()
    ids = [desk.conversation(id, f"+3460000{id:04}") for id in range(1, 9)]
    desk.sandbox.faults.add("slow", method="POST", path=r".*/messages$", times=100, seconds=0.3)
    for id in ids:
        desk.sandbox.customer_writes("Hola", conversation_id=id)
    most = 0

    def all_answered() -> bool:
        nonlocal most
        most = max(most, sum(post.status is None for post in desk.posts()))
        return all(desk.replies(id) for id in ids)

    wait_until(all_answered, what="all to be answered")
    assert most == 2
