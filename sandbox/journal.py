"""What was asked of the stand-in and what it sent, kept to be counted."""

import threading
import time
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Request:
    """One API request. `token` is whose it was: admin, agent, bot, wrong, or None."""

    number: int
    at: float
    method: str
    path: str
    query: str
    token: str | None
    body: Any
    status: int | None = None
    """The answer given; None while or if none was."""
    message_id: int | None = None
    """The message that it stored, also where the answer told otherwise."""
    fault: str | None = None
    """The switch that was applied to it."""
    in_flight: bool = True
    ended_at: float | None = None
    """When the answer was given, or the connection cut. None while in flight."""


@dataclass(frozen=True)
class Delivery:
    """One attempt to deliver a webhook: `status` if there was an answer, else `error`."""

    at: float
    to: str
    """bot, account or api-inbox"""
    url: str
    event: str
    delivery_id: str | None
    attempt: int
    body: Any
    status: int | None = None
    error: str | None = None
    fault: str | None = None


class Journal:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[int, Request] = {}
        self._deliveries: list[Delivery] = []
        self._number = 0

    @property
    def requests(self) -> list[Request]:
        with self._lock:
            return list(self._requests.values())

    @property
    def deliveries(self) -> list[Delivery]:
        with self._lock:
            return list(self._deliveries)

    def open(self, **values: Any) -> int:
        """Note a request as it arrives; the number that it gets is never given twice."""
        with self._lock:
            self._number += 1
            self._requests[self._number] = Request(number=self._number, **values)
            return self._number

    def close(self, number: int, **values: Any) -> None:
        with self._lock:
            if request := self._requests.get(number):
                self._requests[number] = replace(request, in_flight=False, ended_at=time.time(), **values)

    def delivered(self, delivery: Delivery) -> None:
        with self._lock:
            self._deliveries.append(delivery)

    def clear_requests(self) -> None:
        with self._lock:
            self._requests.clear()

    def clear_deliveries(self) -> None:
        with self._lock:
            self._deliveries.clear()
