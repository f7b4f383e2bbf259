"""A conversation that the bot hands over is people's, with whatever token it was opened, until they give it back."""

from __future__ import annotations

import pytest

from sandbox import Sandbox
from tests.desk import Desk
from tests.stack import SECRET, Stack, wait_until

ASSIGNMENTS = ("POST", "/api/v1/accounts/1/conversations/3/assignments")


@pytest.fixture
def desk(sandbox: Sandbox, stack: Stack) -> Desk:
    """An inbox without a bot: we are one of the agents, and an account webhook tells us."""
    sandbox.add_webhook(url=stack.webhook_url, secret=SECRET)
    inbox = sandbox.add_inbox(name="WhatsApp", channel="whatsapp")
    stack.env |= {"CHATWOOT_BOT_TOKEN": "", "GRAPH": "tests.graphs_that_want:obedient"}
    return Desk(sandbox, inbox.id)


def running(desk: Desk, stack: Stack, token: str) -> None:
    stack.env["CHATWOOT_API_TOKEN"] = token
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)


def handed_over(desk: Desk) -> None:
    desk.sandbox.customer_writes("hand over", conversation_id=3)
    wait_until(lambda: desk.sandbox.conversation(3)["status"] == "open" and desk.notes(3), what="the hand-over")
    wait_until(lambda: desk.sandbox.requests[-1].method == "GET", what="a last look at it")
    desk.sandbox.settle()


@pytest.mark.parametrize("token", ["admin-token", "agent-token"])
@pytest.mark.parametrize("status", ["open", "pending"])
def test_the_bot_keeps_out_of_it(token: str, status: str, desk: Desk, stack: Stack) -> None:
    """Although it answers in open conversations, too, and gives back what Chatwoot has assigned to it."""
    running(desk, stack, token)
    desk.set_status(3, status)
    desk.sandbox.settle()
    handed_over(desk)
    desk.sandbox.customer_writes("bubbles", conversation_id=3)
    desk.sandbox.settle()
    desk.set_status(3, "resolved")  # people give it back
    desk.sandbox.settle()
    desk.sandbox.customer_writes("buttons", conversation_id=3)
    replies = wait_until(
        lambda: [reply for id in desk.sandbox.conversation_ids for reply in desk.replies(id)][1:],
        what="the bot to go on",
    )
    assert replies == ["Which one?"]


def test_who_opens_does_not_keep_it(desk: Desk, stack: Stack) -> None:
    """The token of an agent assigns to that agent what it opens."""
    stack.env["ANSWER_STATUSES"] = "pending"
    running(desk, stack, "agent-token")
    desk.set_status(3, "pending")
    desk.sandbox.settle()
    handed_over(desk)
    wait_until(lambda: desk.calls().count(ASSIGNMENTS) == 2, what="it to go to the team, and to nobody")
    assert "assignee" not in desk.sandbox.conversation(3)["meta"]


def test_who_could_not_step_back_at_once_does_so_later(desk: Desk, stack: Stack) -> None:
    stack.env["ANSWER_STATUSES"] = "pending"
    running(desk, stack, "agent-token")
    desk.set_status(3, "pending")
    desk.sandbox.settle()
    desk.sandbox.faults.add("slow", path=r".*/toggle_status$", seconds=60)
    desk.sandbox.customer_writes("hand over", conversation_id=3)
    wait_until(lambda: desk.sandbox.conversation(3)["status"] == "open", what="the conversation to be opened")
    desk.sandbox.faults.clear()
    desk.sandbox.faults.add("500", path=r".*/assignments$")
    wait_until(lambda: desk.calls().count(ASSIGNMENTS) == 3, what="another try")
    wait_until(lambda: "assignee" not in desk.sandbox.conversation(3)["meta"], what="nobody to have it")
