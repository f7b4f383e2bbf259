"""Posting webhooks by Chatwoot's own rules: signed, 5 seconds, bots tried again on 429 and 500 only."""

import hashlib
import hmac
import http
import random
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import httpx

from sandbox.jobs import Jobs
from sandbox.journal import Delivery, Journal
from sandbox.lag import Lag
from sandbox.world import Json

_ATTEMPTS = 3
_WORTH_RETRYING = (429, 500)
_JITTER = 0.15
# No webhook is faster than the answer to the request that caused it (Chatwoot's own: 45 ms and more).
_LAG_S = 0.008
_HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "User-Agent": "Ruby",
    "Accept-Encoding": "gzip;q=1.0,deflate;q=0.6,identity;q=0.3",
}


@dataclass(frozen=True)
class Target:
    """Where webhooks go. `secret` is None for a server too old to sign them."""

    kind: str
    url: str
    secret: str | None
    retries: bool = False


@dataclass(frozen=True)
class Webhook:
    """One event for one target; its retries have the same id and bytes."""

    target: Target
    event: str
    body: Json
    raw: bytes
    delivery_id: str | None
    about_message: int | None = None
    attempt: int = 1
    fault: str | None = None


@dataclass(frozen=True)
class Rules:
    """Chatwoot's times; tests shorten them rather than wait."""

    timeout_s: float = 5.0
    retry_after_s: float = 3.0


class Deliveries:
    def __init__(self, jobs: Jobs, journal: Journal, rules: Rules, lag: Lag) -> None:
        self._jobs = jobs
        self._lag = lag
        self._journal = journal
        self._rules = rules
        self._local = threading.local()
        self._clients: list[httpx.Client] = []
        self.on_failure: Callable[[Webhook, str], None] = lambda webhook, error: None
        """Called when the last attempt of a webhook has failed."""

    def enqueue(self, webhook: Webhook, *, after_s: float = _LAG_S) -> None:
        self._jobs.add(lambda: self.deliver(webhook), after_s=after_s + self._lag.of_a_webhook_s())

    def deliver(self, webhook: Webhook) -> None:
        """Post it once, and see to what follows from the answer."""
        delivery = self._post(webhook)
        self._journal.delivered(delivery)
        if delivery.status is not None and 200 <= delivery.status < 300:
            return
        retried = webhook.target.retries and webhook.attempt < _ATTEMPTS
        if retried and delivery.status in _WORTH_RETRYING:
            after_s = self._rules.retry_after_s * (1 + random.uniform(0, _JITTER))
            self.enqueue(replace(webhook, attempt=webhook.attempt + 1), after_s=after_s)
        else:
            self.on_failure(webhook, delivery.error or "")

    @property
    def longest_lag_s(self) -> float:
        """By how much a webhook is late at most, tried as often as it may be."""
        return _ATTEMPTS * self._lag.of_webhooks_at_most_s

    def not_sent(self, webhook: Webhook) -> None:
        self._journal.delivered(_record(webhook, error="never sent"))

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def _post(self, webhook: Webhook) -> Delivery:
        headers = _HEADERS | _signature(webhook)
        try:
            answer = self._client().post(webhook.target.url, content=webhook.raw, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return _record(webhook, error=f"{type(error).__name__}: {error}")
        if answer.is_success:
            return _record(webhook, status=answer.status_code)
        return _record(webhook, status=answer.status_code, error=_phrase(answer.status_code))

    def _client(self) -> httpx.Client:
        """One client a thread: sharing one among many is slower than the posting."""
        if not hasattr(self._local, "client"):
            self._local.client = httpx.Client(verify=_ssl_context(), timeout=self._rules.timeout_s, trust_env=False)
            self._clients.append(self._local.client)
        client: httpx.Client = self._local.client
        return client


@cache
def _ssl_context() -> ssl.SSLContext:
    """Dear to make, so one for all clients."""
    return ssl.create_default_context()


def _signature(webhook: Webhook) -> dict[str, str]:
    """New at each attempt: the timestamp is signed with the body."""
    headers = {"X-Chatwoot-Delivery": webhook.delivery_id} if webhook.delivery_id else {}
    if webhook.target.secret is None:
        return headers
    timestamp = str(int(time.time()))
    signed = hmac.new(webhook.target.secret.encode(), f"{timestamp}.".encode() + webhook.raw, hashlib.sha256)
    return headers | {
        "X-Chatwoot-Timestamp": timestamp,
        "X-Chatwoot-Signature": f"sha256={signed.hexdigest()}",
    }


def _phrase(status: int) -> str:
    known = status in [known.value for known in http.HTTPStatus]
    return f"{status} {http.HTTPStatus(status).phrase}" if known else str(status)


def _record(webhook: Webhook, *, status: int | None = None, error: str | None = None) -> Delivery:
    return Delivery(
        at=time.time(),
        to=webhook.target.kind,
        url=webhook.target.url,
        event=webhook.event,
        delivery_id=webhook.delivery_id,
        attempt=webhook.attempt,
        body=webhook.body,
        status=status,
        error=error,
        fault=webhook.fault,
    )
