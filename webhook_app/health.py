"""/health: the process lives, and which release it is. /ready: what it is given can be kept."""

from __future__ import annotations

import redis
from flask import Blueprint, current_app

from tasks.runtime.release import RELEASE
from tasks.runtime.requirements import keeps
from tasks.wiring import Wiring

health = Blueprint("health", __name__)


@health.get("/health")
def alive() -> dict[str, str]:
    return {"status": "alive", "release": RELEASE}


@health.get("/ready")
def ready() -> tuple[dict[str, str], int]:
    """By keeping something: a Redis that answers may still refuse every webhook."""
    parts: Wiring = current_app.extensions["wiring"]
    try:
        keeps(parts.redis_client, parts.settings.chatwoot_account_id)
        wrong = parts.greeting.wrong()
    except redis.RedisError as error:
        return {"status": "Redis is away, or keeps nothing", "error": type(error).__name__}, 503
    return {"status": "ready", **({"chatwoot": wrong} if wrong else {})}, 200
