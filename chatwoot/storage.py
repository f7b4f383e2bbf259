"""Fetches what customers sent from where Chatwoot keeps it, and from nowhere else."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import httpx

from chatwoot.http import ssl_context

SERVICES = (
    "*.s3.amazonaws.com",
    "*.s3.*.amazonaws.com",
    "s3.*.amazonaws.com",
    "storage.googleapis.com",
    "*.storage.googleapis.com",
    "*.blob.core.windows.net",
)
"""Where Rails' Active Storage keeps files, when not on Chatwoot's own disk."""
_MOST_REDIRECTS = 3


class NotFetched(Exception):
    """The file could not be had. The text says why, and names neither the file nor its URL."""

    def __init__(self, why: str, *, is_for_now: bool = False) -> None:
        super().__init__(why)
        self.is_for_now = is_for_now
        """It may be there if it is tried again."""


@dataclass(frozen=True)
class Fetched:
    """A file that came with a message."""

    content: bytes = field(repr=False)
    content_type: str
    """Such as "image/png", without parameters."""


class Storage:
    """Chatwoot's files. The URL of one redirects to its bytes, for minutes; no token is sent along. Safe for threads.

    Only Chatwoot's own host, the storage services that it may use, and `hosts` are asked, whatever a message or a
    redirect names: what stands in a message is a stranger's word, and our network is not theirs to explore.
    """

    def __init__(self, base_url: str, *, hosts: Collection[str], most_bytes: int, timeout_s: float) -> None:
        """`hosts`: patterns such as "files.example.com" or "*.example.com"; `timeout_s`: for all of a file."""
        self._own = httpx.URL(base_url)
        self._hosts = (*SERVICES, *hosts)
        self._most_bytes = most_bytes
        self._timeout_s = timeout_s

    def fetch(self, url: str) -> Fetched:
        """The file at a `data_url`. Safe to repeat.

        Raises:
            NotFetched: it is not where Chatwoot keeps files, too large, gone, or cannot be had now.
        """
        end = time.monotonic() + self._timeout_s
        try:
            with httpx.Client(timeout=self._timeout_s, follow_redirects=False, verify=ssl_context()) as client:
                for _ in range(_MOST_REDIRECTS + 1):
                    self._require_allowed(url)
                    with client.stream("GET", url) as response:
                        if response.next_request is None:
                            return self._read(response, end)
                        url = str(response.next_request.url)
        except httpx.InvalidURL:
            raise NotFetched("its address is none") from None
        except httpx.HTTPError as error:
            raise NotFetched(type(error).__name__, is_for_now=True) from None
        raise NotFetched("it is redirected too often")

    def _require_allowed(self, url: str) -> None:
        parsed = httpx.URL(url)
        is_own = (parsed.scheme, parsed.host, parsed.port) == (self._own.scheme, self._own.host, self._own.port)
        is_known = parsed.scheme == "https" and any(fnmatchcase(parsed.host, pattern) for pattern in self._hosts)
        if not is_own and not is_known:
            raise NotFetched("it is not where Chatwoot keeps files (MEDIA_HOSTS)")

    def _read(self, response: httpx.Response, end: float) -> Fetched:
        if response.status_code != 200:
            raise NotFetched(f"HTTP {response.status_code}", is_for_now=response.status_code >= 500)
        content = bytearray()
        for part in response.iter_bytes():
            content += part
            if len(content) > self._most_bytes:
                raise NotFetched("it is too large (MEDIA_MAX_MB)")
            if time.monotonic() > end:
                raise NotFetched("it takes too long", is_for_now=True)
        content_type = response.headers.get("Content-Type", "application/octet-stream").partition(";")[0].strip()
        return Fetched(bytes(content), content_type.lower())
