"""Receives: Chatwoot's webhooks, verified, understood, accepted and answered at once.

Knows nothing of thinking or sending, and calls nobody but Redis.
"""

from __future__ import annotations

from flask import Flask

from settings import Settings
from tasks import wiring
from webhook_app import commands, health, metrics, views
from webhook_app.reception import Reception

_MOST_BYTES = 8 * 1024 * 1024


def create_app(settings: Settings, reception: Reception | None = None) -> Flask:
    """The web application. `reception` is what the webhooks are handed to; by default the one of `settings`."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = _MOST_BYTES
    app.extensions["reception"] = reception = reception or Reception.of(settings)
    app.extensions["books"] = metrics.Books(wiring.ledger(settings), reception.mailbox)
    app.register_blueprint(views.webhooks)
    app.register_blueprint(health.health)
    app.register_blueprint(metrics.metrics)
    app.cli.add_command(commands.dead_letters)
    app.cli.add_command(commands.forget)
    return app
