"""How long Chatwoot waits for the answer to a webhook."""

from __future__ import annotations

import copy
import json
import time
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from statistics import median, quantiles
from typing import Any

from bench.product import Product
from bench.results import Figure, Result
from chatwoot.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from tests.stack import ROOT, SECRET

_PAIRS = 500
_LIMIT = 6.0
_RECORDED = ROOT / "tests" / "payloads" / "message_created-incoming-whatsapp.json"

Webhook = dict[str, Any]


@dataclass(frozen=True)
class Chatwoot:
    """Sends webhooks, one after the other."""

    connection: HTTPConnection

    def answered_ms(self, webhook: Webhook) -> float:
        """How long it takes until the webhook is answered."""
        body, timestamp = json.dumps(webhook).encode(), str(int(time.time()))
        headers = {TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: sign(body, timestamp=timestamp, secret=SECRET)}
        began = time.perf_counter()
        self.connection.request("POST", "/webhooks/chatwoot", body, headers)
        answer = self.connection.getresponse()
        answer.read()
        assert answer.status == 200, f"a webhook was answered {answer.status}"
        return 1000 * (time.perf_counter() - began)


def measure(on: Product) -> list[Result]:
    """In pairs, so that the machine's noise is in both. Nobody thinks meanwhile: there is no worker."""
    recorded: Webhook = json.loads(_RECORDED.read_text())
    with closing(HTTPConnection("127.0.0.1", on.stack.port)) as connection:
        chatwoot, first = Chatwoot(connection), recorded["id"]
        pairs = [
            (chatwoot.answered_ms(_of_customer(recorded, id)), chatwoot.answered_ms(_of_no_interest(recorded, id)))
            for id in range(first, first + _PAIRS)
        ]
    accepted, passed_over = zip(*pairs, strict=True)
    return [
        _compared("median", median(accepted), median(passed_over), _LIMIT),
        _compared("99th percentile", _p99(accepted), _p99(passed_over)),
    ]


def _compared(what: str, accepted: float, passed_over: float, limit: float | None = None) -> Result:
    of = Figure(accepted, "ms", f"one that is accepted, of {_PAIRS}")
    return Result(f"a webhook is answered at once: {what}", of, Figure(passed_over, "ms", "one of no interest"), limit)


def _of_customer(recorded: Webhook, id: int) -> Webhook:
    """The first message of a conversation: it is accepted and rung for."""
    webhook = copy.deepcopy(recorded) | {"id": id, "source_id": f"wamid.{id}"}
    webhook["conversation"]["id"] = id
    return webhook


def _of_no_interest(recorded: Webhook, id: int) -> Webhook:
    """As long as a customer's, but a remark of Chatwoot's own on what somebody did."""
    return _of_customer(recorded, id) | {"message_type": "activity"}


def _p99(values: tuple[float, ...]) -> float:
    return quantiles(values, n=100)[98]
