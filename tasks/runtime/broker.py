"""kombu's Redis transport, with three mends. Pinned with kombu in requirements.txt.

- With celery and kombu 5.7.0 a worker that has running tasks often dies when Redis restarts: closing the broken
  channel reads the outstanding BRPOP, the connection error escapes, and the worker ends with "'NoneType' object has no
  attribute 'hostname'". Here that error is what it is: the end of a connection that is being closed anyway.
  tests/chaos/test_redis_killed.py restarts Redis under running tasks.
- What Redis answers with an error ends a worker, too, such as READONLY where it was made a replica: a managed Redis
  that fails over leaves its connections open, and they lead to the old one. Here it is the end of a connection: the
  next may lead to the new one. tests/integration/test_failover.py
- What stands in a queue and is no message (not JSON, or of another shape) ends a worker. Here it is dropped, and its
  words are not logged. tests/integration/test_not_a_message.py
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import structlog
from kombu.transport import TRANSPORT_ALIASES, redis
from redis.backoff import NoBackoff
from redis.exceptions import DataError, ReadOnlyError, ResponseError
from redis.retry import Retry

from tasks.runtime.redaction import safe_traceback

log = structlog.get_logger()

_NAME = f"{__name__}:Transport"
_VERIFY = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}
_NOT_A_MESSAGE = (ValueError, TypeError, AttributeError, LookupError, RecursionError, DataError)


def retry_elsewhere() -> Retry:
    """For a client's connections: from a replica they connect anew, once for each command, to who is there now."""
    return Retry(NoBackoff(), 1, supported_errors=(ReadOnlyError,))


class Channel(redis.Channel):
    def close(self) -> None:
        if self._in_poll:  # type: ignore[has-type]
            try:
                self._brpop_read()
            except Empty:
                pass
            except self.connection_errors:  # type: ignore[attr-defined]
                self._in_poll = None
        super().close()

    def _brpop_read(self, **options: Any) -> Any:
        with _dropped():
            return super()._brpop_read(**options)  # type: ignore[misc]
        raise Empty

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        return {**super()._connparams(asynchronous), "retry": retry_elsewhere()}  # type: ignore[misc]


class Transport(redis.Transport):
    Channel = Channel
    connection_errors = (*redis.Transport.connection_errors, ResponseError)

    def _deliver(self, message: Any, queue: str | None) -> None:
        with _dropped():
            tag = _tag_of(message)
            with _dropped():
                super()._deliver(message, queue)
                return
            for channel in self.channels:  # else it would come again after the visibility timeout
                channel.qos.reject(tag)


def _tag_of(message: Any) -> str:
    """The delivery tag of what has the shape of a message. Raises ValueError: it has not."""
    properties = message["properties"]
    tag, where = properties["delivery_tag"], properties["delivery_info"]
    texts = [tag, where["exchange"], where["routing_key"], message["body"], properties.get("body_encoding", "")]
    texts.append((message.get("headers") or {}).get("shadow") or "")  # with another one Celery never ends the task
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("no message")
    return str(tag)


@contextmanager
def _dropped() -> Iterator[None]:
    """What is read here may be no message."""
    try:
        yield
    except _NOT_A_MESSAGE as error:
        log.error("not_a_message", error=type(error).__name__, where=safe_traceback(error))


def address(url: str) -> tuple[str, dict[str, Any] | None]:
    """A broker's URL as kombu reads it, and its TLS: as strict as redis-py is by itself, unless the URL says otherwise.

    kombu calls a socket `redis+socket://`, and verifies nothing of a `rediss://` without options.
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    bare = urlunsplit(parts._replace(query=""))
    if parts.scheme == "unix":
        return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={options.get('db', 0)}", None
    if parts.scheme not in ("rediss", "amqps"):
        return url, None
    checks_name = options.pop("ssl_check_hostname", "true").lower() == "true"
    if parts.scheme == "rediss":
        return bare, {"ssl_cert_reqs": "required", **options, "ssl_check_hostname": checks_name}
    tls: dict[str, Any] = {name.removeprefix("ssl_"): value for name, value in options.items()}
    tls["cert_reqs"] = _VERIFY[tls.get("cert_reqs", "required")]
    if checks_name and tls["cert_reqs"] != ssl.CERT_NONE:
        tls["server_hostname"] = parts.hostname
    return bare, tls


def mend() -> None:
    """Have redis:// and rediss:// brokers use it, in the whole process. Safe to repeat."""
    TRANSPORT_ALIASES.update({"redis": _NAME, "rediss": _NAME})
