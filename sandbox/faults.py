"""Switches that break the API: refuse, be slow, hang, freeze, cut the connection, before or after storing."""

import re
import threading
import time
from dataclasses import dataclass
from itertools import count

from sandbox.world import Json

STATEMENT_TIMEOUT = "PG::QueryCanceled: ERROR:  canceling statement due to statement timeout"
KINDS = (
    "429",
    "429-retry-after",
    "500",
    "503",
    "401",
    "404",
    "422",
    "slow",
    "hang",
    "hang-after-storing",
    "frozen",
    "500-after-storing",
    "422-after-storing",
    "reset",
    "reset-after-storing",
)


@dataclass
class Fault:
    """Breaks the next `times` requests of `method` whose path matches; None: any method, without end.

    `seconds`: how long slow, hang and frozen take, or what Retry-After says. `text`: the error of a 422.
    """

    id: int
    kind: str
    method: str | None
    path: str
    times: int | None
    seconds: float
    text: str
    hits: int = 0

    @property
    def stores(self) -> bool:
        """The request is carried out before it is broken."""
        return self.kind.endswith("-after-storing") or self.kind == "slow"

    def concerns(self, method: str, path: str) -> bool:
        return (
            (self.times is None or self.hits < self.times)
            and self.method in (None, method)
            and re.fullmatch(self.path, path) is not None
        )

    def describe(self) -> Json:
        shown = ("id", "kind", "method", "path", "times", "seconds", "text", "hits")
        return {name: getattr(self, name) for name in shown}


class Faults:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._ids = count(1)
        self._let_go = threading.Event()
        self._frozen_until = 0.0
        self._closed = False

    def add(
        self,
        kind: str,
        *,
        method: str | None = "POST",
        path: str = r".*/messages$",
        times: int | None = 1,
        seconds: float = 30.0,
        text: str = STATEMENT_TIMEOUT,
    ) -> Fault:
        """Break the next `times` requests that match.

        Raises:
            ValueError: no such kind, or `path` is no regular expression.
        """
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is not one of {', '.join(KINDS)}")
        try:
            re.compile(path)
        except re.error as error:
            raise ValueError(f"path: {error}") from error
        fault = Fault(next(self._ids), kind, method, path, times, seconds, text)
        with self._lock:
            self._faults.append(fault)
        return fault

    def shown(self) -> list[Json]:
        with self._lock:
            return [fault.describe() for fault in self._faults]

    def clear(self) -> None:
        """Switch all off, thaw, and let go of the requests that hang."""
        with self._lock:
            self._faults.clear()
            self._frozen_until = 0.0
            self._let_go.set()
            self._let_go = threading.Event()
            if self._closed:
                self._let_go.set()

    def close(self) -> None:
        self._closed = True
        self.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The switch that this request meets, if any; counted as met."""
        with self._lock:
            fault = next((fault for fault in self._faults if fault.concerns(method, path)), None)
            if fault is not None:
                fault.hits += 1
                if fault.kind == "frozen":
                    self._frozen_until = time.monotonic() + fault.seconds
            return fault

    def wait_for_thaw(self) -> None:
        """While Chatwoot is frozen, as by SIGSTOP, every request waits, and is carried out when it thaws, although
        whoever asked may be gone."""
        with self._lock:
            let_go, left_s = self._let_go, self._frozen_until - time.monotonic()
        if left_s > 0:
            let_go.wait(left_s)

    def wait(self, seconds: float) -> None:
        """Hold a request, until the switches are cleared at the latest."""
        with self._lock:
            let_go = self._let_go
        let_go.wait(seconds)
