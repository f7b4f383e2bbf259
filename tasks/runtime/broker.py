"""kombu's Redis transport, with one mend.

With celery and kombu 5.7.0 a worker that has running tasks often dies when Redis restarts: closing the broken channel
reads the outstanding BRPOP, the connection error escapes, and the worker ends with "'NoneType' object has no attribute
'hostname'". Here that error is what it is: the end of a connection that is being closed anyway.
tests/chaos/test_redis_killed.py restarts Redis under running tasks. Pinned with kombu in requirements.txt.
"""

from __future__ import annotations

from queue import Empty

from kombu.transport import TRANSPORT_ALIASES, redis

_NAME = f"{__name__}:Transport"


class Channel(redis.Channel):
    def close(self) -> None:
        if self._in_poll:  # type: ignore[has-type]
            try:
                self._brpop_read()  # type: ignore[attr-defined]
            except Empty:
                pass
            except self.connection_errors:  # type: ignore[attr-defined]
                self._in_poll = None
        super().close()


class Transport(redis.Transport):
    Channel = Channel


def mend() -> None:
    """Have redis:// and rediss:// brokers use it, in the whole process. Safe to repeat."""
    TRANSPORT_ALIASES.update({"redis": _NAME, "rediss": _NAME})
