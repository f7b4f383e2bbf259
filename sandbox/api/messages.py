"""Messages of a conversation."""

import time

from flask import Blueprint, Response, request

from sandbox import emails, errors
from sandbox.api.access import answer, caller, conversation, files, params, standin
from sandbox.bodies import messages, rest
from sandbox.contacts import as_id
from sandbox.drafts import draft_of
from sandbox.gate import STORED_MESSAGES
from sandbox.messages import check_incoming_allowed
from sandbox.world import AgentBot, Conversation, Json, Message, MessageType, Sender

blueprint = Blueprint("messages", __name__)

_PAGE = 20
_AFTER_AT_MOST = 100
_BETWEEN_AT_MOST = 1000


@blueprint.get("/conversations/<conversation_id>/messages")
def index(conversation_id: str) -> Response:
    world = standin().world
    of = conversation(conversation_id)
    listed = (messages.listed(world, message) for message in _selected(of))
    return answer(rest.message_list(world, of, listed))


def _selected(of: Conversation) -> list[Message]:
    """Ascending, as of `lists_behind_s` ago. after: > id, 100 at most. before: < id, the last 20. Both:
    after <= id < before."""
    newest_at = time.time() - standin().lists_behind_s
    said = [message for message in of.messages if message.created_at <= newest_at]
    if request.args.get("filter_internal_messages") == "true":
        said = [message for message in said if not message.private and not message.is_activity]
    after, before = as_id(request.args.get("after")), as_id(request.args.get("before"))
    if after and before:
        return [message for message in said if after <= message.id < before][:_BETWEEN_AT_MOST]
    if after:
        return [message for message in said if message.id > after][:_AFTER_AT_MOST]
    if before:
        said = [message for message in said if message.id < before]
    return said[-_PAGE:]


@blueprint.post("/conversations/<conversation_id>/messages")
def create(conversation_id: str) -> Response:
    into = conversation(conversation_id)
    given = params()
    draft = draft_of(given, files(), standin().world.version)
    inbox = standin().world.inbox_of(into)
    check_incoming_allowed(inbox, draft)
    draft = emails.posted(draft) if inbox.is_email else draft
    incoming = draft.message_type is MessageType.INCOMING
    sender = standin().world.contact_of(into) if incoming else _sender(given)
    message = standin().messages.create(into, draft, sender, caller())
    request.environ[STORED_MESSAGES].append(message.id)
    return answer(_with_echo(messages.listed(standin().world, message), given))


def _sender(given: Json) -> Sender:
    """The token's owner; a user's token may also post as one of the account's bots."""
    who = caller()
    bot = standin().world.bots.get(as_id(given.get("sender_id")))
    if not isinstance(who, AgentBot) and given.get("sender_type") == "AgentBot" and bot:
        return bot
    return who


def _with_echo(body: Json, given: Json) -> Json:
    """echo_id comes back here and is stored nowhere."""
    return body | {"echo_id": given["echo_id"]} if given.get("echo_id") else body


@blueprint.patch("/conversations/<conversation_id>/messages/<message_id>")
def update(conversation_id: str, message_id: str) -> Response:
    of = conversation(conversation_id)
    message = standin().messages.find(of, message_id)
    if not standin().world.inbox_of(of).is_api:
        raise errors.Refused(403, {"error": "Message status update is only allowed for API inboxes"})
    given = params()
    standin().messages.set_status(message, str(given.get("status")), given.get("external_error"))
    return answer(messages.listed(standin().world, message))


@blueprint.delete("/conversations/<conversation_id>/messages/<message_id>")
def destroy(conversation_id: str, message_id: str) -> Response:
    message = standin().messages.find(conversation(conversation_id), message_id)
    standin().messages.delete(message)
    return answer(messages.listed(standin().world, message))


@blueprint.post("/conversations/<conversation_id>/messages/<message_id>/retry")
def retry(conversation_id: str, message_id: str) -> Response:
    message = standin().messages.find(conversation(conversation_id), message_id)
    standin().messages.retry(message)
    return answer(messages.listed(standin().world, message))
