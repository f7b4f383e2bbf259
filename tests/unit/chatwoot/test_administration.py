"""What an administrator's call asks, and what it makes of what a real Chatwoot answered."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from chatwoot.administration import Administration
from chatwoot.installation import Server

RECORDED = Path(__file__).parents[2] / "recorded" / "00-setup.json"
URL = "https://bot.example.com/webhooks/chatwoot"
EVENTS = ("message_created",)
Act = Callable[[Administration], Any]


def recorded(method: str, path: str) -> Any:
    """What Chatwoot answered to an administrator's first call of this kind."""
    steps = json.loads(RECORDED.read_text())["steps"]
    calls = [step for step in steps if "call" in step and step["call"]["token"] == "admin"]
    path = f"/api/v1/accounts/{{account}}{path}" if not path.startswith("/api") else path
    return next(
        step["answer"]["body"] for step in calls if (step["call"]["method"], step["call"]["path"]) == (method, path)
    )


def ask(act: Act, answer: Any, **headers: str) -> tuple[Any, tuple[str, str, Any]]:
    """What the call returns, and what it asked."""
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=answer, headers=headers)

    with Administration("http://chatwoot.test", 1, "token", transport=httpx.MockTransport(handle)) as client:
        returned = act(client)
    [request] = asked
    return returned, (request.method, request.url.path, json.loads(request.content) if request.content else None)


ASKED: list[tuple[Act, tuple[str, str], tuple[str, str, Any]]] = [
    (lambda client: client.inboxes(), ("GET", "/inboxes"), ("GET", "/inboxes", None)),
    (lambda client: client.agent_bots(), ("GET", "/agent_bots"), ("GET", "/agent_bots", None)),
    (lambda client: client.agent_bot_of(1), ("GET", "/inboxes/1/agent_bot"), ("GET", "/inboxes/1/agent_bot", None)),
    (lambda client: client.webhooks(), ("GET", "/webhooks"), ("GET", "/webhooks", None)),
    (
        lambda client: client.create_agent_bot(name="Contesta", outgoing_url=URL),
        ("POST", "/agent_bots"),
        ("POST", "/agent_bots", {"name": "Contesta", "outgoing_url": URL}),
    ),
    (
        lambda client: client.set_agent_bots_url(2, URL),
        ("POST", "/agent_bots"),
        ("PATCH", "/agent_bots/2", {"outgoing_url": URL}),
    ),
    (
        lambda client: client.set_agent_bot_of(1, 2),
        ("POST", "/inboxes/1/set_agent_bot"),
        ("POST", "/inboxes/1/set_agent_bot", {"agent_bot": 2}),
    ),
    (
        lambda client: client.create_webhook(name="Contesta", url=URL, subscriptions=EVENTS),
        ("POST", "/webhooks"),
        ("POST", "/webhooks", {"webhook": {"name": "Contesta", "url": URL, "subscriptions": [*EVENTS]}}),
    ),
    (
        lambda client: client.update_webhook(3, url=URL, subscriptions=EVENTS),
        ("POST", "/webhooks"),
        ("PATCH", "/webhooks/3", {"webhook": {"url": URL, "subscriptions": [*EVENTS]}}),
    ),
]


@pytest.mark.parametrize(("act", "answer", "asked"), ASKED)
def test_what_a_method_asks(act: Act, answer: tuple[str, str], asked: tuple[str, str, Any]) -> None:
    method, path, body = asked
    assert ask(act, recorded(*answer))[1] == (method, f"/api/v1/accounts/1{path}", body)


def test_an_administrators_bots_have_their_secrets() -> None:
    bots, _ = ask(lambda client: client.agent_bots(), recorded("GET", "/agent_bots"))
    assert [bot.name for bot in bots] == ["Contesta", "other"]
    assert bots[0].secret == "<secret, 24 characters>"
    assert bots[0].access_token == "<access_token, 24 characters>"
    assert "<" not in repr(bots)
    assert "127.0.0.1" not in repr(bots)


def test_an_inbox_has_a_bot_or_none() -> None:
    bot, _ = ask(lambda client: client.agent_bot_of(1), recorded("GET", "/inboxes/1/agent_bot"))
    assert bot.id == 1
    assert ask(lambda client: client.agent_bot_of(1), {})[0] is None


def test_a_webhook_has_its_events_and_secret() -> None:
    (webhook,), _ = ask(lambda client: client.webhooks(), recorded("GET", "/webhooks"))
    assert "message_created" in webhook.subscriptions
    assert webhook.secret == "<secret, 24 characters>"
    assert "<" not in repr(webhook)


@pytest.mark.parametrize(("account", "role"), [(1, "administrator"), (7, None)])
def test_a_users_role_is_the_one_in_this_account(account: int, role: str | None) -> None:
    profile = recorded("GET", "/api/v1/profile")
    profile["accounts"][0]["id"] = account
    assert ask(lambda client: client.role(), profile) == (role, ("GET", "/api/v1/profile", None))


class TestTheServersClock:
    ANSWER = recorded("GET", "/api")

    def test_is_the_headers(self) -> None:
        server, _ = ask(lambda client: client.server(), self.ANSWER, date="Sun, 22 Nov 2026 23:01:20 GMT")
        assert server == Server("4.15.1", 1795388480.0)

    @pytest.mark.parametrize("headers", [{}, {"date": "yesterday"}])
    def test_is_the_answers_where_no_header_tells(self, headers: dict[str, str]) -> None:
        server, _ = ask(lambda client: client.server(), self.ANSWER, **headers)
        assert server == Server("4.15.1", 1795388479.0)


@pytest.mark.parametrize(("version", "is_newer"), [("4.13.0", True), ("4.9.2", False), ("develop", True)])
def test_versions_are_compared_by_their_numbers(version: str, is_newer: bool) -> None:
    assert (Server(version, None).release >= (4, 13)) is is_newer
