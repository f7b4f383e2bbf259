"""The stand-in plays Chatwoot 4.8.0, held against what a real 4.8.0 sent and answered (tests/payloads/4.8.0)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox import Sandbox
from sandbox.version import Version
from tests.sandbox.desk import CONVERSATION, Desk
from tests.sandbox.receiver import Answer, Receiver
from tests.sandbox.recording import Names, comparable, differences

PAYLOADS = Path(__file__).parents[1] / "payloads"


def recorded(name: str, folder: str = "4.8.0") -> Any:
    return json.loads((PAYLOADS / folder / f"{name}.json").read_text())


def shape(body: Any) -> Any:
    """Its keys, however deep; lists by their first element."""
    if isinstance(body, dict):
        return {key: shape(value) for key, value in body.items()}
    if isinstance(body, list):
        return [shape(value) for value in body[:1]]
    return None


@pytest.fixture
def old(receiver: Receiver) -> Iterator[Desk]:
    with (
        Sandbox(chatwoot_version="4.8.0", webhook_retry_s=0.02) as sandbox,
        httpx.Client(base_url=sandbox.url, trust_env=False) as http,
    ):
        yield Desk.furnish(sandbox, receiver, http)


def test_tells_its_version(old: Desk) -> None:
    assert old.http.get("/api").json()["version"] == "4.8.0"


def test_signs_nothing_and_names_no_delivery(old: Desk) -> None:
    old.customer_writes()
    for to in ("bot", "account"):
        (received,) = old.told(to, "message_created")
        assert not [name for name in received.headers if name.startswith("x-chatwoot")]


def test_shows_no_secret(old: Desk) -> None:
    given = {"url": "http://127.0.0.1:1/x", "subscriptions": ["message_created"]}
    answer = old.call("POST", "webhooks", given, token="admin").json()
    assert (
        answer["payload"]["webhook"].keys() == recorded("rest-POST_webhooks-200-no_secret")["payload"]["webhook"].keys()
    )


def test_messages_have_the_old_keys(old: Desk) -> None:
    old.customer_writes()
    (incoming,) = old.told("bot", "message_created")
    assert shape(incoming.body) == shape(recorded("message_created-incoming-contact"))
    old.receiver.clear()
    old.reply()
    (outgoing,) = old.told("bot", "message_created")
    assert shape(outgoing.body) == shape(recorded("message_created-outgoing-agent_bot"))


def test_of_conversations_bots_hear_only_that_they_are_opened_or_resolved(old: Desk) -> None:
    old.reply()
    old.call("POST", f"conversations/{CONVERSATION}/toggle_status", {"status": "open"})
    assert sorted(each.body["event"] for each in old.told("bot")) == ["conversation_opened", "message_created"]
    (opened,) = old.told("bot", "conversation_opened")
    assert shape(opened.body) == shape(recorded("agentbot-conversation_opened"))
    (changed,) = old.told("account", "conversation_status_changed")
    assert shape(changed.body) == shape(recorded("conversation_status_changed"))


def test_drops_our_key_and_keeps_external_created_at(old: Desk) -> None:
    marked: dict[str, Any] = {"content_attributes": {"contesta_key": "turn-1/0"}, "external_created_at": 1795390000.125}
    answer = old.reply(**marked, echo_id="e1").json()
    assert answer.keys() == recorded("rest-POST_messages-200-key_dropped").keys()
    assert answer["content_attributes"] == {"external_created_at": 1795390000.125}


def test_a_bots_reply_leaves_the_customer_waiting(old: Desk) -> None:
    old.customer_writes()
    old.reply()
    assert old.sandbox.conversation(CONVERSATION)["waiting_since"] > 0


def test_a_persons_reply_ends_the_waiting(old: Desk) -> None:
    old.customer_writes()
    old.call("POST", f"conversations/{CONVERSATION}/messages", {"content": "soy Marta"}, token="admin")
    assert old.sandbox.conversation(CONVERSATION)["waiting_since"] == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"conversations/{CONVERSATION}"),
        ("POST", f"conversations/{CONVERSATION}/toggle_typing_status"),
        ("POST", f"conversations/{CONVERSATION}/labels"),
    ],
)
def test_a_bots_token_may_do_less(old: Desk, desk: Desk, method: str, path: str) -> None:
    refused = old.call(method, path, {})
    assert (refused.status_code, refused.json()) == (401, recorded("rest-401-bot_endpoint", "."))
    assert desk.call(method, path, {}).status_code == 200


def test_a_bot_is_tried_once(old: Desk) -> None:
    old.receiver.answers["bot"] = [Answer(500)]
    old.customer_writes()
    assert len(old.told("bot", "message_created")) == 1
    assert old.status == "open"


def test_the_newest_server_is_told_from_the_old_one(old: Desk, desk: Desk) -> None:
    """So that comparing shapes above can fail: a new server's bodies are not those recorded from 4.8.0."""
    desk.customer_writes()
    (received,) = [each for each in desk.told("bot", "message_created") if "x-chatwoot-signature" in each.headers]
    old_body = comparable(recorded("message_created-incoming-contact"), Names())
    assert "body.conversation has account, Chatwoot has not" in differences(
        old_body, comparable(received.body, Names())
    )


@pytest.mark.parametrize(
    ("text", "signs", "keeps"),
    [("4.8.0", False, False), ("4.9.0", False, True), ("4.12.0", True, True), ("5.0.0", True, True)],
)
def test_versions_in_between(text: str, signs: bool, keeps: bool) -> None:
    version = Version(text)
    assert (version.signs_account_webhooks, version.keeps_content_attributes) == (signs, keeps)
