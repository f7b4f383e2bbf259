"""python -m sandbox: starts alone, says where it is, ends cleanly."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import httpx
import pytest

Start = Callable[..., tuple["subprocess.Popen[str]", str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts it on a free port; gives the process and its URL once it is ready."""
    started: list[subprocess.Popen[str]] = []

    def start(*options: str) -> tuple["subprocess.Popen[str]", str]:
        command = [sys.executable, "-m", "sandbox", "--port", "0", "--admin-token", "A", "--agent-token", "B", *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        return process, process.stdout.readline().split()[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def get(url: str, path: str, token: str) -> httpx.Response:
    return httpx.get(f"{url}/api/v1/{path}", headers={"Api-Access-Token": token}, trust_env=False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_and_ends(start: Start, number: signal.Signals) -> None:
    process, url = start()
    profile = get(url, "profile", "A").json()
    assert (profile["name"], profile["role"], profile["accounts"][0]["name"]) == (
        "Marta",
        "administrator",
        "Peluquería Sol",
    )
    assert get(url, "profile", "B").json()["name"] == "Pablo"
    assert get(url, "accounts/1/inboxes", "A").json() == {"payload": []}
    process.send_signal(number)
    assert process.wait(10) == 0


def test_it_is_seeded_for_a_demo(start: Start) -> None:
    _, url = start(
        "--bot-token", "T", "--bot-url", "http://127.0.0.1:1/", "--secret", "S", "--webhook-url", "http://a/"
    )
    (inbox,) = get(url, "accounts/1/inboxes", "A").json()["payload"]
    assert (inbox["id"], inbox["name"], inbox["channel_type"]) == (1, "Chat", "Channel::Api")
    bot = get(url, "accounts/1/inboxes/1/agent_bot", "A").json()["agent_bot"]
    assert (bot["name"], bot["access_token"]["token"], bot["secret"]) == ("Contesta", "T", "S")
    (webhook,) = get(url, "accounts/1/webhooks", "A").json()["payload"]["webhooks"]
    assert (webhook["url"], webhook["secret"], len(webhook["subscriptions"])) == ("http://a/", "S", 10)
    members = get(url, "accounts/1/inbox_members/1", "A").json()["payload"]
    assert [each["name"] for each in members] == ["Pablo"]


def test_a_customer_who_has_said_nothing_has_the_number_that_is_named(start: Start) -> None:
    _, url = start("--webhook-url", "http://127.0.0.1:1/", "--first-id", "clock", "--conversation", "3")
    (conversation,) = get(url, "accounts/1/conversations", "A").json()["data"]["payload"]
    assert (conversation["id"], conversation["meta"]["sender"]["name"]) == (3, "Lucía")
    assert get(url, "accounts/1/conversations/3/messages", "A").json()["payload"] == []


def test_its_ids_begin_where_it_is_told(start: Start) -> None:
    _, url = start("--webhook-url", "http://127.0.0.1:1/", "--first-id", "700")
    assert [writes(url, "+34600000001"), writes(url, "+34600000002")] == [(700, 700), (701, 701)]


def test_no_two_starts_have_the_same_ids_by_the_clock(start: Start) -> None:
    first, second = (start("--webhook-url", "http://127.0.0.1:1/", "--first-id", "clock")[1] for _ in range(2))
    assert 0 < writes(first, "+34600000001")[0] != writes(second, "+34600000001")[0] < 2**31


def writes(url: str, phone_number: str) -> tuple[int, int]:
    """A new customer writes; returns the numbers of the conversation and of the message."""
    body = {"content": "Hola", "phone_number": phone_number, "inbox_id": 1}
    written = httpx.post(f"{url}/sandbox/customers/messages", json=body, trust_env=False).raise_for_status().json()
    return written["conversation_id"], written["id"]


def test_it_lags(start: Start) -> None:
    lags = ("--webhook-lag", "0-10", "--api-lag", "0.3-1.2", "--channel-lag", "0-0.5", "--files-lag", "2.5-7")
    _, url = start(*lags, "--lag-seed", "7")
    state = httpx.get(f"{url}/sandbox/state", trust_env=False).json()
    expected = {"webhooks_s": [0, 10], "api_s": [0.3, 1.2], "channel_s": [0, 0.5], "files_s": [2.5, 7], "seed": 7}
    assert state["lag"] == expected


@pytest.mark.parametrize(
    ("option", "version", "told"),
    [("--like", "4.8.0", "4.8.0"), ("--like", "4.17", "4.17.0"), ("--chatwoot-version", "4.8.0", "4.8.0")],
)
def test_it_plays_another_server(start: Start, option: str, version: str, told: str) -> None:
    _, url = start(option, version)
    assert httpx.get(f"{url}/api", trust_env=False).json()["version"] == told
