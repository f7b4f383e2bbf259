"""Switches that break webhooks: never sent, late, twice, or in another order."""

import threading
from dataclasses import dataclass, field, replace
from itertools import count

from sandbox.deliveries import Deliveries, Webhook
from sandbox.jobs import Jobs
from sandbox.world import Json

KINDS = ("never", "late", "twice", "shuffled")


@dataclass
class WebhookFault:
    """Breaks the next `times` deliveries of `event` to `to`; None is any event, any target, without end."""

    id: int
    kind: str
    event: str | None = "message_created"
    to: str | None = None
    times: int | None = 1
    seconds: float = 5.0
    """late: how late. shuffled: how long the first waits for the others at most."""
    content: str | None = None
    """Only webhooks whose content holds this text."""
    hits: int = 0
    held: list[Webhook] = field(default_factory=list)

    def concerns(self, webhook: Webhook) -> bool:
        return (
            (self.times is None or self.hits < self.times)
            and self.event in (None, webhook.event)
            and self.to in (None, webhook.target.kind)
            and (self.content is None or self.content in (webhook.body.get("content") or ""))
        )

    def describe(self) -> Json:
        shown = ("id", "kind", "event", "to", "times", "seconds", "content", "hits")
        return {name: getattr(self, name) for name in shown} | {"held": len(self.held)}


class WebhookFaults:
    """Stands between what happened and its delivery."""

    def __init__(self, deliveries: Deliveries, jobs: Jobs) -> None:
        self._deliveries = deliveries
        self._jobs = jobs
        self._lock = threading.Lock()
        self._faults: list[WebhookFault] = []
        self._ids = count(1)

    def add(
        self,
        kind: str,
        *,
        event: str | None = "message_created",
        to: str | None = None,
        times: int | None = 1,
        seconds: float = 5.0,
        content: str | None = None,
    ) -> WebhookFault:
        """Break the next `times` deliveries (each target's counts).

        Raises:
            ValueError: no such kind; or shuffled without a number of deliveries to shuffle.
        """
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is not one of {', '.join(KINDS)}")
        if kind == "shuffled" and (times is None or times < 2):
            raise ValueError("shuffled needs times=2 or more")
        fault = WebhookFault(next(self._ids), kind, event, to, times, seconds, content)
        with self._lock:
            self._faults.append(fault)
        return fault

    def shown(self) -> list[Json]:
        with self._lock:
            return [fault.describe() for fault in self._faults]

    def clear(self) -> None:
        """Switch all off; what was held back is delivered."""
        with self._lock:
            faults, self._faults = self._faults, []
        for fault in faults:
            self._release(fault)

    def send(self, webhook: Webhook) -> None:
        with self._lock:
            fault = next((fault for fault in self._faults if fault.concerns(webhook)), None)
            if fault is not None:
                fault.hits += 1
        if fault is None:
            self._deliveries.enqueue(webhook)
        else:
            self._apply(fault, replace(webhook, fault=fault.kind))

    def _apply(self, fault: WebhookFault, webhook: Webhook) -> None:
        if fault.kind == "never":
            self._deliveries.not_sent(webhook)
        elif fault.kind == "late":
            self._deliveries.enqueue(webhook, after_s=fault.seconds)
        elif fault.kind == "twice":
            self._deliveries.enqueue(webhook)
            self._deliveries.enqueue(webhook)
        else:
            self._hold(fault, webhook)

    def _hold(self, fault: WebhookFault, webhook: Webhook) -> None:
        with self._lock:
            fault.held.append(webhook)
            held = len(fault.held)
        if held == fault.times:
            self._release(fault)
        elif held == 1:
            self._jobs.add(lambda: self._release(fault), after_s=fault.seconds, awaited=False)

    def _release(self, fault: WebhookFault) -> None:
        """Deliver what is held, the last first, one after the other so that nothing sorts them again."""
        with self._lock:
            held, fault.held = fault.held[::-1], []
        if held:
            self._jobs.add(lambda: self._deliver_in_turn(held))

    def _deliver_in_turn(self, webhooks: list[Webhook]) -> None:
        for webhook in webhooks:
            self._deliveries.deliver(webhook)
