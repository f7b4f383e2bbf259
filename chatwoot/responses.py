"""What Chatwoot's answer, or its absence, means: a value, or one of our errors. The one place that decides it."""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx

from chatwoot.errors import ChatwootError, NotFound, OutcomeUnknown, PermanentError, TransientError
from chatwoot.reading import Misshapen, mapping, parsed, texts

T = TypeVar("T")

# HTTPError is most of them; the others stand beside it in httpx.
HTTPX_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict)

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_NEVER_WILL_BE = (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.TooManyRedirects)

# Nothing was stored where a 422 says one of these. Any other 422 may come from a fault after the message was stored:
# tests/recorded/15-faults-inside-chatwoot.json.
_PERMANENT_TEXTS = (
    "Content is too long",
    "is not a valid message_type",
    "is not a valid content_type",
    "contains invalid keys",
    "string contains null byte",
    "Incoming messages are only allowed in Api inboxes",
    "source_id should be unique",
    "param is missing",
    "has already been taken",
    "should be in e164 format",
)
_FULL_FOR_A_MINUTE = "Too many messages"
_A_MINUTE_S = 60.0
_RECORD_NOT_FOUND = "could not be found"

_LONGEST_TEXT = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
# Phone numbers, tokens and secrets.
_PERSONAL = re.compile(r"\+\d[\d ().-]{5,}\d|\b\d{7,}\b|\b(?=\w*\d)\w{20,}\b")
# Ruby shows whole records as #<Contact …>; and e-mail addresses, with what stands beside them. From where a word
# begins, or a long one would be read from each of its letters on.
_RECORD_OR_EMAIL = re.compile(r"#<.*|(?<!\S)\S+@\S+")


@dataclass(frozen=True)
class Call:
    """What was asked of Chatwoot, as far as errors may tell: no query, no body."""

    method: str
    path: str
    creates: bool = False
    """Doing it twice makes two of it."""

    @property
    def is_about_a_conversation(self) -> bool:
        return self.path.startswith("/conversations/")

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def read(response: httpx.Response, call: Call, shape: Callable[[Any], T]) -> T:
    """What `shape` makes of the JSON in a good answer.

    Raises:
        ChatwootError: the answer is not a good one, or `shape` cannot use it.
    """
    if not response.is_success:
        raise error_for_answer(response, call)
    try:
        return shape(parsed(response.content))
    except ValueError as error:
        what = f"unusable ({error})" if isinstance(error, Misshapen) else "not JSON"
        raise _unsure(call)(f"{call}: the answer is {what}", status=response.status_code) from error


def error_for_exception(error: Exception, call: Call) -> ChatwootError:
    """Our error for one of httpx: its kind is told, its text is not (it may hold the URL's query)."""
    why = _why(error)
    message = f"{call}: {type(error).__name__}" + (f" ({why})" if why else "")
    if isinstance(error, _NEVER_SENT):
        return TransientError(message, text=why)
    if isinstance(error, _NEVER_WILL_BE):
        return PermanentError(message, text=why)
    return _unsure(call)(message, text=why)


def _why(error: BaseException) -> str:
    """What the operating system, or the certificate, has against it: an unknown authority, a refused connection."""
    cause = error.__cause__ or error.__context__
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        return error.reason or ""
    if isinstance(error, socket.gaierror):
        return "no such host"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return _why(cause) if cause is not None else ""


def error_for_answer(response: httpx.Response, call: Call) -> ChatwootError:
    """Our error for an answer that is not 2xx."""
    said = _said(response)
    text = shown(said)
    retry_after_s = _retry_after_s(response)
    if retry_after_s is None and response.status_code == 422 and _FULL_FOR_A_MINUTE in said:
        retry_after_s = _A_MINUTE_S
    return _kind(response.status_code, said, call)(
        f"{call} answered {response.status_code}{_where_to(response)}" + (f": {text}" if text else ""),
        status=response.status_code,
        text=text,
        retry_after_s=retry_after_s,
        conversation_gone=call.is_about_a_conversation and _says_it_is_gone(response.status_code, said),
    )


def _kind(status: int, said: str, call: Call) -> type[ChatwootError]:
    if status == 422:
        return _kind_of_422(said, call)
    # Refused before it was looked at: 425 Too Early, 429 Too Many Requests.
    if status in (425, 429):
        return TransientError
    # 408 comes from a proxy, which does not say how far Chatwoot got.
    if status == 408:
        return _unsure(call)
    if status == 404:
        return NotFound
    # Redirects are not followed: a POST would become a GET, and the token would go where it should not.
    if 300 <= status < 500:
        return PermanentError
    return _unsure(call)


def _kind_of_422(said: str, call: Call) -> type[ChatwootError]:
    if _FULL_FOR_A_MINUTE in said:
        return TransientError
    if any(permanent in said for permanent in _PERMANENT_TEXTS):
        return PermanentError
    return _unsure(call)


def _unsure(call: Call) -> type[ChatwootError]:
    """What an unknown outcome is: looked up first where a second time would make a second one."""
    return OutcomeUnknown if call.creates else TransientError


def _says_it_is_gone(status: int, said: str) -> bool:
    """Deleted, or being deleted: for a moment a POST then stumbles over the contact that is no longer there."""
    if status == 404:
        return _RECORD_NOT_FOUND in said
    return status == 422 and "undefined method" in said and "source_id" in said


def _said(response: httpx.Response) -> str:
    """Chatwoot's own words; nothing of an HTML page."""
    content_type = response.headers.get("content-type", "")
    if content_type.startswith("text/plain"):
        return response.text
    try:
        body = mapping(parsed(response.content))
    except ValueError:
        return ""
    said = [body.get("error"), body.get("message"), *texts(body.get("errors"))]
    return next((words for words in said if isinstance(words, str) and words), "")


def shown(said: str) -> str:
    """Foreign words as a log or a list may show them: no phone, e-mail or token, and nothing that steers a terminal.

    The first line, since PostgreSQL's further lines quote the row: our customer's message.
    """
    first_line, *_ = said.strip().splitlines() or [""]
    without_numbers = _PERSONAL.sub("…", _CONTROL.sub(" ", first_line))
    return _RECORD_OR_EMAIL.sub("…", without_numbers)[:_LONGEST_TEXT]


def _where_to(response: httpx.Response) -> str:
    """The host that a redirect names: mostly http where https was meant, which the operator should see."""
    location = response.headers.get("location")
    if not location:
        return ""
    try:
        url = httpx.URL(location)
    except httpx.InvalidURL:
        return ""
    return f" (redirects to {url.scheme}://{url.host})" if url.host else ""


def _retry_after_s(response: httpx.Response) -> float | None:
    """Seconds from a Retry-After header in either of its forms."""
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdecimal():
        return min(float(value[:9]), 86_400.0)
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max((until - datetime.now(UTC)).total_seconds(), 0.0), 86_400.0)
