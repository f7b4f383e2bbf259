"""Receives: Chatwoot's webhooks, verified, understood, accepted and answered at once.

Knows nothing of thinking or sending, and calls nobody but Redis.
"""

from __future__ import annotations

from flask import Flask

from settings import Settings
from tasks.mailbox.doorbells import look, over_celery
from tasks.recovery.undelivered import Undelivered
from tasks.wiring import Wiring
from webhook_app import health, metrics, views
from webhook_app.heartbeat import Heartbeat
from webhook_app.reception import Reception

_MOST_BYTES = 2 * 1024 * 1024  # as webhook_app/server.py refuses it by its headers
# Everything in a webhook together, two looks into Redis and the doorbell, ends within the 3 s of webhook_app/server.py.
_REDIS_PATIENCE_S = 1.0
# Whom Chatwoot did not reach, or waited for in vain, it has given up by then.
_OPENED_BY_THEN_S = 6.0


def create_app(settings: Settings, reception: Reception | None = None) -> Flask:
    """The web application. `reception` is what the webhooks are handed to; by default the one of `settings`.

    Its `extensions["wiring"]` are the parts of this process.
    """
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = _MOST_BYTES
    app.extensions["wiring"] = parts = Wiring(settings, redis_patience_s=_REDIS_PATIENCE_S)
    app.extensions["reception"] = reception or Reception(
        intake=parts.intake,
        undelivered=Undelivered(parts.mailbox),
        doorbells=over_celery,
        secrets=settings.chatwoot_webhook_secret,
        token=settings.chatwoot_webhook_token,
        lateness=parts.lateness,
    )
    app.extensions["heartbeat"] = Heartbeat(parts.outages, parts.alive, lambda: look(delay_s=_OPENED_BY_THEN_S))
    app.extensions["metrics_token"] = settings.metrics_token
    app.extensions["collector"] = metrics.AccountCollector(parts.counters, parts.mailbox, parts.alive, parts.last_done)
    app.register_blueprint(views.webhooks)
    app.register_blueprint(health.health)
    app.register_blueprint(metrics.metrics)
    return app
