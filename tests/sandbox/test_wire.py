"""HTTP as clients of a real Chatwoot see it, and a stand-in that leaves nothing behind."""

import http.client
import socket
import threading

import httpx
import pytest

from sandbox import Sandbox
from tests.sandbox.desk import CONVERSATION, Desk


def connected(sandbox: Sandbox) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", int(sandbox.url.rpartition(":")[2]), timeout=30)


def ask(connection: http.client.HTTPConnection, method: str, path: str) -> tuple[int, bytes]:
    connection.request(method, path, headers={"Api-Access-Token": "admin-token"})
    answer = connection.getresponse()
    return answer.status, answer.read()


def get_no_answer(client: httpx.Client) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/api")


def test_a_connection_serves_many_requests(sandbox: Sandbox) -> None:
    connection = connected(sandbox)
    connection.connect()
    first = connection.sock
    for path in ("/health", "/api", "/api/v1/accounts/1/nosuchroute"):
        ask(connection, "GET", path)
    assert connection.sock is first
    connection.close()


def test_head_has_no_body(sandbox: Sandbox) -> None:
    connection = connected(sandbox)
    assert ask(connection, "HEAD", "/api/v1/accounts/1/conversations") == (200, b"")
    assert ask(connection, "GET", "/health")[0] == 200
    connection.close()


def test_a_client_that_goes_away_disturbs_nobody(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    desk.sandbox.faults.add("slow", seconds=0.2)
    with socket.create_connection(("127.0.0.1", int(desk.sandbox.url.rpartition(":")[2]))) as hasty:
        body = b'{"content": "uno"}'
        path = f"/api/v1/accounts/1/conversations/{CONVERSATION}/messages"
        head = f"POST {path} HTTP/1.1\r\nApi-Access-Token: bot-token\r\nContent-Type: application/json\r\n"
        hasty.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    assert desk.call("GET", f"conversations/{CONVERSATION}").status_code == 200
    desk.sandbox.close()
    assert capfd.readouterr().err == ""


def test_closing_lets_go_of_who_hangs_and_ends_every_thread() -> None:
    before = set(threading.enumerate())
    with Sandbox() as sandbox, httpx.Client(base_url=sandbox.url, trust_env=False) as http:
        sandbox.faults.add("hang", method="GET", path=".*", seconds=60)
        hanging = threading.Thread(target=lambda: get_no_answer(http))
        hanging.start()
        while not sandbox.requests:
            hanging.join(0.01)
        sandbox.close()
        hanging.join(5)
        assert set(threading.enumerate()) == before
        with pytest.raises(httpx.ConnectError):
            http.get("/api")


def test_many_clients_at_once_lose_nothing(desk: Desk) -> None:
    def post(number: int) -> None:
        with httpx.Client(base_url=desk.sandbox.url, trust_env=False, verify=False) as client:
            for turn in range(20):
                url = f"/api/v1/accounts/1/conversations/{CONVERSATION}/messages"
                body = {"content": f"{number}/{turn}"}
                assert client.post(url, json=body, headers={"Api-Access-Token": "bot-token"}).status_code == 200

    posting = [threading.Thread(target=post, args=(number,)) for number in range(8)]
    for thread in posting:
        thread.start()
    for thread in posting:
        thread.join()
    assert sorted(desk.contents) == sorted(f"{number}/{turn}" for number in range(8) for turn in range(20))
    ids = [message["id"] for message in desk.sandbox.messages(CONVERSATION)]
    assert ids == sorted(set(ids))
