"""A small service that books: over HTTP, without any key to book once by, as most of them are. It counts."""

from __future__ import annotations

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.stack import wait_until


class Bookings:
    """POST /bookings `{"day": …}` books, each time again; GET /bookings tells all days that are booked."""

    def __init__(self) -> None:
        self.booked: list[str] = []
        """Each day as often as it was booked."""
        self._answers = threading.Event()
        self._answers.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/bookings"

    def hold_answers(self) -> None:
        """Book, and say nothing, until `answer`."""
        self._answers.clear()

    def answer(self) -> None:
        self._answers.set()

    def times(self) -> Counter[str]:
        return Counter(self.booked)

    def wait_for(self, count: int) -> list[str]:
        wait_until(lambda: len(self.booked) >= count, what=f"{count} bookings")
        return self.booked

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.answer()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                day = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["day"]
                service.booked.append(day)
                service._answers.wait()
                self._say({"day": day, "number": len(service.booked)})

            def do_GET(self) -> None:
                self._say(service.booked)

            def _say(self, what: Any) -> None:
                body = json.dumps(what).encode()
                try:
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:  # whoever asked is dead
                    self.close_connection = True

            def log_message(self, *args: Any) -> None:
                pass

        return Handler
