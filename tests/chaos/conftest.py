"""Real processes, really killed. Every test's product is its own; a Chatwoot that says everything once only."""

from __future__ import annotations

import pytest

from sandbox import Sandbox
from tests.desk import Desk
from tests.stack import SECRET, Stack


@pytest.fixture
def desk(sandbox: Sandbox, stack: Stack) -> Desk:
    """The bot hears by an account webhook, which Chatwoot never sends again: what is lost is lost."""
    stack.env["LEASE_SECONDS"] = "2"
    bot = sandbox.add_agent_bot(name="Contesta", access_token="bot-token")
    inbox = sandbox.add_inbox(name="WhatsApp", channel="whatsapp", agent_bot_id=bot.id)
    sandbox.add_webhook(url=stack.webhook_url, secret=SECRET)
    return Desk(sandbox, inbox.id)
