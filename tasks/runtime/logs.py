"""One line an event, on stdout: JSON, or coloured text on a terminal. No message text, phone, e-mail or token."""

from __future__ import annotations

import logging
import sys

import structlog

_SPILLS = (
    "Received unregistered task",
    "Received invalid task",
    "Can't decode message body",
    "Received and deleted",
    # tornado, of requests; the path may be a secret, and any header hold a token
    "Malformed HTTP message",
    "Uncaught exception",
)


class _KeepsBodies(logging.Filter):
    """Celery logs the whole body of a message that it cannot use, tornado the line: with what somebody wrote in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if str(record.msg).startswith(_SPILLS):
            record.msg, record.args = f"{str(record.msg).splitlines()[0].partition('%')[0]}(body left out)", ()
            record.exc_info = None
        return True


def configure(level: int = logging.INFO) -> None:
    """Send structlog's and the standard library's logging through one formatter. Safe to repeat."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if sys.stdout.isatty() else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(_KeepsBodies())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("httpx", "httpcore", "celery.app.trace", "celery.worker.strategy"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
