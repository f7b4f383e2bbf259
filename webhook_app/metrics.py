"""/metrics: what was done since the beginning, and how things stand, for Prometheus.

It shows no ids and no texts, but how much a business has to do. So who asks has METRICS_TOKEN; where there is none, it
is shown on this machine only, and not through a proxy.
"""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

import redis
from flask import Blueprint, Response, abort, current_app, request
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from tasks.mailbox import Mailbox
from tasks.runtime.counters import Counted, CounterStore
from tasks.runtime.presence import Alive, LastDone

metrics = Blueprint("metrics", __name__)

_QUEUES = ("messages", "replies")  # as celeryconfig.py has them
_ABOUT = {
    Counted.MESSAGES_SENT: ("Messages sent to customers, answering them or begun by us.", "flow"),
    Counted.TURNS_ANSWERED: ("Turns that the graph has answered.", ""),
    Counted.RETRIES: ("What was put off, to be tried again.", "what"),
    Counted.DEAD_LETTERS: ("What could not be done, ever.", "what"),
    Counted.HANDOVERS: ("Conversations opened for people.", ""),
    Counted.RECONCILED: ("Messages of which no webhook told.", ""),
    Counted.TAKEN_BACK: ("Conversations taken back that Chatwoot had opened because no web process was there.", ""),
    Counted.CONVERSATION_MISSING: ("Replies whose conversation was gone.", ""),
    Counted.RECREATED: ("Conversations made anew because the customer's was gone.", ""),
    Counted.WEBHOOKS: ("Webhooks in order, by what they meant.", "decision"),
    Counted.MODEL_TOKENS: ("Tokens of the models that graphs asked.", "kind"),
    Counted.MODEL_MICRODOLLARS: ("What they cost, in millionths of a dollar.", ""),
    Counted.STALE_DOORBELLS: ("Tasks that found nothing to do.", ""),
}


@dataclass(frozen=True)
class AccountCollector(Collector):
    """All figures of the account, whichever process counted them: read from Redis at each look."""

    counters: CounterStore
    mailbox: Mailbox
    alive: Alive
    last_done: LastDone

    def collect(self) -> Iterator[Metric]:
        yield from self._counters()
        yield from self._gauges()
        yield from self._presence()

    def _counters(self) -> Iterator[Metric]:
        by_label: dict[Counted, dict[str, int]] = defaultdict(dict)
        for (what, label), times in self.counters.all().items():
            by_label[what][label] = times
        for what, (about, label_name) in _ABOUT.items():
            metric = CounterMetricFamily(f"contesta_{what}", about, labels=[label_name] if label_name else [])
            counts = by_label[what] or ({} if label_name else {"": 0})
            for label, times in sorted(counts.items()):
                metric.add_metric([label] if label_name else [], times)
            yield metric

    def _gauges(self) -> Iterator[Metric]:
        now = self.mailbox.figures()
        yield GaugeMetricFamily("contesta_dead_letters_now", "Dead letters that wait for a person.", now.dead_letters)
        yield GaugeMetricFamily(
            "contesta_busy_conversations",
            "Conversations that are not idle, or to which something is to be said later.",
            now.unfinished,
        )
        yield GaugeMetricFamily(
            "contesta_oldest_overdue_seconds", "For how long a conversation has been past its deadline.", now.overdue_s
        )
        yield GaugeMetricFamily(
            "contesta_oldest_unanswered_seconds",
            "For how long the customer has waited for the bot who has waited longest.",
            now.unanswered_s,
        )

    def _presence(self) -> Iterator[Metric]:
        workers = GaugeMetricFamily("contesta_workers", "Worker processes that take from a queue.", labels=["queue"])
        there = self.alive.takers()
        for queue in sorted({*_QUEUES, *there}):
            workers.add_metric([queue], there[queue])
        yield workers
        done = GaugeMetricFamily(
            "contesta_last_done_timestamp_seconds", "When a periodic task last came to its end.", labels=["task"]
        )
        for what, at in sorted(self.last_done.all().items()):
            done.add_metric([what], at)
        yield done


@metrics.before_request
def refuse_strangers() -> None:
    token: str = current_app.extensions["metrics_token"]
    if token:
        given = request.headers.get("Authorization", "").encode()
        is_known = hmac.compare_digest(given, f"Bearer {token}".encode())
    else:
        is_known = _is_on_this_machine()
    if not is_known:
        abort(401)


def _is_on_this_machine() -> bool:
    is_forwarded = any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"))
    try:
        return ip_address(request.remote_addr or "").is_loopback and not is_forwarded
    except ValueError:
        return False


@metrics.get("/metrics")
def show() -> Response:
    registry = CollectorRegistry()
    collector: AccountCollector = current_app.extensions["collector"]
    collector.counters.add_pending()
    registry.register(collector)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


@metrics.errorhandler(redis.RedisError)
def redis_is_away(error: redis.RedisError) -> tuple[dict[str, str], int]:
    return {"error": f"Redis is away: {type(error).__name__}"}, 503
