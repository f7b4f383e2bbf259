"""Conversations in lists: by query (GET), counted (meta), by filter (POST)."""

from flask import Blueprint, Response, request

from sandbox import conversation_queries as queries
from sandbox.api.access import answer, caller, may_see, page, params, standin
from sandbox.bodies import rest
from sandbox.world import Conversation, Json

blueprint = Blueprint("conversation_lists", __name__)


@blueprint.get("/conversations")
def index() -> Response:
    found = queries.asked_for(standin().world, _visible(), request.args)
    shown = queries.by_assignee(found, caller(), request.args.get("assignee_type"))
    if "updated_within" not in request.args:
        shown = queries.page_of(shown, page())
    return answer({"data": {"meta": _counts(found), "payload": _bodies(shown)}})


@blueprint.get("/conversations/meta")
def meta() -> Response:
    found = queries.asked_for(standin().world, _visible(), request.args)
    return answer({"meta": _counts(found)})


@blueprint.post("/conversations/filter")
def filter_conversations() -> Response:
    found = queries.filtered(standin().world, _visible(), params().get("payload") or [])
    counts = _counts(found)
    del counts["assigned_count"]
    return answer({"meta": counts, "payload": _bodies(queries.page_of(found, page()))})


def _visible() -> list[Conversation]:
    world = standin().world
    return [each for each in world.conversations.values() if may_see(world.inbox_of(each))]


def _counts(found: list[Conversation]) -> Json:
    """Whatever the assignee_type asked for: these count what each would show."""
    return {
        "mine_count": len(queries.by_assignee(found, caller(), "me")),
        "assigned_count": len(queries.by_assignee(found, caller(), "assigned")),
        "unassigned_count": len(queries.by_assignee(found, caller(), "unassigned")),
        "all_count": len(found),
    }


def _bodies(shown: list[Conversation]) -> list[Json]:
    return [rest.conversation(standin().world, conversation) for conversation in shown]
