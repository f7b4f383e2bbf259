"""Serves the chat page, and what it looks at.

It looks past the API: a request there would meet the switches and stand in the log. What it *does* goes through it.
"""

from typing import Any

from flask import Blueprint, Response, jsonify, make_response, render_template

from sandbox import channels, faults, webhook_faults
from sandbox.api.access import standin
from sandbox.bodies import messages, rest
from sandbox.events import ACCOUNT_EVENTS
from sandbox.journal import Delivery, Request
from sandbox.world import Conversation, Json, Message

_MESSAGES_SHOWN = 200
_LOGGED = 30
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

blueprint = Blueprint(
    "page",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/page/static",
)


@blueprint.get("/")
def index() -> Response:
    shown = render_template(
        "page.html",
        fault_kinds=faults.KINDS,
        webhook_fault_kinds=webhook_faults.KINDS,
        events=ACCOUNT_EVENTS,
    )
    response = make_response(shown)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/page/conversations/<int:conversation_id>")
def conversation(conversation_id: int) -> Response:
    """A conversation and its newest messages as the API shows them, and what of those is on the customer's phone."""
    world = standin().world
    with world.lock:
        found = standin().conversations.find(conversation_id)
        newest = found.messages[-_MESSAGES_SHOWN:]
        return jsonify(
            conversation=rest.conversation(world, found),
            messages=[messages.listed(world, message) for message in newest],
            phone=[_on_phone(found, message) for message in newest if _is_on_phone(message)],
        )


def _is_on_phone(message: Message) -> bool:
    return message.arrival is not None and not message.private and message.status != "failed"


def _on_phone(conversation: Conversation, message: Message) -> Json:
    """With as much of it as its channel was given; `arrival` orders what is on a phone."""
    world = standin().world
    content, files = channels.handed_on(world.inbox_of(conversation), message)
    shown = {"content": content, "attachments": messages.attachments(world, files), "arrival": message.arrival}
    return messages.listed(world, message) | shown


@blueprint.get("/page/log")
def log() -> Response:
    """The newest webhooks and API requests, newest first, without what was said in them."""
    journal = standin().journal
    return jsonify(
        deliveries=[_delivery(each) for each in _newest(journal.deliveries)],
        requests=[_request(each) for each in _newest(journal.requests)],
    )


def _newest(entries: list[Any]) -> list[Any]:
    return entries[-_LOGGED:][::-1]


def _delivery(each: Delivery) -> Json:
    names = ("at", "event", "to", "status", "error", "attempt", "fault")
    return {name: getattr(each, name) for name in names}


def _request(each: Request) -> Json:
    names = ("at", "method", "path", "query", "token", "status", "fault", "in_flight")
    return {name: getattr(each, name) for name in names}
