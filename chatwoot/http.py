"""Sends requests to Chatwoot: one httpx client per thread, one SSL context per process."""

from __future__ import annotations

import functools
import json
import ssl
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from chatwoot.attachments import Upload
from chatwoot.errors import PermanentError

# Common servers close idle connections after 5 s (Node) to 75 s (nginx). A connection given up before that is never
# found closed just as a message is being posted on it, which would leave the outcome unknown.
_KEEPALIVE_EXPIRY_S = 4.0

# A thread has one request in flight.
_LIMITS = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_KEEPALIVE_EXPIRY_S)


class Http:
    """Requests with the token, relative to the base URL.

    Raises httpx's own errors, and `PermanentError` for what cannot be written as JSON.

    A client shared by hundreds of threads was measured to be the bottleneck (its connection pool has one lock), and
    loading the certificates takes longer than a request: hence a client for each thread, and one SSL context for all.

    Make it after a fork, not before.
    """

    def __init__(
        self, base_url: str, token: str, *, timeout: httpx.Timeout, transport: httpx.BaseTransport | None
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"Api-Access-Token": token, "Accept": "application/json"}
        self._timeout = timeout
        self._transport = transport
        self._ssl_context = ssl_context()
        self._of_this_thread = threading.local()
        self._lock = threading.Lock()
        self._clients: list[httpx.Client] = []

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        files: Sequence[Upload] = (),
    ) -> httpx.Response:
        """With files the body travels as a form, else as JSON."""
        sent: dict[str, Any] = {}
        if files:
            sent = {"data": _form(body or {}), "files": [_part(file) for file in files]}
        elif body is not None:
            sent = {"content": _encoded(body), "headers": {"Content-Type": "application/json"}}
        return self._client().request(method, self._base_url + path, params=params, **sent)

    def close(self) -> None:
        """Close the clients of all threads."""
        with self._lock:
            clients, self._clients = self._clients, []
        for client in clients:
            client.close()

    def _client(self) -> httpx.Client:
        client: httpx.Client | None = getattr(self._of_this_thread, "client", None)
        if client is None or client.is_closed:
            client = self._of_this_thread.client = self._new_client()
        return client

    def _new_client(self) -> httpx.Client:
        client = httpx.Client(
            headers=self._headers,
            timeout=self._timeout,
            limits=_LIMITS,
            transport=self._transport,
            verify=self._ssl_context,
            follow_redirects=False,
        )
        with self._lock:
            self._clients.append(client)
        return client


def _form(body: Mapping[str, Any]) -> dict[str, str]:
    """Texts as they are, all else as JSON, which is how Chatwoot takes `content_attributes` in a form."""
    return {
        name: (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "replace").decode()
        for name, value in body.items()
    }


def _part(file: Upload) -> tuple[str, tuple[str, bytes, str]]:
    return "attachments[]", (file.name, file.content, file.content_type)


def _encoded(body: Mapping[str, Any]) -> bytes:
    """JSON; half a surrogate pair, which models do write, becomes a question mark instead of an exception."""
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    except (ValueError, TypeError) as error:  # a number that is none, a date: a graph may want any value
        raise PermanentError(f"it cannot be written as JSON: {type(error).__name__}") from error


@functools.cache
def ssl_context() -> ssl.SSLContext:
    """One for the process: loading the certificates takes longer than a request."""
    return httpx.create_ssl_context()
