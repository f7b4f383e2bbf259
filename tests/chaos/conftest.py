"""Real processes, really killed. Every test's product is its own; a Chatwoot that says everything once only."""

from __future__ import annotations

import pytest

from sandbox import Sandbox
from tests.desk import Desk
from tests.stack import BOT_TOKEN, SECRET, Stack


@pytest.fixture
def desk(sandbox: Sandbox, stack: Stack) -> Desk:
    """The bot hears by an account webhook, which Chatwoot never sends again: what is lost is lost."""
    stack.env["LEASE_SECONDS"] = "2"
    bot = sandbox.add_agent_bot(name="Contesta", access_token=BOT_TOKEN)
    inbox = sandbox.add_inbox(name="WhatsApp", channel="whatsapp", agent_bot_id=bot.id)
    sandbox.add_webhook(url=stack.webhook_url, secret=SECRET)
    return Desk(sandbox, inbox.id)


@pytest.fixture
def bot_desk(sandbox: Sandbox, stack: Stack) -> Desk:
    """The bot hears by its own webhook, which Chatwoot sends again after a 500: twice, 3 s apart."""
    stack.env["LEASE_SECONDS"] = "2"
    bot = sandbox.add_agent_bot(name="Contesta", outgoing_url=stack.webhook_url, secret=SECRET, access_token=BOT_TOKEN)
    return Desk(sandbox, sandbox.add_inbox(agent_bot_id=bot.id).id)
