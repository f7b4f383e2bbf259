"""Our own processes: are they alive, and all of one release? From what they say of themselves in Redis."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from tasks.diagnosis.findings import Check, Wrong
from tasks.diagnosis.of_redis import BROKER, REDIS
from tasks.runtime.release import RELEASE
from tasks.wiring import Wiring

_QUEUES = ("messages", "replies")
_LATE = 3
"""So many intervals a periodic task may be behind."""
_MODULES = "redis modules"


class OfProcesses:
    def __init__(self, parts: Wiring) -> None:
        self._parts = parts

    def checks(self) -> list[Check]:
        after = (REDIS, _MODULES)
        return [
            Check("web", self._web, after),
            Check("workers", self._workers, after),
            Check("beat", self._beat, after),
            Check("releases", self._releases, after),
            Check("periodic work", self._periodic, (BROKER, "workers", "beat")),
        ]

    def _web(self) -> str:
        return _alive(self._releases_of("web"), "web process", "web")

    def _workers(self) -> str:
        words = _alive(self._releases_of("worker"), "worker", "worker")
        taken = self._parts.alive.takers()
        if idle := [queue for queue in _QUEUES if not taken[queue]]:
            raise Wrong(f"start a worker that takes from {' and '.join(idle)}: none of those alive does")
        return words

    def _beat(self) -> str:
        return _alive(self._releases_of("beat"), "beat", "beat")

    def _releases(self) -> str:
        by_kind = self._parts.alive.releases()
        if others := _other_than_this(by_kind):
            raise Wrong(f"restart what is of another release than this command's, {RELEASE}: {others}")
        return f"all are {RELEASE}"

    def _periodic(self) -> str:
        """By the one that says the most: it asks Chatwoot."""
        every_s = self._parts.settings.reconcile_seconds
        if not every_s or not self._parts.settings.chatwoot_api_token:
            return "lost webhooks are not looked for"
        last = self._parts.last_done.all().get("reconcile")
        if last is None:
            raise Wrong("look again in a minute, then into the workers' logs: tasks.reconcile never came to its end")
        ago_s = int(time.time() - last)
        if ago_s > _LATE * every_s + 10:
            raise Wrong(f"look into the workers' and beat's logs: tasks.reconcile came to its end {ago_s} s ago")
        return f"lost webhooks were looked for {max(ago_s, 0)} s ago"

    def _releases_of(self, kind: str) -> Sequence[str]:
        return self._parts.alive.releases().get(kind, ())


def _alive(releases: Sequence[str], what: str, line: str) -> str:
    if not releases:
        raise Wrong(f"start a {what} (the line `{line}` of the Procfile): none has been heard of for 10 s")
    return f"{len(releases)} alive"


def _other_than_this(by_kind: Mapping[str, Sequence[str]]) -> str:
    """Such as "1 of 2 workers is 9f8e7d6". Empty: there is none."""
    found = []
    for kind, releases in by_kind.items():
        others = [release for release in releases if release != RELEASE]
        if others:
            named = ", ".join(sorted(set(others)))
            found.append(f"{len(others)} of {len(releases)} {kind} ({named})")
    return "; ".join(found)
