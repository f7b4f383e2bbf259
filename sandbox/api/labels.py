"""A conversation's labels, and the account's list of them (always empty here: labels need not be defined)."""

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
    labels = params().get("labels")
    wanted = list(dict.fromkeys(str(label) for label in labels)) if isinstance(labels, list) else []
    standin().conversations.set_labels(changed, caller(), wanted)
    return answer({"payload": changed.label_list})
