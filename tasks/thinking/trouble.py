"""What a graph's failure means: something it needs is away for now, or it will fail the same way for ever."""

from __future__ import annotations

from typing import Literal

_AWAY_STATUSES = (408, 409, 425, 429, 500, 502, 503, 504, 529)
_FOREVER_STATUSES = (400, 401, 402, 403, 404, 405, 413, 415, 422)
_AWAY_NAMES = ("APIConnectionError", "APITimeoutError", "ConnectError", "ConnectTimeout", "ReadTimeout", "PoolTimeout")
"""Of the models' own clients, which need not be installed: OpenAI's, Anthropic's, httpx'."""

Trouble = Literal["away", "for ever", "unknown"]


def trouble(error: BaseException) -> Trouble:
    """By the HTTP status that a model's or a service's client gives its errors, or by what Python calls them."""
    status = _status(error)
    if status in _FOREVER_STATUSES:
        return "for ever"
    names = {each.__name__ for each in type(error).__mro__}
    if status in _AWAY_STATUSES or isinstance(error, ConnectionError | TimeoutError) or names & set(_AWAY_NAMES):
        return "away"
    return "unknown"


def named(error: BaseException) -> str:
    """Its name and status: never its words, which may quote the customer."""
    status = _status(error)
    return type(error).__name__ + (f", status {status}" if status is not None else "")


def _status(error: BaseException) -> int | None:
    """As openai, anthropic, google-genai and httpx keep it."""
    response = getattr(error, "response", None)
    found = (getattr(error, "status_code", None), getattr(error, "code", None), getattr(response, "status_code", None))
    return next((each for each in found if isinstance(each, int) and not isinstance(each, bool)), None)
