"""Conversations: begin, show, and everything that changes one."""

from flask import Blueprint, Response, request

from sandbox import errors
from sandbox.api.access import (
    answer,
    caller,
    conversation,
    nothing,
    only_administrators,
    only_members,
    params,
    standin,
)
from sandbox.bodies import rest
from sandbox.clock import iso
from sandbox.drafts import Draft, draft_of
from sandbox.gate import STORED_MESSAGES
from sandbox.messages import check_incoming_allowed
from sandbox.world import Contact, ContactInbox, Conversation, Inbox, Json, MessageType

blueprint = Blueprint("conversations", __name__)


@blueprint.post("/conversations")
def create() -> Response:
    given = params()
    link = _address(given)
    world = standin().world
    inbox, contact = world.inboxes[link.inbox_id], world.contacts[link.contact_id]
    only_members(inbox)
    draft = _draft(given, inbox)
    begun = _begin(given, contact, inbox, link, draft)
    return answer(rest.conversation(world, begun))


def _begin(given: Json, contact: Contact, inbox: Inbox, link: ContactInbox, draft: Draft | None) -> Conversation:
    conversations = standin().conversations
    kept = conversations.last_at(link) if inbox.keeps_one_conversation else None
    begun = kept or conversations.begin(contact, inbox, link, given)
    if draft is not None:
        sender = contact if draft.message_type is MessageType.INCOMING else caller()
        message = standin().messages.create(begun, draft, sender, caller(), begins=kept is None)
        request.environ[STORED_MESSAGES].append(message.id)
    elif kept is None:
        conversations.told(begun)
    return begun


def _address(given: Json) -> ContactInbox:
    """Found or made from inbox and contact; else any that has this source_id, in whatever inbox."""
    world = standin().world
    source_id = given.get("source_id")
    if given.get("inbox_id") and given.get("contact_id"):
        inbox = standin().setup.inbox(given["inbox_id"])
        contact = standin().contacts.find(given["contact_id"])
        # An empty source_id finds nothing and falls through to the look-up by source_id alone.
        if source_id != "":
            return standin().contacts.address(contact, inbox, source_id)
    links = world.contact_inboxes.values()
    found = next((link for link in links if source_id and link.source_id == source_id), None)
    if found is None:
        raise errors.not_found()
    return found


def _draft(given: Json, inbox: Inbox) -> Draft | None:
    """The first message. What is wrong with it is a 500 here, unless it is a failed validation."""
    message = given.get("message")
    if not isinstance(message, dict):
        return None
    try:
        draft = draft_of(message, (), standin().world.version)
        check_incoming_allowed(inbox, draft)
    except errors.Refused as refused:
        if "Validation failed" in str(refused.body):
            raise
        raise errors.broken() from refused
    return draft


@blueprint.get("/conversations/<conversation_id>")
def show(conversation_id: str) -> Response:
    return answer(rest.conversation(standin().world, conversation(conversation_id)))


@blueprint.patch("/conversations/<conversation_id>")
def update(conversation_id: str) -> Response:
    changed = conversation(conversation_id)
    given = params()
    if "priority" in given:
        standin().conversations.set_priority(changed, caller(), given["priority"])
    return answer(rest.conversation(standin().world, changed))


@blueprint.delete("/conversations/<conversation_id>")
def destroy(conversation_id: str) -> Response:
    only_administrators()
    standin().conversations.delete(conversation(conversation_id))
    return nothing()


@blueprint.post("/conversations/<conversation_id>/toggle_status")
def toggle_status(conversation_id: str) -> Response:
    changed = conversation(conversation_id)
    success = standin().conversations.toggle_status(changed, caller(), params())
    payload = {
        "success": success,
        "conversation_id": changed.id,
        "current_status": changed.status,
        "snoozed_until": iso(changed.snoozed_until),
    }
    return answer({"payload": payload})


@blueprint.post("/conversations/<conversation_id>/toggle_typing_status")
def toggle_typing_status(conversation_id: str) -> Response:
    typed_in = conversation(conversation_id)
    given = params()
    if given.get("typing_status") in ("on", "off"):
        private = bool(given.get("is_private", False))
        on = given["typing_status"] == "on"
        standin().events.typing(typed_in, caller(), on=on, private=private)
    return nothing()


@blueprint.post("/conversations/<conversation_id>/toggle_priority")
def toggle_priority(conversation_id: str) -> Response:
    standin().conversations.set_priority(conversation(conversation_id), caller(), params().get("priority"))
    return nothing()


@blueprint.post("/conversations/<conversation_id>/custom_attributes")
def custom_attributes(conversation_id: str) -> Response:
    changed = conversation(conversation_id)
    standin().conversations.set_custom_attributes(changed, params().get("custom_attributes", {}))
    return answer({"custom_attributes": changed.custom_attributes})


@blueprint.post("/conversations/<conversation_id>/update_last_seen")
def update_last_seen(conversation_id: str) -> Response:
    seen = conversation(conversation_id)
    standin().conversations.see(seen, caller())
    return answer(rest.conversation(standin().world, seen))


@blueprint.post("/conversations/<conversation_id>/mute")
def mute(conversation_id: str) -> Response:
    standin().conversations.mute(conversation(conversation_id), caller())
    return nothing()


@blueprint.post("/conversations/<conversation_id>/unmute")
def unmute(conversation_id: str) -> Response:
    standin().conversations.unmute(conversation(conversation_id), caller())
    return nothing()
