"""The web process as its server runs it: what it logs, and whom it serves while others are slow."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from tests.stack import Stack, wait_until

HUSH = "a-token-of-somebody"


def say(stack: Stack, request: bytes) -> bytes:
    """The answer to these bytes, whole."""
    with socket.create_connection(("127.0.0.1", stack.port), timeout=30) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    "request_",
    [
        f"GET /health HTTP/1.1\r\nApi-Access-Token {HUSH}\r\n\r\n",
        f"GET /health HTTP/1.1\r\nHost: x\r\nApi Access Token: {HUSH}\r\n\r\n",
        f"GET /health HTTP/1.1\r\nHost: x\r\nAuthorization: {HUSH}\x00\r\n\r\n",
        f"GET /health HTTP/1.1\r\nHost: x\r\n {HUSH}\r\n\r\n",
        f"POST /webhooks/chatwoot/{HUSH} HTTP/x\r\n\r\n",
        f"POST /webhooks/chatwoot/{HUSH}\r\n\r\n",
        f"{HUSH}! /health HTTP/1.1\r\n\r\n",
        f"POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: {HUSH}\r\n\r\n",
        f"POST /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: {HUSH}\r\n\r\n",
        f"POST /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{HUSH}\r\n",
        f"POST /webhooks/chatwoot/{HUSH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        f"GET /{HUSH * 500} HTTP/1.1\r\nHost: x\r\n\r\n",
        f"GET /health HTTP/1.1\r\nHost: x\r\nExpect: {HUSH}\r\n\r\n",
        f"GET /health HTTP/1.1\r\nHost: x:{HUSH}\r\n\r\n",
        f"GET /health HTTP/1.1\r\nHost: {HUSH}\r\nHost: x\r\n\r\n",
        f"GET /{HUSH} HTTP/1.1\r\n\r\n",
        f"PROXY TCP4 {HUSH}\r\nGET /health HTTP/1.1\r\n\r\n",
    ],
)
def test_what_cannot_be_read_is_not_logged_as_it_came(stack: Stack, request_: str) -> None:
    web = stack.start_web()
    say(stack, request_.encode())
    web.stop()
    assert HUSH not in web.log.read_text()


def test_that_something_could_not_be_read_is_logged(stack: Stack) -> None:
    web = stack.start_web()
    say(stack, f"GET /health HTTP/1.1\r\nApi-Access-Token {HUSH}\r\n\r\n".encode())
    wait_until(lambda: "Malformed HTTP message" in web.log.read_text(), what="a line in the log")


@contextmanager
def connections(stack: Stack, count: int, begin: bytes) -> Iterator[list[socket.socket]]:
    """So many connections that have said so much, and no more for now."""
    with ExitStack() as opened:
        found = []
        for _ in range(count):
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", stack.port), timeout=30))
            connection.sendall(begin)
            found.append(connection)
        yield found


BEGUN = {
    "nothing": b"",
    "a letter": b"P",
    "half a header": b"POST /webhooks/chatwoot HTTP/1.1\r\nHost: x\r\nX-Chatwoot-",
    "no body": b"POST /webhooks/chatwoot HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n",
    "half a body": b'POST /webhooks/chatwoot HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"event',
    "half a chunk": b"POST /webhooks/chatwoot HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{",
    "an answer not read": b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" * 50,
}


@pytest.mark.parametrize("begin", BEGUN.values(), ids=BEGUN)
def test_who_drips_keeps_nobody_out(stack: Stack, begin: bytes) -> None:
    stack.start_web()
    with connections(stack, 200, begin) as slow:
        for connection in slow:
            if begin:
                connection.sendall(b"e")
            if connection in slow[::50]:
                assert httpx.get(f"http://127.0.0.1:{stack.port}/ready", timeout=5).status_code == 200


def test_who_drips_for_too_long_is_sent_away(stack: Stack) -> None:
    stack.start_web()
    for begin in ("half a header", "half a body"):
        with connections(stack, 1, BEGUN[begin]) as (slow,):
            slow.settimeout(0.5)

            def is_closed(slow: socket.socket = slow) -> bool:
                try:
                    slow.sendall(b" ")
                    return slow.recv(4096) == b""
                except TimeoutError:
                    return False
                except OSError:
                    return True

            wait_until(is_closed, what=f"the end of {begin}")


@pytest.mark.parametrize("length", [str(2 * 1024 * 1024 + 1), "9" * 12, "9" * 5000])
def test_what_is_too_large_is_refused_before_it_comes(stack: Stack, length: str) -> None:
    stack.start_web()
    head = f"POST /webhooks/chatwoot HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
    with connections(stack, 1, head.encode()) as (connection,):
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_chunks_without_end_are_refused(stack: Stack) -> None:
    stack.start_web()
    head = b"POST /webhooks/chatwoot HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with (
        connections(stack, 1, head) as (connection,),
        pytest.raises(OSError, match=r"Broken pipe|reset"),
    ):
        connection.sendall(chunk * 1000)


def test_a_body_in_chunks_is_a_body(stack: Stack) -> None:
    stack.start_web(CHATWOOT_WEBHOOK_TOKEN="token")
    url = f"http://127.0.0.1:{stack.port}/webhooks/chatwoot/token"
    assert httpx.post(url, content=iter([b'{"event"', b': "x"}'])).status_code == 200


def test_who_is_being_answered_is_answered_before_it_ends(stack: Stack) -> None:
    """SIGTERM comes while a request is under way."""
    web = stack.start_web(CHATWOOT_WEBHOOK_TOKEN="token")
    head = b"POST /webhooks/chatwoot/token HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
    with connections(stack, 20, head) as begun:
        for connection in begun:
            connection.sendall(b"{}")
        web.ask_to_stop()
        assert {connection.recv(4096)[:12] for connection in begun} == {b"HTTP/1.1 200"}
