"""The client on real connections: a small HTTP server that can be told how to misbehave."""

import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from chatwoot.client import Client
from chatwoot.errors import OutcomeUnknown, TransientError


class Server(ThreadingHTTPServer):
    """Answers every request as a stored message, over kept connections, and remembers where requests came from."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ports: list[int] = []
        self.behave: Callable[[Handler], None] = Handler.answer
        self.closed = threading.Semaphore(0)
        """Released for each connection that the server has closed."""
        self.may_go_on = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def shutdown_request(self, request: object) -> None:
        super().shutdown_request(request)  # type: ignore[arg-type]
        self.closed.release()


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.ports.append(self.client_address[1])
        self.server.behave(self)

    def answer(self) -> None:
        body = b'{"id": 1}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer_and_hang_up(self) -> None:
        """Without having said so, as a server does when a connection has been idle for too long."""
        self.answer()
        self.close_connection = True

    def hang_up(self) -> None:
        self.close_connection = True

    def hang(self) -> None:
        self.server.may_go_on.wait()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.may_go_on.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url, 1, "token", read_timeout_s=5) as client:
        yield client


def test_a_thread_keeps_its_connection(server: Server, client: Client) -> None:
    for _ in range(3):
        client.send_message(3, "Hola")
    assert len(set(server.ports)) == 1


def test_each_thread_has_a_connection_of_its_own(server: Server, client: Client) -> None:
    together = threading.Barrier(4)

    def send_twice() -> None:
        together.wait()
        client.send_message(3, "Hola")
        client.send_message(3, "Hola")

    with ThreadPoolExecutor(4) as threads:
        for sent in [threads.submit(send_twice) for _ in range(4)]:
            sent.result()
    assert len(server.ports) == 8
    assert len(set(server.ports)) == 4


def test_threads_share_one_ssl_context(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading the certificates takes longer than a request."""
    loaded = []
    load = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda **given: loaded.append(given) or load(**given))
    together = threading.Barrier(3)

    def send() -> None:
        together.wait()
        client.send_message(3, "Hola")

    with ThreadPoolExecutor(3) as threads:
        for sent in [threads.submit(send) for _ in range(3)]:
            sent.result()
        assert loaded == []


def test_closing_closes_the_connections_of_all_threads(server: Server, client: Client) -> None:
    with ThreadPoolExecutor(1) as other:
        other.submit(client.send_message, 3, "Hola").result()
        client.send_message(3, "Hola")
        client.close()
        assert server.closed.acquire(timeout=5)
        assert server.closed.acquire(timeout=5)


def test_a_kept_connection_that_the_server_has_closed_is_not_posted_on(server: Server, client: Client) -> None:
    """Else each pause would leave it unknown whether the next message was stored."""
    server.behave = Handler.answer_and_hang_up
    for _ in range(3):
        client.send_message(3, "Hola")
        assert server.closed.acquire(timeout=5)
    assert len(set(server.ports)) == 3


def test_nobody_listens_nothing_was_sent(server: Server) -> None:
    with Server() as gone:
        url = gone.url
    with Client(url, 1, "token") as client, pytest.raises(TransientError):
        client.send_message(3, "Hola")


def test_a_connection_that_breaks_after_sending_leaves_it_unknown(server: Server, client: Client) -> None:
    server.behave = Handler.hang_up
    with pytest.raises(OutcomeUnknown) as raised:
        client.send_message(3, "Hola")
    assert raised.value.status is None
    with pytest.raises(TransientError):
        client.set_status(3, "open")


def test_no_answer_in_time_leaves_it_unknown(server: Server) -> None:
    server.behave = Handler.hang
    with Client(server.url, 1, "token", read_timeout_s=0.05) as client:
        with pytest.raises(OutcomeUnknown, match="ReadTimeout"):
            client.send_message(3, "Hola")
        with pytest.raises(TransientError, match="ReadTimeout"):
            client.set_typing(3, on=True)
    assert len(server.ports) == 2
