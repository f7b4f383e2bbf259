"""What carries a request to the application: gunicorn's processes, tornado's event loop, and a few threads.

A request takes a thread only when it has come in whole. Headers and bodies that drip in hold a connection, no thread,
and that for seconds: tests/integration/webhook_app/test_server.py. With gunicorn's own threads, as many slow
connections as there are threads kept everybody out.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from gunicorn.workers.base import Worker  # type: ignore[import-untyped]
from tornado.httpserver import HTTPServer
from tornado.httputil import (
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import StreamClosedError
from tornado.wsgi import WSGIContainer

from tasks.runtime.redaction import safe_traceback

log = structlog.get_logger()

MOST_BYTES = 2 * 1024 * 1024
"""Of a webhook. Chatwoot takes texts of 150,000 characters and tells each three times; of an e-mail the HTML, too."""
_MOST_HEADER_BYTES = 16 * 1024
_HEADERS_S = _BODY_S = 5.0
"""For all headers, and for the whole body. Chatwoot itself hangs up after 5 s."""
_ANSWER_S = 3.0
"""Then it is answered 500, while Chatwoot still listens, and comes again; a message that comes twice is kept once."""


class Gateway(HTTPServerConnectionDelegate):
    """Refuses by its headers what is too large; hands the rest to a WSGI application."""

    def __init__(self, application: Any, threads: ThreadPoolExecutor) -> None:
        self.container = _Container(application, threads)

    def start_request(self, server_conn: object, request_conn: Any) -> HTTPMessageDelegate:
        return _Message(self.container, request_conn)


class _Message(HTTPMessageDelegate):
    def __init__(self, container: _Container, connection: Any) -> None:
        self._container = container
        self._connection = connection
        self._chunks: list[bytes] = []

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders) -> None:
        assert isinstance(start_line, RequestStartLine)
        length = headers.get("Content-Length", "")
        if length.isdecimal() and (len(length) > 12 or int(length) > MOST_BYTES):
            self._refuse(413, "Content Too Large")
            return
        try:
            self._request = HTTPServerRequest(connection=self._connection, start_line=start_line, headers=headers)
        except HTTPInputError:  # no host, or several
            self._refuse(400, "Bad Request")

    def _refuse(self, status: int, reason: str) -> None:
        _answer(self._connection, status, reason)
        self._connection.close()

    def data_received(self, chunk: bytes) -> None:
        self._chunks.append(chunk)

    def finish(self) -> None:
        self._request.body = b"".join(self._chunks)
        self._container(self._request)


class _Container(WSGIContainer):
    """Runs the application in a thread, and waits for it as long as anybody listens."""

    in_flight = 0

    async def handle_request(self, request: HTTPServerRequest) -> None:
        self.in_flight += 1
        try:
            await asyncio.wait_for(super().handle_request(request), _ANSWER_S)
        except StreamClosedError:
            pass  # nobody is there to be answered
        except TimeoutError:
            log.error("webhook_not_kept", error="TimeoutError")
            _answer(request.connection, 500, "Internal Server Error")
        except Exception as error:  # noqa: BLE001 - the outermost edge; tornado would log what was sent
            log.error("request_failed", error=type(error).__name__, where=safe_traceback(error))
            _answer(request.connection, 500, "Internal Server Error")
        finally:
            self.in_flight -= 1

    def environ(self, request: HTTPServerRequest) -> dict[str, Any]:
        # A body that came in chunks is in one piece by now.
        request.headers.pop("Transfer-Encoding", None)
        request.headers["Content-Length"] = str(len(request.body))
        return super().environ(request)

    def _log(self, status_code: int, request: HTTPServerRequest) -> None:
        """Nothing: the path may be the secret. The application writes its lines itself."""


class WebWorker(Worker):  # type: ignore[misc]
    """One of gunicorn's processes."""

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        with ThreadPoolExecutor(self.cfg.threads, thread_name_prefix="web") as threads:
            gateway = Gateway(self.wsgi, threads)
            server = HTTPServer(
                gateway,
                idle_connection_timeout=_HEADERS_S,
                body_timeout=_BODY_S,
                max_body_size=MOST_BYTES,
                max_header_size=_MOST_HEADER_BYTES,
            )
            server.add_sockets([each.sock for each in self.sockets])
            while self.alive and self.ppid == os.getppid():
                self.notify()
                await asyncio.sleep(0.2)
            server.stop()
            await self._finish(gateway.container)
            await server.close_all_connections()

    async def _finish(self, container: _Container) -> None:
        """What has come in is answered."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self.cfg.graceful_timeout
        await asyncio.sleep(0.2)  # what was accepted a moment ago
        while container.in_flight and loop.time() < end:
            self.notify()
            await asyncio.sleep(0.05)


def _answer(connection: Any, status: int, reason: str) -> None:
    headers = HTTPHeaders({"Content-Length": "0", "Connection": "close"})
    try:
        connection.write_headers(ResponseStartLine("HTTP/1.1", status, reason), headers)
        connection.finish()
    except StreamClosedError:
        pass
