"""The way that Chatwoot's webhooks take to us: one of our own is sent along it, of which nothing follows."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from http import HTTPStatus

import httpx

from chatwoot import responses, signature
from settings import Settings
from tasks.diagnosis.findings import Check, NotLookedAt, Wrong
from tasks.installation import wanted

REACHED = "public address"
_BODY = json.dumps({"event": "contesta_doctor"}).encode()
_TIMES = 3
_MOST_S = 1.0
_GIVES_UP_S = 5.0
"""As Chatwoot does."""


class OfWebhooks:
    def __init__(self, settings: Settings, urls: Callable[[], list[str]], *, after: tuple[str, ...]) -> None:
        """`urls`: where Chatwoot posts, or should, as far as the checks that this one comes `after` have found out."""
        self._settings = settings
        self._urls = urls
        self._after = after
        self._took_s = 0.0

    def checks(self) -> list[Check]:
        return [Check(REACHED, self._reached, self._after), Check("ack time", self._ack_time, (REACHED,))]

    def _reached(self) -> str:
        """From here, not from Chatwoot's machine; but by the same name, proxy and certificate."""
        urls = self._urls()
        if not urls:
            raise NotLookedAt("nobody says where it is: flask doctor --url https://…")
        # By the slower way, if there are two.
        self._took_s = max(statistics.median(self._post(url) for _ in range(_TIMES)) for url in urls)
        return f"{', '.join(dict.fromkeys(map(wanted.shown, urls)))} takes webhooks in, with these secrets"

    def _ack_time(self) -> str:
        if self._took_s > _MOST_S:
            raise Wrong(
                f"look at Redis, proxy and load: a webhook takes {self._took_s:.1f} s; Chatwoot gives up after 5"
            )
        return f"{self._took_s * 1000:.0f} ms"

    def _post(self, url: str) -> float:
        """Send one, and return how long it took.

        Raises:
            Wrong: it was not taken in.
        """
        where = wanted.shown(url)
        began = time.monotonic()
        try:
            answer = httpx.post(url, content=_BODY, headers=self._headers(url), timeout=_GIVES_UP_S)
        except responses.HTTPX_ERRORS as error:
            why = responses.error_for_exception(error, responses.Call("POST", "/"))
            raise Wrong(
                f"let {where} lead to a web process that runs, from everywhere: {why.text or _name(error)}"
            ) from None
        took_s = time.monotonic() - began
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            raise Wrong(f"restart the web process with these settings: at {where} are other secrets, or another clock")
        if answer.is_server_error:
            raise Wrong(f"look into the web process's log, and the proxy's: {where} answers {answer.status_code}")
        if not _is_ours(answer):
            raise Wrong(
                f"let {where} lead to our web process, its path unchanged, or `flask provision` with the right one: "
                f"somebody else answers {answer.status_code} there"
            )
        return took_s

    def _headers(self, url: str) -> dict[str, str]:
        headers = {"Content-Type": "application/json", signature.DELIVERY_HEADER: "doctor"}
        if wanted.token_in(url) or not self._settings.chatwoot_webhook_secret:
            return headers
        now, secret = str(int(time.time())), self._settings.chatwoot_webhook_secret[0]
        signed = signature.sign(_BODY, timestamp=now, secret=secret)
        return headers | {signature.TIMESTAMP_HEADER: now, signature.SIGNATURE_HEADER: signed}


def _is_ours(answer: httpx.Response) -> bool:
    """As webhook_app answers."""
    try:
        return answer.status_code == HTTPStatus.OK and "decision" in answer.json()
    except (ValueError, TypeError):
        return False


def _name(error: Exception) -> str:
    return type(error).__name__
