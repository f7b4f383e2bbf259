"""A conversation's labels, a contact's, and the account's list of them (always empty: labels need not be defined)."""

from flask import Blueprint, Response

from sandbox.api.access import answer, caller, conversation, params, standin

blueprint = Blueprint("labels", __name__)


@blueprint.get("/labels")
def of_account() -> Response:
    return answer({"payload": []})


@blueprint.get("/conversations/<conversation_id>/labels")
def index(conversation_id: str) -> Response:
    return answer({"payload": conversation(conversation_id).label_list})


@blueprint.post("/conversations/<conversation_id>/labels")
def create(conversation_id: str) -> Response:
    """Replaces all. What is no list counts as an empty one."""
    changed = conversation(conversation_id)
    standin().conversations.set_labels(changed, caller(), _wanted())
    return answer({"payload": changed.label_list})


@blueprint.get("/contacts/<contact_id>/labels")
def of_contact(contact_id: str) -> Response:
    return answer({"payload": standin().contacts.find(contact_id).labels})


@blueprint.post("/contacts/<contact_id>/labels")
def label_contact(contact_id: str) -> Response:
    """Replaces all. No webhook tells which they are."""
    contact = standin().contacts.find(contact_id)
    contact.labels = _wanted()
    return answer({"payload": contact.labels})


def _wanted() -> list[str]:
    labels = params().get("labels")
    return list(dict.fromkeys(str(label) for label in labels)) if isinstance(labels, list) else []
