"""Kills web, workers and beat at random, and starts them again, as a supervisor does."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from threading import Event

from tests.stack import Process, Stack

WORKERS = 2
VICTIMS = ("worker", "worker", "worker", "web", "beat")
_PAUSE_S = (1, 5)


@dataclass
class Killer:
    stack: Stack
    chance: random.Random
    killed: Counter[str] = field(default_factory=Counter)
    _living: dict[str, list[Process]] = field(default_factory=dict)

    def start_all(self) -> None:
        counts = {"web": 1, "worker": WORKERS, "beat": 1}
        self._living = {name: [self._start(name) for _ in range(count)] for name, count in counts.items()}

    def go_on_until(self, over: Event) -> None:
        while not over.wait(self.chance.uniform(*_PAUSE_S)):
            victim = self.chance.choice(VICTIMS)
            processes = self._living[victim]
            processes.pop(self.chance.randrange(len(processes))).kill()
            processes.append(self._start(victim))
            self.killed[victim] += 1

    def _start(self, name: str) -> Process:
        start = {"web": self.stack.start_web, "worker": self.stack.start_worker}
        return start[name]() if name in start else self.stack.start(name)
