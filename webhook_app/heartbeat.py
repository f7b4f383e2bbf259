"""Says that this web process lives, so that it is known when none did: tasks/runtime/outages.py."""

from __future__ import annotations

import threading
from collections.abc import Callable

import redis
import structlog
from kombu.exceptions import OperationalError

from tasks.runtime.outages import EVERY_S, Outages
from tasks.runtime.presence import Alive

log = structlog.get_logger()


class Heartbeat:
    """One thread. Redis may be away meanwhile: then nobody could hear Chatwoot either."""

    def __init__(self, outages: Outages, alive: Alive, look: Callable[[], object]) -> None:
        """`look` is called where nobody was there right before."""
        self._outages = outages
        self._alive = alive
        self._look = look
        self._has_begun = True

    def start(self) -> None:
        """To be called where the process was forked already: threads do not survive that."""
        threading.Thread(target=self._run, name="heartbeat", daemon=True).start()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            try:
                self._beat()
            except (redis.RedisError, OperationalError) as error:
                log.warning("heartbeat_failed", error=type(error).__name__)
            pause.wait(EVERY_S)

    def _beat(self) -> None:
        was_away = self._outages.beat(has_begun=self._has_begun)
        self._has_begun = False
        self._alive.note("web")
        if was_away:
            self._look()
