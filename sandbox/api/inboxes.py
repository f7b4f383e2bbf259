"""Inboxes, their bot and their members."""

from flask import Blueprint, Response

from sandbox.api.access import answer, may_see, nothing, only_administrators, params, standin
from sandbox.bodies import inboxes, people
from sandbox.clock import iso
from sandbox.world import token

blueprint = Blueprint("inboxes", __name__)


@blueprint.get("/inboxes")
def index() -> Response:
    seen = [inbox for inbox in standin().world.inboxes.values() if may_see(inbox)]
    return answer({"payload": [inboxes.in_full(inbox) for inbox in seen]})


@blueprint.post("/inboxes")
def create() -> Response:
    only_administrators()
    given = params()
    inbox = standin().setup.add_inbox(str(given.get("name", "")), given.get("channel") or {})
    return answer(inboxes.in_full(inbox))


@blueprint.get("/inboxes/<inbox_id>")
def show(inbox_id: str) -> Response:
    return answer(inboxes.in_full(standin().setup.inbox(inbox_id)))


@blueprint.patch("/inboxes/<inbox_id>")
def update(inbox_id: str) -> Response:
    only_administrators()
    inbox = standin().setup.inbox(inbox_id)
    standin().setup.update_inbox(inbox, params())
    return answer(inboxes.in_full(inbox))


@blueprint.post("/inboxes/<inbox_id>/reset_secret")
def reset_secret(inbox_id: str) -> Response:
    """Only API inboxes have one."""
    only_administrators()
    inbox = standin().setup.inbox(inbox_id)
    if not inbox.is_api:
        return Response("", 404, content_type="application/json")
    inbox.secret = token()
    return answer(inboxes.in_full(inbox))


@blueprint.get("/inboxes/<inbox_id>/agent_bot")
def agent_bot(inbox_id: str) -> Response:
    world = standin().world
    bot = world.bots.get(standin().setup.inbox(inbox_id).agent_bot_id or 0)
    if bot is None:
        return answer({})
    row = {
        "id": len(world.users) + bot.id,
        "owner_type": "AgentBot",
        "owner_id": bot.id,
        "token": bot.access_token,
        "created_at": iso(bot.created_at),
        "updated_at": iso(bot.created_at),
    }
    # Here, and only here, the token comes with its whole database row.
    return answer({"agent_bot": people.bot_in_full(bot, world.account, world.version) | {"access_token": row}})


@blueprint.post("/inboxes/<inbox_id>/set_agent_bot")
def set_agent_bot(inbox_id: str) -> Response:
    only_administrators()
    standin().setup.set_bot(standin().setup.inbox(inbox_id), params().get("agent_bot"))
    return nothing()


@blueprint.get("/inbox_members/<inbox_id>")
def members(inbox_id: str) -> Response:
    world = standin().world
    ids = standin().setup.inbox(inbox_id).member_ids
    shown = [people.agent(user, world.account) for user in world.users.values() if user.id in ids]
    return answer({"payload": shown})


@blueprint.post("/inbox_members")
def set_members() -> Response:
    only_administrators()
    given = params()
    inbox = standin().setup.inbox(given.get("inbox_id"))
    users = standin().setup.set_members(inbox, given.get("user_ids") or [])
    return answer({"payload": [people.agent(user, standin().world.account) for user in users]})
