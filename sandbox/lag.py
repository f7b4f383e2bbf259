"""A busy Chatwoot: webhooks come late and out of order, and each API call takes its time."""

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.world import Json


@dataclass(frozen=True)
class Bounds:
    """Any number of seconds between the two is as likely."""

    least_s: float = 0.0
    most_s: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.least_s <= self.most_s:
            raise ValueError(f"{self.least_s:g} to {self.most_s:g} s is no span of time")


@dataclass(frozen=True)
class Call:
    """The time that one API call takes: before it is carried out, and from then until it is answered."""

    before_s: float
    after_s: float
    let_go: threading.Event

    def wait_before(self) -> None:
        self.let_go.wait(self.before_s)

    def wait_after(self) -> None:
        self.let_go.wait(self.after_s)


_NONE = Bounds()


class Lag:
    """Each webhook is late by a time of its own, and so is the answer to each API call.

    A webhook says what it would have said in time; it is only delivered late. An API call is carried out somewhere
    within its time, so the answer comes after the fact. Webhooks and calls are given their times in the order in which
    they come, the same ones for the same seed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._let_go = threading.Event()
        self._closed = False
        self._set(_NONE, _NONE, None)

    def set(
        self, *, webhooks_s: Sequence[float] = (0, 0), api_s: Sequence[float] = (0, 0), seed: int | None = None
    ) -> None:
        """From now on: the least and the most seconds of each.

        Raises:
            ValueError: not two numbers, or the least is more than the most.
        """
        webhooks, api = _bounds(webhooks_s), _bounds(api_s)
        with self._lock:
            self._set(webhooks, api, seed)

    def clear(self) -> None:
        """All in time again: calls that wait are carried out or answered. What is late already stays so."""
        with self._lock:
            self._set(_NONE, _NONE, None)
            self._let_go.set()
            if not self._closed:
                self._let_go = threading.Event()

    def close(self) -> None:
        self._closed = True
        self.clear()

    def shown(self) -> Json:
        with self._lock:
            webhooks, api = self._webhooks, self._api
            return {
                "webhooks_s": [webhooks.least_s, webhooks.most_s],
                "api_s": [api.least_s, api.most_s],
                "seed": self._seed,
            }

    @property
    def of_webhooks_at_most_s(self) -> float:
        with self._lock:
            return self._webhooks.most_s

    def of_a_webhook_s(self) -> float:
        with self._lock:
            return self._webhooks_chance.uniform(self._webhooks.least_s, self._webhooks.most_s)

    def of_a_call(self) -> Call:
        with self._lock:
            in_all_s = self._api_chance.uniform(self._api.least_s, self._api.most_s)
            before_s = self._api_chance.uniform(0, in_all_s)
            return Call(before_s, in_all_s - before_s, self._let_go)

    def _set(self, webhooks: Bounds, api: Bounds, seed: int | None) -> None:
        self._webhooks, self._api, self._seed = webhooks, api, seed
        # One for each, so that how many calls are made does not change when webhooks come.
        self._webhooks_chance, self._api_chance = random.Random(seed), random.Random(seed)


def _bounds(given: Sequence[float]) -> Bounds:
    least_s, most_s = given
    return Bounds(float(least_s), float(most_s))
