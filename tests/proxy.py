"""A reverse proxy before Chatwoot that gives up before Chatwoot does: it says so, and the request goes on behind it."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import httpx


class ImpatientProxy:
    """Answers the first post of a message with `status` at once; all else it hands on and waits for."""

    def __init__(self, upstream: str, status: int) -> None:
        self._gave_up = threading.Event()
        gave_up = self._gave_up

        class Handler(BaseHTTPRequestHandler):
            def _pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.command == "POST" and self.path.endswith("/messages") and not gave_up.is_set():
                    gave_up.set()
                    threading.Thread(target=self._ask, args=(body,), daemon=True).start()
                    self._answer(status, b"")
                else:
                    answer = self._ask(body)
                    self._answer(answer.status_code, answer.content)

            def _ask(self, body: bytes) -> httpx.Response:
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                url = f"{upstream}{self.path}"
                return httpx.request(self.command, url, content=body, headers=headers, timeout=60, trust_env=False)

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Nothing: it is no program of ours."""

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
