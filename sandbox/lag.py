"""A busy Chatwoot: webhooks and what is sent come late and out of order, and each API call takes its time."""

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

    def any_s(self, chance: random.Random) -> float:
        return chance.uniform(self.least_s, self.most_s)

    def shown(self) -> list[float]:
        return [self.least_s, self.most_s]


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
    within its time, so the answer comes after the fact. A message is handed on to its channel late, one with files by
    so much more. All are given their times in the order in which they come, the same ones for the same seed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._let_go = threading.Event()
        self._closed = False
        self._set()

    def set(
        self,
        *,
        webhooks_s: Sequence[float] = (0, 0),
        api_s: Sequence[float] = (0, 0),
        channel_s: Sequence[float] = (0, 0),
        files_s: Sequence[float] = (0, 0),
        seed: int | None = None,
    ) -> None:
        """From now on: the least and the most seconds of each.

        Raises:
            ValueError: not two numbers, or the least is more than the most.
        """
        bounds = [_bounds(each) for each in (webhooks_s, api_s, channel_s, files_s)]
        with self._lock:
            self._set(*bounds, seed=seed)

    def clear(self) -> None:
        """All in time again: calls that wait are carried out or answered. What is late already stays so."""
        with self._lock:
            self._set()
            self._let_go.set()
            if not self._closed:
                self._let_go = threading.Event()

    def close(self) -> None:
        self._closed = True
        self.clear()

    def shown(self) -> Json:
        with self._lock:
            return {
                "webhooks_s": self._webhooks.shown(),
                "api_s": self._api.shown(),
                "channel_s": self._channel.shown(),
                "files_s": self._files.shown(),
                "seed": self._seed,
            }

    @property
    def of_webhooks_at_most_s(self) -> float:
        with self._lock:
            return self._webhooks.most_s

    @property
    def of_messages_at_most_s(self) -> float:
        with self._lock:
            return self._channel.most_s + self._files.most_s

    def of_a_webhook_s(self) -> float:
        with self._lock:
            return self._webhooks.any_s(self._webhooks_chance)

    def of_a_message_s(self, *, with_files: bool) -> float:
        """Until it is handed on to its channel."""
        with self._lock:
            text_s = self._channel.any_s(self._channel_chance)
            return text_s + (self._files.any_s(self._channel_chance) if with_files else 0)

    def of_a_call(self) -> Call:
        with self._lock:
            in_all_s = self._api.any_s(self._api_chance)
            before_s = self._api_chance.uniform(0, in_all_s)
            return Call(before_s, in_all_s - before_s, self._let_go)

    def _set(
        self,
        webhooks: Bounds = _NONE,
        api: Bounds = _NONE,
        channel: Bounds = _NONE,
        files: Bounds = _NONE,
        *,
        seed: int | None = None,
    ) -> None:
        self._webhooks, self._api, self._channel, self._files, self._seed = webhooks, api, channel, files, seed
        # One for each, so that how many calls are made does not change when webhooks come.
        self._webhooks_chance, self._api_chance, self._channel_chance = (random.Random(seed) for _ in range(3))


def _bounds(given: Sequence[float]) -> Bounds:
    least_s, most_s = given
    return Bounds(float(least_s), float(most_s))
