"""A wrong number or token in the settings is said once at start, and where somebody looks."""

from __future__ import annotations

import json
import urllib.request

import pytest

from sandbox.machine.ports import free_port
from tests.desk import Desk
from tests.stack import Stack, wait_until


def ready(stack: Stack) -> dict[str, str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.port}/ready", timeout=5) as answer:
        told: dict[str, str] = json.load(answer)
    return told


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"CHATWOOT_INBOX_ID": "99"}, "this account has no inbox 99"),
        ({"CHATWOOT_ACCOUNT_ID": "7"}, "CHATWOOT_ACCOUNT_ID or CHATWOOT_INBOX_ID: "),
        ({"CHATWOOT_API_TOKEN": "unknown"}, "CHATWOOT_API_TOKEN: "),
        ({"CHATWOOT_BOT_TOKEN": "unknown"}, "CHATWOOT_BOT_TOKEN: "),
        ({"CHATWOOT_API_URL": "http://no-such-host.invalid"}, "no such host"),
        ({"CHATWOOT_API_URL": f"http://127.0.0.1:{free_port()}"}, "Connection refused"),
    ],
)
def test_it_is_named(wrong: dict[str, str], said: str, desk: Desk, stack: Stack) -> None:
    stack.env |= wrong
    stack.start_web()
    beat = stack.start("beat")
    wait_until(lambda: "chatwoot_refuses_us" in beat.log.read_text(), what="the complaint")
    assert said in beat.log.read_text()
    assert wait_until(lambda: said in ready(stack).get("chatwoot", ""), what="it to be told")


@pytest.mark.parametrize("token", ["CHATWOOT_API_TOKEN", "CHATWOOT_BOT_TOKEN"])
def test_nothing_is_said_where_nothing_is_wrong(token: str, desk: Desk, stack: Stack) -> None:
    stack.env[token] = ""
    stack.start_web()
    beat = stack.start("beat")
    asked = ("/inboxes/1", "/conversations/0")
    wait_until(lambda: any(path.endswith(asked) for _, path in desk.calls()), what="the asking")
    desk.sandbox.settle()
    assert "chatwoot_refuses_us" not in beat.log.read_text()
    assert "chatwoot" not in ready(stack)
