"""Agent bots."""

from flask import Blueprint, Response

from sandbox.api.access import answer, caller, nothing, only_administrators, params, standin
from sandbox.bodies import people
from sandbox.world import AgentBot, Json, User, token

blueprint = Blueprint("agent_bots", __name__)


def _shown(bot: AgentBot) -> Json:
    """Without token and secret for those who are no administrators."""
    body = people.bot_in_full(bot, standin().world.account, standin().world.version)
    who = caller()
    if isinstance(who, User) and not who.is_administrator:
        body.pop("secret", None)
    return body


@blueprint.get("/agent_bots")
def index() -> Response:
    return answer([_shown(bot) for bot in standin().world.bots.values()])


@blueprint.get("/agent_bots/<bot_id>")
def show(bot_id: str) -> Response:
    return answer(_shown(standin().setup.bot(bot_id)))


@blueprint.post("/agent_bots")
def create() -> Response:
    only_administrators()
    given = params()
    bot = standin().setup.add_bot(
        str(given.get("name", "")), given.get("outgoing_url"), description=given.get("description")
    )
    return answer(_shown(bot))


@blueprint.patch("/agent_bots/<bot_id>")
def update(bot_id: str) -> Response:
    only_administrators()
    bot = standin().setup.bot(bot_id)
    given = params()
    bot.name = given.get("name", bot.name)
    bot.description = given.get("description", bot.description)
    bot.outgoing_url = given.get("outgoing_url", bot.outgoing_url)
    return answer(_shown(bot))


@blueprint.delete("/agent_bots/<bot_id>")
def destroy(bot_id: str) -> Response:
    only_administrators()
    standin().setup.delete_bot(standin().setup.bot(bot_id))
    return nothing()


@blueprint.post("/agent_bots/<bot_id>/reset_secret")
def reset_secret(bot_id: str) -> Response:
    only_administrators()
    bot = standin().setup.bot(bot_id)
    bot.secret = token()
    return answer(_shown(bot))
