"""Who has a conversation: a person, a bot, a team."""

from flask import Blueprint, Response

from sandbox.api.access import answer, caller, conversation, params, standin
from sandbox.bodies import people
from sandbox.clock import iso
from sandbox.world import Conversation, Json, Team

blueprint = Blueprint("assignments", __name__)


@blueprint.post("/conversations/<conversation_id>/assignments")
def create(conversation_id: str) -> Response:
    """assignee_id wins over team_id; an unknown id means nobody."""
    changed = conversation(conversation_id)
    given = params()
    if "assignee_id" in given:
        return answer(_assign_person_or_bot(changed, given))
    team = standin().conversations.assign_team(changed, caller(), given.get("team_id"))
    return answer(_row(team) if team else None)


def _assign_person_or_bot(changed: Conversation, given: Json) -> Json | None:
    conversations = standin().conversations
    if given.get("assignee_type") == "AgentBot":
        bot = conversations.assign_bot(changed, caller(), given["assignee_id"])
        return people.bot_slim(bot) if bot else None
    user = conversations.assign_user(changed, caller(), given["assignee_id"])
    return people.agent(user, standin().world.account) if user else None


def _row(team: Team) -> Json:
    shown = people.team(team, standin().world.account)
    del shown["is_member"]
    return shown | {"created_at": iso(team.created_at), "updated_at": iso(team.created_at)}
