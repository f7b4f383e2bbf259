"""Reverse proxies: one that hands on everything, and one that gives up before Chatwoot does."""

from __future__ import annotations

import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import httpx


class Proxy:
    """Hands on every request, `late_s` late, and answers what it is answered. Its clock is `ahead_s` ahead."""

    def __init__(self, upstream: str, *, ahead_s: float = 0, late_s: float = 0) -> None:
        pass_on = self.pass_on

        class Handler(BaseHTTPRequestHandler):
            def ask(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                time.sleep(late_s)
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                status, content = pass_on(
                    httpx.Request(self.command, f"{upstream}{self.path}", headers=headers, content=body)
                )
                self.send_response_only(status)
                self.send_header("Date", formatdate(time.time() + ahead_s, usegmt=True))
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: object) -> None:
                """Nothing: it is no program of ours."""

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = ask

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def pass_on(self, request: httpx.Request) -> tuple[int, bytes]:
        """Status and body of what is answered."""
        with httpx.Client(timeout=60, trust_env=False) as client:
            answer = client.send(request)
        return answer.status_code, answer.content

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class ImpatientProxy(Proxy):
    """Answers the first post of a message with `status` at once; it goes on behind it. All else it waits for."""

    def __init__(self, upstream: str, status: int) -> None:
        self._status = status
        self._gave_up = threading.Event()
        super().__init__(upstream)

    def pass_on(self, request: httpx.Request) -> tuple[int, bytes]:
        if request.method != "POST" or not request.url.path.endswith("/messages") or self._gave_up.is_set():
            return super().pass_on(request)
        self._gave_up.set()
        threading.Thread(target=super().pass_on, args=(request,), daemon=True).start()
        return self._status, b""
