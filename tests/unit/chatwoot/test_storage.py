"""What customers sent is fetched from where Chatwoot keeps it: over real HTTP, and never from anywhere else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from chatwoot.storage import Fetched, NotFetched, Storage

PNG = b"\x89PNG and so on"


class _Chatwoot(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert self.headers["Api-Access-Token"] is None
        name = self.path.rpartition("/")[2]
        if name.startswith("to:"):
            self._answer(302, location=name.removeprefix("to:").replace("|", "/"))
        elif name == "round":
            self._answer(302, location="/round")
        elif name == "slow":
            self._begin(200, length=10**6)
            try:
                while True:
                    self.wfile.write(b"x")
                    time.sleep(0.01)
            except OSError:
                return
        elif name.isdecimal():
            self._answer(int(name))
        else:
            self._answer(200, body=PNG)

    def _begin(self, status: int, *, length: int, location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "image/PNG; charset=binary")
        self.send_header("Content-Length", str(length))
        if location:
            self.send_header("Location", location)
        self.end_headers()

    def _answer(self, status: int, *, body: bytes = b"", location: str = "") -> None:
        self._begin(status, length=len(body), location=location)
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def serving() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Chatwoot)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def chatwoot() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """A service of our own network, such as a cloud's metadata."""
    with serving() as url:
        yield url


def storage(url: str, *, hosts: tuple[str, ...] = (), most_bytes: int = 1000, timeout_s: float = 5) -> Storage:
    return Storage(url, hosts=hosts, most_bytes=most_bytes, timeout_s=timeout_s)


@pytest.mark.parametrize("path", ["photo.png", "to:|photo.png"])
def test_a_file_is_fetched_from_where_it_is_redirected_to(path: str, chatwoot: str) -> None:
    assert storage(chatwoot).fetch(f"{chatwoot}/{path}") == Fetched(PNG, "image/png")


@pytest.mark.parametrize(
    "url",
    [
        "{elsewhere}/photo.png",
        "{chatwoot}/to:{elsewhere}|photo.png",
        "{chatwoot}/to:http:||169.254.169.254|latest|meta-data",
        "http://169.254.169.254/latest/meta-data",
        "http://localhost:6379/",
        "{chatwoot}@127.0.0.1:6379/photo.png",
        "http://evil.s3.amazonaws.com/photo.png",
        "https://s3.amazonaws.com.evil.example/photo.png",
        "file:///etc/passwd",
        "ftp://127.0.0.1/photo.png",
        "//127.0.0.1/photo.png",
        "/photo.png",
        "",
        "http://[::1",
    ],
)
def test_nothing_else_is_asked(url: str, chatwoot: str, elsewhere: str) -> None:
    named = url.replace("{chatwoot}", chatwoot)
    named = named.replace("{elsewhere}", elsewhere if "to:" not in url else elsewhere.replace("/", "|"))
    with pytest.raises(NotFetched, match=r"MEDIA_HOSTS|address") as caught:
        storage(chatwoot).fetch(named)
    assert not caught.value.is_for_now


@pytest.mark.parametrize(
    ("path", "why", "is_for_now"),
    [("404", "HTTP 404", False), ("503", "HTTP 503", True), ("round", "too often", False), ("slow", "takes", True)],
)
def test_what_cannot_be_had_says_why(path: str, why: str, is_for_now: bool, chatwoot: str) -> None:
    with pytest.raises(NotFetched, match=why) as caught:
        storage(chatwoot, most_bytes=10**7, timeout_s=0.3 if path == "slow" else 5).fetch(f"{chatwoot}/{path}")
    assert caught.value.is_for_now is is_for_now


def test_what_is_too_large_is_left(chatwoot: str) -> None:
    with pytest.raises(NotFetched, match="MEDIA_MAX_MB"):
        storage(chatwoot, most_bytes=len(PNG) - 1).fetch(f"{chatwoot}/photo.png")
    assert storage(chatwoot, most_bytes=len(PNG)).fetch(f"{chatwoot}/photo.png").content == PNG


def test_who_is_not_there_may_be_there_later(chatwoot: str) -> None:
    gone = "http://127.0.0.1:1"
    with pytest.raises(NotFetched, match="ConnectError") as caught:
        storage(gone).fetch(f"{gone}/photo.png")
    assert caught.value.is_for_now
