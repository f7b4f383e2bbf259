"""/sandbox/...: what a test or the chat page asks of the stand-in itself. No token, no Chatwoot."""

import dataclasses
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify

from sandbox import errors
from sandbox.api.access import params, standin
from sandbox.bodies import messages, people, rest
from sandbox.contacts import as_id
from sandbox.customers import Writing
from sandbox.drafts import file_of
from sandbox.world import Json, Message

blueprint = Blueprint("control", __name__, url_prefix="/sandbox")


@blueprint.get("/requests")
def requests() -> Response:
    return jsonify([dataclasses.asdict(each) for each in standin().journal.requests])


@blueprint.delete("/requests")
def forget_requests() -> Response:
    standin().journal.clear_requests()
    return jsonify({})


@blueprint.get("/deliveries")
def deliveries() -> Response:
    return jsonify([dataclasses.asdict(each) for each in standin().journal.deliveries])


@blueprint.delete("/deliveries")
def forget_deliveries() -> Response:
    standin().journal.clear_deliveries()
    return jsonify({})


@blueprint.get("/faults")
def faults() -> Response:
    return jsonify(standin().faults.shown())


@blueprint.post("/faults")
def add_fault() -> Response:
    return jsonify(_added(standin().faults.add))


@blueprint.delete("/faults")
def clear_faults() -> Response:
    standin().faults.clear()
    return jsonify({})


@blueprint.get("/webhook-faults")
def webhook_faults() -> Response:
    return jsonify(standin().webhook_faults.shown())


@blueprint.post("/webhook-faults")
def add_webhook_fault() -> Response:
    return jsonify(_added(standin().webhook_faults.add))


@blueprint.delete("/webhook-faults")
def clear_webhook_faults() -> Response:
    standin().webhook_faults.clear()
    return jsonify({})


def _added(add: Any) -> Json:
    """The switch as it was set; a wrong one is refused with what is wrong about it."""
    try:
        described: Json = add(**params()).describe()
    except (TypeError, ValueError) as error:
        raise errors.unprocessable(str(error)) from error
    return described


@blueprint.put("/pace")
def set_pace() -> Response:
    """{"messages_per_second": 20}, or null for as fast as it goes."""
    standin().pace.set(params().get("messages_per_second"))
    return jsonify({"messages_per_second": standin().pace.per_second})


@blueprint.put("/lag")
def set_lag() -> Response:
    """{"webhooks_s": [0, 10], "api_s": [0.3, 1.2], "channel_s": [0, 0.5], "files_s": [2.5, 7], "seed": 7}

    What is left out is in time. `channel_s`: until a message is handed on to its channel; `files_s`: so much later one
    with files.
    """
    try:
        standin().lag.set(**params())
    except (TypeError, ValueError) as error:
        raise errors.unprocessable(str(error)) from error
    return jsonify(standin().lag.shown())


@blueprint.get("/lag")
def lag() -> Response:
    return jsonify(standin().lag.shown())


@blueprint.delete("/lag")
def clear_lag() -> Response:
    standin().lag.clear()
    return jsonify({})


@blueprint.post("/customers/messages")
def customer_writes() -> Response:
    writing = writing_of(params())
    with standin().acting():
        message = standin().customers.write(writing)
        return jsonify(messages.listed(standin().world, message))


@blueprint.post("/customers/edits")
def customer_edits() -> Response:
    """{"message_id": 7, "content": "…"}"""
    return _changed(lambda message, given: standin().messages.edit(message, str(given["content"])))


@blueprint.post("/customers/transcripts")
def transcribe() -> Response:
    """{"message_id": 7, "transcript": "…"}: what was said in a customer's voice note."""
    return _changed(lambda message, given: standin().messages.transcribe(message, str(given["transcript"])))


@blueprint.post("/customers/typing")
def customer_types() -> Response:
    given = params()
    with standin().acting():
        conversation = standin().conversations.find(given.get("conversation_id"))
        standin().customers.type(conversation, on=bool(given.get("on", True)))
    return jsonify({})


def writing_of(given: Json) -> Writing:
    """A customer's message out of JSON; attachments as {filename, content_type, data: base64} or {file_type, ...}."""
    names = {field.name for field in dataclasses.fields(Writing)} - {"files"}
    known = {name: given[name] for name in names if given.get(name) is not None}
    return Writing(**known, files=tuple(file_of(each) for each in given.get("attachments") or ()))


@blueprint.post("/message-status")
def message_status() -> Response:
    """{"message_id": 7, "status": "delivered" | "read" | "failed", "external_error": …}, as the channel reports it."""
    return _changed(
        lambda message, given: standin().messages.set_status(message, given["status"], given.get("external_error"))
    )


def _changed(change: Callable[[Message, Json], None]) -> Response:
    """The message that the request names, after the change."""
    given = params()
    with standin().acting():
        message = standin().world.messages.get(as_id(given.get("message_id")))
        if message is None:
            raise errors.not_found()
        try:
            change(message, given)
        except KeyError as error:
            raise errors.unprocessable(f"{error.args[0]} is missing") from error
        return jsonify(messages.listed(standin().world, message))


@blueprint.get("/events")
def events() -> Response:
    """Server-sent events: `event: change`, data {"kind", "conversation_id"}."""
    return Response(
        standin().stream.watch(),
        mimetype="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@blueprint.get("/state")
def state() -> Response:
    """All that a page needs to begin with. It is a toy: the tokens are there for whoever asks."""
    with standin().world.lock:
        return jsonify(_state())


def _state() -> Json:
    world = standin().world
    agent = next((user for user in world.users.values() if not user.is_administrator), None)
    administrator = next((user for user in world.users.values() if user.is_administrator), None)
    conversations = sorted(world.conversations.values(), key=lambda each: -each.last_activity_at)
    return {
        "account": people.account(world.account),
        "account_id": world.account.id,
        "version": world.version.in_full,
        "agent": _person(agent),
        "admin": _person(administrator),
        "agent_token": agent.access_token if agent else None,
        "admin_token": administrator.access_token if administrator else None,
        "bots": [people.bot_slim(bot) for bot in world.bots.values()],
        "inboxes": [
            people.slim_inbox(inbox) | {"agent_bot_id": inbox.agent_bot_id} for inbox in world.inboxes.values()
        ],
        "webhooks": _webhook_targets(),
        "conversations": [rest.conversation(world, each) for each in conversations],
        "faults": standin().faults.shown(),
        "webhook_faults": standin().webhook_faults.shown(),
        "messages_per_second": standin().pace.per_second,
        "lag": standin().lag.shown(),
    }


def _person(user: Any) -> Json | None:
    return people.agent(user, standin().world.account) if user else None


def _webhook_targets() -> list[Json]:
    world = standin().world
    accounts = [{"kind": "account", "url": hook.url} for hook in world.webhooks.values()]
    bots = [{"kind": "bot", "url": bot.outgoing_url} for bot in world.bots.values() if bot.outgoing_url]
    return [*accounts, *bots]
