"""What just changed, for whoever watches (the chat page): server-sent events."""

import json
import queue
import threading
from collections.abc import Iterator

from sandbox.world import Json

_HEARTBEAT_S = 10.0


class Stream:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watchers: list[queue.SimpleQueue[Json | None]] = []

    def publish(self, kind: str, conversation_id: int | None, **more: object) -> None:
        """Kinds: message, conversation, contact, typing."""
        self._put({"kind": kind, "conversation_id": conversation_id, **more})

    def close(self) -> None:
        self._put(None)

    def watch(self) -> Iterator[str]:
        """Lines of an event stream, until the stream is closed or nobody reads them any more."""
        changes: queue.SimpleQueue[Json | None] = queue.SimpleQueue()
        with self._lock:
            self._watchers.append(changes)
        try:
            yield ": watching\n\n"
            yield from _lines(changes)
        finally:
            with self._lock:
                self._watchers.remove(changes)

    def _put(self, change: Json | None) -> None:
        with self._lock:
            for watcher in self._watchers:
                watcher.put(change)


def _lines(changes: "queue.SimpleQueue[Json | None]") -> Iterator[str]:
    while True:
        try:
            change = changes.get(timeout=_HEARTBEAT_S)
        except queue.Empty:
            yield ": still here\n\n"
            continue
        if change is None:
            return
        yield f"event: change\ndata: {json.dumps(change)}\n\n"
