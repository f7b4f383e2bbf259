"""`flask provision` makes in Chatwoot what is missing, changes what is wrong, and leaves alone what is right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from sandbox import Sandbox
from sandbox.machine.redis import RedisServer
from tests.nursery import Nursery
from tests.stack import Stack, wait_until

URL = "https://bot.example.com"
WEBHOOK = f"{URL}/webhooks/chatwoot"
NOTHING = "Nothing was changed: all is as it should be.\n"


def before(sandbox: Sandbox) -> dict[str, str]:
    """All that an operator knows."""
    return {
        "CHATWOOT_API_URL": sandbox.url,
        "CHATWOOT_ACCOUNT_ID": "1",
        "CHATWOOT_INBOX_ID": "1",
        "CHATWOOT_API_TOKEN": "admin-token",
    }


class Operator:
    """Somebody who has an administrator's token, and no bot yet."""

    def __init__(self, sandbox: Sandbox, stack: Stack) -> None:
        self.sandbox = sandbox
        self.stack = stack

    def provision(self, *options: str, url: str = URL, status: int = 0, **env: str) -> tuple[dict[str, str], str]:
        """What became of it: the settings that it printed, and what it told beside them."""
        done = self.stack.run("flask", "provision", "--url", url, *options, **env)
        assert done.returncode == status, done.stdout + done.stderr
        return dict(line.split("=", 1) for line in done.stdout.splitlines()), done.stderr

    def sees(self, path: str) -> Any:
        headers = {"Api-Access-Token": "admin-token"}
        return httpx.get(f"{self.sandbox.url}/api/v1/accounts/1/{path}", headers=headers).raise_for_status().json()

    @property
    def webhooks(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.sees("webhooks")["payload"]["webhooks"]
        return found

    def changes(self) -> list[tuple[str, str]]:
        return [(each.method, each.path) for each in self.sandbox.requests if each.method != "GET"]


@pytest.fixture
def operator(sandbox: Sandbox, nursery: Nursery, tmp_path: Path) -> Iterator[Operator]:
    """Two inboxes; the bot is to answer in the first."""
    sandbox.add_inbox()
    sandbox.add_inbox()
    with Stack(before(sandbox), tmp_path, nursery.start) as stack:
        yield Operator(sandbox, stack)


def test_all_is_made_once(operator: Operator) -> None:
    printed, told = operator.provision("--show-secrets")
    (bot,), (webhook,) = operator.sees("agent_bots"), operator.webhooks
    assert (bot["name"], bot["outgoing_url"]) == ("Contesta", WEBHOOK)
    assert operator.sees("inboxes/1/agent_bot")["agent_bot"]["id"] == bot["id"]
    assert operator.sees("inboxes/2/agent_bot") == {}
    assert (webhook["name"], webhook["url"]) == ("Contesta", WEBHOOK)
    assert set(webhook["subscriptions"]) == {
        "message_created",
        "message_updated",
        "conversation_updated",
        "conversation_status_changed",
    }
    assert printed == {
        "CHATWOOT_ACCOUNT_ID": "1",
        "CHATWOOT_INBOX_ID": "1",
        "CHATWOOT_BOT_TOKEN": bot["access_token"],
        "CHATWOOT_WEBHOOK_SECRET": f"{bot['secret']},{webhook['secret']}",
    }
    assert told.splitlines() == ["made the agent bot Contesta", "made the account webhook", "set it on inbox 1"]
    operator.sandbox.forget_requests()
    assert operator.provision("--show-secrets") == (printed, NOTHING)
    assert operator.changes() == []


def test_no_secret_is_shown_unasked(operator: Operator) -> None:
    done = operator.stack.run("flask", "provision", "--url", URL)
    (bot,), (webhook,) = operator.sees("agent_bots"), operator.webhooks
    for secret in (bot["access_token"], bot["secret"], webhook["secret"], "admin-token"):
        assert secret not in done.stdout + done.stderr
    assert "# CHATWOOT_BOT_TOKEN=…  (--show-secrets)" in done.stdout


def test_an_address_that_has_changed_is_changed(operator: Operator) -> None:
    before, _ = operator.provision("--show-secrets", url="https://old.example.com")
    after, told = operator.provision("--show-secrets", url=f"{URL}/")
    assert after == before
    assert [each["url"] for each in operator.webhooks] == [WEBHOOK]
    assert [each["outgoing_url"] for each in operator.sees("agent_bots")] == [WEBHOOK]
    assert "posts to https://bot.example.com now" in told


def test_events_are_added_to_those_that_somebody_wanted(operator: Operator) -> None:
    operator.sandbox.add_webhook(url=WEBHOOK, subscriptions=["contact_created", "message_created"])
    operator.provision()
    (webhook,) = operator.webhooks
    assert {"contact_created", "message_created", "conversation_updated"} < set(webhook["subscriptions"])


def test_a_bot_of_that_name_is_taken(operator: Operator) -> None:
    bot = operator.sandbox.add_agent_bot(name="Sol", outgoing_url="http://elsewhere.example.com")
    operator.provision("--name", "Sol", ANSWER_INBOX_IDS="*")
    assert len(operator.sees("agent_bots")) == 1
    for inbox in (1, 2):
        assert operator.sees(f"inboxes/{inbox}/agent_bot")["agent_bot"]["id"] == bot.id


def test_a_chatwoot_that_does_not_sign_gets_a_token_in_the_path(operator: Operator) -> None:
    with Sandbox(port=0, admin_token="admin-token", chatwoot_version="4.8.0") as old:
        old.add_inbox()
        operator.sandbox, operator.stack.env["CHATWOOT_API_URL"] = old, old.url
        printed, _ = operator.provision("--show-secrets")
        token = printed["CHATWOOT_WEBHOOK_TOKEN"]
        assert len(token) >= 32
        assert "CHATWOOT_WEBHOOK_SECRET" not in printed
        assert operator.sees("agent_bots")[0]["outgoing_url"] == f"{WEBHOOK}/{token}"
        assert operator.provision("--show-secrets") == (printed, NOTHING)
        done = operator.stack.run("flask", "provision", "--url", "https://new.example.com")
        assert token not in done.stdout + done.stderr


class TestItRefuses:
    def refusal(self, operator: Operator, *options: str, **env: str) -> str:
        operator.sandbox.forget_requests()
        _, told = operator.provision(*options, status=1, **env)
        assert operator.changes() == []
        assert "Traceback" not in told
        return told

    @pytest.mark.parametrize(
        ("env", "said"),
        [
            ({"CHATWOOT_API_TOKEN": "agent-token"}, "is of an agent: set an administrator's"),
            ({"CHATWOOT_API_TOKEN": "nobodys"}, "Invalid Access Token"),
            ({"CHATWOOT_API_TOKEN": ""}, "set CHATWOOT_API_TOKEN to an administrator's"),
            ({"CHATWOOT_ACCOUNT_ID": "7"}, "is of nobody in account 7"),
            ({"ANSWER_INBOX_IDS": "1,99"}, "the account has no inbox 99, but 1, 2"),
            ({"CHATWOOT_INBOX_ID": ""}, "set CHATWOOT_INBOX_ID"),
        ],
    )
    def test_what_cannot_be(self, operator: Operator, env: dict[str, str], said: str) -> None:
        assert said in self.refusal(operator, **env)

    def test_to_take_anothers_inbox(self, operator: Operator) -> None:
        other = operator.sandbox.add_agent_bot(name="other")
        operator.sandbox.add_inbox(agent_bot_id=other.id)
        assert "inbox 3 has another bot" in self.refusal(operator, ANSWER_INBOX_IDS="1,3")

    def test_two_of_one_name(self, operator: Operator) -> None:
        operator.sandbox.add_agent_bot(name="Contesta")
        operator.sandbox.add_agent_bot(name="Contesta")
        assert "2 bots are called Contesta" in self.refusal(operator)


@pytest.mark.parametrize("version", ["4.15.1", "4.12.0", "4.8.0"])
def test_what_it_prints_is_all_that_is_missing(
    version: str, redis_server: RedisServer, redis_client: redis.Redis, nursery: Nursery, tmp_path: Path
) -> None:
    """From nothing to an answer, with no more than Redis beside what was printed; and the doctor agrees."""
    with Sandbox(port=0, admin_token="admin-token", chatwoot_version=version) as sandbox:
        sandbox.add_inbox()
        with Stack({**before(sandbox), "REDIS_URL": redis_server.url}, tmp_path, nursery.start) as stack:
            operator = Operator(sandbox, stack)
            printed, _ = operator.provision("--show-secrets", url=f"http://127.0.0.1:{stack.port}")
            stack.env |= printed
            for start in (stack.start_web, stack.start_worker, lambda: stack.start("beat")):
                start()
            contact = sandbox.add_contact(name="Lucía", phone_number="+34623226544")
            sandbox.add_conversation(inbox_id=1, contact_id=contact.id, id=3)
            sandbox.customer_writes("Hola", conversation_id=3)
            wait_until(lambda: "Echo: Hola" in [each["content"] for each in sandbox.messages(3)], what="the answer")
            sandbox.settle()
            assert {each.status for each in sandbox.deliveries} == {200}
            wait_until(lambda: redis_client.hget("contesta:1:last_done", "reconcile"), what="the first look")
            assert "WRONG" not in stack.flask("doctor")
