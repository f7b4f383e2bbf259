"""The Celery app. Its settings, each with its reason, are in celeryconfig.py."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from typing import Any

import redis
import structlog
from celery import Celery, signals
from celery.concurrency import get_implementation
from celery.concurrency.solo import TaskPool as SoloPool
from celery.concurrency.thread import TaskPool as ThreadPool

from tasks import wiring
from tasks.mailbox.doorbells import over_celery
from tasks.runtime import broker, ending, logs
from tasks.runtime.release import RELEASE
from tasks.runtime.requirements import RequirementsNotMet
from tasks.wiring import Wiring

log = structlog.get_logger()
_CHECK_S = 1.0
_POOLS = (ThreadPool, SoloPool)
"""Whose tasks run in the process that keeps the leases alive: one that forks after it has begun does not."""
# Celery's command line takes the working folder off the path again; a user's graph is imported from it later.
sys.path.append(os.getcwd())

broker.mend()
app = Celery("contesta", task_cls="tasks.runtime.redaction:RedactedTask")
app.config_from_object("celeryconfig")


@signals.setup_logging.connect
def _log_as_we_do(**_: Any) -> None:
    logs.configure()


@signals.worker_init.connect
def _build(sender: Any, **_: Any) -> None:
    """A worker that cannot work says why and ends, rather than failing each task."""
    if not issubclass(get_implementation(sender.pool_cls), _POOLS):
        logs.configure()
        log.critical("cannot_start", error="a worker here wants --pool threads (or solo): another would lose turns")
        raise SystemExit(1)
    if not _check_redis():
        threading.Thread(target=_check_redis_later, name="redis-check", daemon=True).start()
    try:
        wiring.of_this_process().for_a_worker()
    except Exception as error:
        from graph.modules import GraphError  # LangGraph: not for the web process

        logs.configure()
        log.critical("cannot_start", error=str(error), exc_info=not isinstance(error, GraphError))
        raise SystemExit(1) from error


@signals.beat_init.connect
def _check_redis(**_: Any) -> bool:
    try:
        return wiring.of_this_process().check_redis()
    except RequirementsNotMet as error:
        logs.configure()
        log.critical("cannot_start", error=str(error))
        raise SystemExit(1) from error


def _check_redis_later() -> None:
    """It was away when the worker began, and nobody knows what comes back."""
    try:
        while not _check_redis():
            time.sleep(_CHECK_S)
    except SystemExit:
        _release_and_exit(status=1)


@signals.worker_ready.connect
def _keep_watch(sender: Any, **_: Any) -> None:
    parts = wiring.of_this_process()
    most_stuck = max(1, sender.controller.concurrency // 2)
    parts.background_threads.start(
        most_stuck=most_stuck,
        end=lambda: _release_and_exit(status=1),
        say_so=lambda: _note(parts),
    )
    parts.counter_flusher.start()
    if parts.user_client is None:
        log.warning(
            "no_user_token",
            without="listing messages before a turn, finding lost ones, writing first, IGNORE_CONTACTS_LABEL",
        )
    log.info("worker_ready", release=RELEASE)


def _note(parts: Wiring) -> None:
    parts.alive.note("worker", queues=app.amqp.queues.consume_from)


def _greet() -> None:
    """There is one beat, so one asks."""
    parts = wiring.of_this_process()
    try:
        parts.greeting.greet(parts.clients, parts.settings.chatwoot_inbox_id)
    except redis.RedisError as error:
        log.warning("not_greeted", error=type(error).__name__)


@signals.beat_init.connect
def _ask_at_once(**_: Any) -> None:
    """What came while nobody was here need not wait for the first interval."""
    if "reconcile" in app.conf.beat_schedule:
        app.send_task("tasks.reconcile")
    threading.Thread(target=_greet, name="greeting", daemon=True).start()


@signals.beat_init.connect
def _say_that_beat_lives(**_: Any) -> None:
    wiring.of_this_process().alive.keep_noting("beat")
    log.info("beat_ready", release=RELEASE)


@signals.worker_shutting_down.connect
def _end_in_time(**_: Any) -> None:
    """Celery waits for running tasks for ever; who comes after SIGTERM does not."""
    ending.begin()
    patience = threading.Timer(wiring.of_this_process().settings.shutdown_seconds, _release_and_exit)
    patience.daemon = True
    patience.start()


def _release_and_exit(*, status: int = 0) -> None:
    parts = wiring.of_this_process()
    try:
        released = parts.holdings.release_all(parts.mailbox, over_celery)
        log.warning("turns_released", conversations=released)
        parts.counter_flusher.stop()
    finally:
        os._exit(status)  # threads cannot be ended otherwise, and what they do now is nobody's turn any more


@signals.worker_shutdown.connect
def _stop_watching(**_: Any) -> None:
    parts = wiring.of_this_process()
    parts.background_threads.stop()
    with suppress(redis.RedisError):  # then it is forgotten in a few seconds
        parts.alive.leave("worker")
    parts.counter_flusher.stop()


@signals.task_prerun.connect
def _name_the_task(task_id: str, task: Any, kwargs: dict[str, Any], **_: Any) -> None:
    structlog.contextvars.clear_contextvars()
    conversation_id = kwargs.get("conversation_id")
    structlog.contextvars.bind_contextvars(task=task.name, task_id=task_id, conversation_id=conversation_id)


@signals.task_postrun.connect
def _forget_the_task(**_: Any) -> None:
    structlog.contextvars.clear_contextvars()
