"""Whose request it is, what they may do, and what they sent."""

from typing import Any

from flask import Flask, Response, current_app, g, jsonify, request

from sandbox import errors
from sandbox.contacts import as_id
from sandbox.drafts import File
from sandbox.standin import StandIn
from sandbox.world import AgentBot, Conversation, Inbox, Json, User

_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


class NotJson(Exception):
    """The body says it is JSON and is not: 400 without a body."""


def standin() -> StandIn:
    there: StandIn = current_app.extensions["standin"]
    return there


def caller() -> User | AgentBot:
    who: User | AgentBot = g.caller
    return who


def guard(app: Flask) -> None:
    app.before_request(_check_caller)
    app.register_error_handler(errors.Refused, _refused)
    app.register_error_handler(NotJson, lambda error: Response("", 400, content_type="text/html; charset=UTF-8"))


def _check_caller() -> None:
    """Token first, then the account, then what a bot may call: the order in which Chatwoot refuses."""
    if request.endpoint is None or not request.path.startswith("/api/v1/"):
        return
    access_token = request.headers.get("Api-Access-Token")
    if access_token is None:
        raise errors.not_signed_in()
    owner = standin().world.owner_of(access_token)
    if owner is None:
        raise errors.wrong_token()
    g.caller = owner
    account_id = (request.view_args or {}).pop("account_id", None)
    if account_id is not None and as_id(account_id) != standin().world.account.id:
        raise errors.not_found()
    if isinstance(owner, AgentBot) and request.endpoint not in standin().world.version.bot_endpoints:
        raise errors.not_for_bots()


def _refused(refused: errors.Refused) -> Response:
    answer = jsonify(refused.body)
    answer.status_code = refused.status
    return answer


def only_administrators() -> None:
    who = caller()
    if not (isinstance(who, User) and who.is_administrator):
        raise errors.not_permitted()


def may_see(inbox: Inbox) -> bool:
    """Agents see the inboxes that they are members of; administrators and bots see all."""
    who = caller()
    return isinstance(who, AgentBot) or who.is_administrator or who.id in inbox.member_ids


def only_members(inbox: Inbox) -> None:
    if not may_see(inbox):
        raise errors.not_permitted()


def conversation(conversation_id: str) -> Conversation:
    """The conversation that the URL names, if the caller may see it."""
    found = standin().conversations.find(conversation_id)
    only_members(standin().world.inbox_of(found))
    return found


def params() -> Json:
    """The body as Rails reads it: JSON or a form; a JSON array counts as nothing."""
    if request.mimetype in _FORMS:
        return request.form.to_dict()
    if request.mimetype != "application/json" or not request.get_data():
        return {}
    body = request.get_json(silent=True)
    if body is None and request.get_data().strip() != b"null":
        raise NotJson
    return body if isinstance(body, dict) else {}


def files() -> tuple[File, ...]:
    uploads = request.files.getlist("attachments[]") if request.mimetype in _FORMS else []
    return tuple(File(upload.filename or "", upload.mimetype, upload.read()) for upload in uploads)


def page() -> int:
    return max(as_id(request.args.get("page", 1)), 1)


def answer(body: Any) -> Response:
    return jsonify(body)


def nothing() -> Response:
    """200 and an empty body."""
    return Response("", 200, content_type="application/json")
