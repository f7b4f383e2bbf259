"""POST /webhooks/chatwoot: verify, read, receive, 200.

200 for everything well-formed, wanted or not: anything else makes Chatwoot open the conversation for humans. 500, not
503, where Redis is away: Chatwoot sends a bot's webhook again after a 429 or 500 only.
Source: Chatwoot's lib/webhooks/trigger.rb and app/jobs/agent_bots/webhook_job.rb.
"""

from __future__ import annotations

import hmac
import time
from typing import Any

import redis
import structlog
from flask import Blueprint, Response, abort, current_app, jsonify, request
from werkzeug.exceptions import HTTPException

from chatwoot import signature
from chatwoot.errors import SignatureError
from chatwoot.reading import parsed
from tasks.runtime.redaction import safe_traceback
from webhook_app.reception import Reception

log = structlog.get_logger()
webhooks = Blueprint("webhooks", __name__, url_prefix="/webhooks")


@webhooks.post("/chatwoot")
def signed() -> Response:
    """A webhook of Chatwoot 4.12 or newer."""
    reception = _reception()
    try:
        signature.verify(
            request.get_data(),
            timestamp=request.headers.get("X-Chatwoot-Timestamp"),
            signature=request.headers.get("X-Chatwoot-Signature"),
            secrets=reception.secrets,
            now=time.time(),
        )
    except SignatureError as error:
        log.warning("webhook_refused", reason=str(error))
        abort(401)
    return _receive(reception)


@webhooks.post("/chatwoot/<token>")
def by_token(token: str) -> Response:
    """A webhook of an older Chatwoot, which does not sign: the path is the secret."""
    reception = _reception()
    if not (reception.token and hmac.compare_digest(token.encode(), reception.token.encode())):
        log.warning("webhook_refused", reason="wrong token")
        abort(401)
    return _receive(reception)


@webhooks.errorhandler(redis.RedisError)
def redis_is_away(error: redis.RedisError) -> tuple[dict[str, str], int]:
    log.error("webhook_not_kept", error=type(error).__name__)
    return {"error": "not kept, send it again"}, 500


@webhooks.errorhandler(Exception)
def failed(error: Exception) -> tuple[dict[str, str], int] | HTTPException:
    """Flask would log the path, which may be the secret, and the error's words, which may be a customer's."""
    if isinstance(error, HTTPException):
        return error
    log.error("webhook_failed", error=type(error).__name__, where=safe_traceback(error))
    return {"error": "not kept, send it again"}, 500


def _receive(reception: Reception) -> Response:
    payload = _json_object(request.get_data())
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(delivery_id=request.headers.get("X-Chatwoot-Delivery"))
    decision = reception.receive(payload, sent_at=_sent_at())
    return jsonify(decision=decision)


def _sent_at() -> float:
    """When Chatwoot sent it, by its own clock where it signs."""
    told = request.headers.get("X-Chatwoot-Timestamp", "")
    return float(told) if told.isascii() and told.isdecimal() else time.time()


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        payload = parsed(body)
    except ValueError:
        abort(400)
    if not isinstance(payload, dict):
        abort(400)
    return payload


def _reception() -> Reception:
    reception: Reception = current_app.extensions["reception"]
    return reception
