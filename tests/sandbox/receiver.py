"""A real HTTP server that receives webhooks, and answers as it is told to."""

import json
import threading
from collections import defaultdict
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


@dataclass(frozen=True)
class Received:
    to: str
    """The path that it was posted to, such as "bot"."""
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def delivery_id(self) -> str | None:
        return self.headers.get("x-chatwoot-delivery")


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128  # a burst that overflows it would look like a timeout


@dataclass(frozen=True)
class Answer:
    status: int = 200
    after_s: float = 0.0


class Receiver:
    """Use with `with`. `answers[path]` are given one after the other, then 200."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: dict[str, list[Answer]] = defaultdict(list)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = _server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def to(self, path: str, event: str | None = None) -> list[Received]:
        with self._lock:
            return [each for each in self.received if each.to == path and event in (None, each.body["event"])]

    def clear(self) -> None:
        with self._lock:
            self.received.clear()

    def take(self, received: Received) -> int:
        """The status to answer with, once its time has come."""
        with self._lock:
            self.received.append(received)
            told = self.answers[received.to]
            answer = told.pop(0) if told else Answer()
        self._closing.wait(answer.after_s)
        return answer.status


def _server(receiver: Receiver) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = receiver.take(Received(self.path.strip("/"), headers, raw))
            try:
                self.send_response(status)
                self.end_headers()
            except ConnectionError:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    return _Server(("127.0.0.1", 0), Handler)
