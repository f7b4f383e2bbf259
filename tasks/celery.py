"""The Celery app. Its settings, each with its reason, are in celeryconfig.py."""

from __future__ import annotations

from typing import Any

import structlog
from celery import Celery, signals

from tasks import logs, wiring

log = structlog.get_logger()
app = Celery("contesta", task_cls="tasks.quiet:QuietTask")
app.config_from_object("celeryconfig")


@signals.setup_logging.connect
def _log_as_we_do(**_: Any) -> None:
    logs.configure()


@signals.worker_init.connect
def _build(**_: Any) -> None:
    """A worker that cannot work says why and ends, rather than failing each task."""
    from graph.loader import GraphError

    try:
        wiring.parts()
    except GraphError as error:
        raise SystemExit(str(error)) from error


@signals.worker_ready.connect
def _keep_watch(**_: Any) -> None:
    wiring.keeper().start()
    log.info("worker_ready")


@signals.worker_shutdown.connect
def _stop_watching(**_: Any) -> None:
    wiring.keeper().stop()


@signals.task_prerun.connect
def _name_the_task(task_id: str, task: Any, kwargs: dict[str, Any], **_: Any) -> None:
    structlog.contextvars.clear_contextvars()
    conversation_id = kwargs.get("conversation_id")
    structlog.contextvars.bind_contextvars(task=task.name, task_id=task_id, conversation_id=conversation_id)


@signals.task_postrun.connect
def _forget_the_task(**_: Any) -> None:
    structlog.contextvars.clear_contextvars()
