"""/health: the process lives. /ready: it can keep what it is given."""

from __future__ import annotations

import redis
from flask import Blueprint, current_app

health = Blueprint("health", __name__)


@health.get("/health")
def alive() -> dict[str, str]:
    return {"status": "alive"}


@health.get("/ready")
def ready() -> tuple[dict[str, str], int]:
    try:
        current_app.extensions["reception"].intake.mailbox.ping()
    except redis.RedisError as error:
        return {"status": "Redis is away", "error": type(error).__name__}, 503
    return {"status": "ready"}, 200
