"""Celery's settings, each under its reason. Measured on celery and kombu 5.7.0 with Redis 8."""

from typing import Any

import settings
from tasks.runtime import broker

_settings = settings.of_this_process()

broker_url, broker_use_ssl = broker.address(_settings.broker_url)
# Celery itself looks for CELERY_BROKER_URL in the environment, and takes it as it stands there; these go before it.
broker_read_url = broker_write_url = broker_url
imports = ("tasks.jobs",)

# Celery's messages are doorbells and the state is the mailbox's: nobody reads results (-30..40 % CPU).
task_ignore_result = True
result_backend = None

# Acknowledged after the work, so that a killed worker's doorbell may come back. That it comes for sure, and soon, is
# the watchdog's business (tasks/recovery/watchdog.py), not the broker's.
task_acks_late = True
# True would run a task that kills its worker for ever; the mailbox counts attempts instead.
task_reject_on_worker_lost = False
worker_prefetch_multiplier = 1
worker_cancel_long_running_tasks_on_connection_loss = False

# Thinking and sending have queues of their own, so that a worker may be given to either. Taken in turn: what beat asks
# for does not wait behind all who think.
task_default_queue = "messages"
task_routes = {
    name: {"queue": "replies"}
    for name in ("tasks.send_reply", "tasks.reconcile", "tasks.watch", "tasks.tell_people_again")
}

broker_transport_options = {
    # Longer than any turn and any countdown: a doorbell that is only waiting must not come twice.
    "visibility_timeout": 300,
    "unacked_restore_interval": 5,  # the default looks every 100 s
    "unacked_restore_throttle": 1,
    "priority_steps": [0],  # one list a queue: no priorities here
    # Without a timeout, publishing hangs for ever on a Redis that hangs. Above the 1 s of BRPOP.
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 10,
}
broker_connection_retry_on_startup = True
# What the broker answers with an error (Redis: READONLY, MISCONF) ends a worker otherwise; the next connection may lead
# to another server. Source: docs.celeryq.dev/en/stable/userguide/configuration.html#broker-channel-error-retry
broker_channel_error_retry = True
# As a task ends after a reconnection, its thread would tell RabbitMQ of a larger prefetch count, and read the answer
# from the socket that the event loop reads: workers hung for ever in 2 of 6 rounds under load, and without it in none.
# Source: celery/worker/consumer/consumer.py, _restore_prefetch_count_after_connection_restart
worker_enable_prefetch_count_reduction = False
broker_connection_max_retries = None  # by default the worker exits after 100
broker_pool_acquire_timeout = 2  # the webhook answers 500 instead of waiting
task_publish_retry_policy = {"max_retries": 2, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.3}


def _every(seconds: float, task: str) -> dict[str, Any]:
    """What waits longer than the next ringing is not worth running."""
    return {"task": task, "schedule": seconds, "options": {"expires": seconds}}


beat_schedule = {"tell_people_again": _every(300, "tasks.tell_people_again")}
if _settings.reconcile_seconds:
    beat_schedule["reconcile"] = _every(_settings.reconcile_seconds, "tasks.reconcile")
if _settings.max_wait_seconds:
    beat_schedule["watch"] = _every(min(60.0, _settings.max_wait_seconds), "tasks.watch")

# Flower watches. Events of publishing would halve the publishing rate.
worker_send_task_events = True
task_send_sent_event = False
worker_hijack_root_logger = False

task_serializer = "json"
accept_content = ["json"]
timezone = "UTC"
enable_utc = True
