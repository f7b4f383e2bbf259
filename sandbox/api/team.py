"""People: agents and teams."""

from flask import Blueprint, Response

from sandbox.api.access import answer, only_administrators, params, standin
from sandbox.bodies import people

blueprint = Blueprint("team", __name__)


@blueprint.get("/agents")
def agents() -> Response:
    world = standin().world
    return answer([people.agent(user, world.account) for user in world.users.values()])


@blueprint.get("/teams")
def index() -> Response:
    world = standin().world
    return answer([people.team(team, world.account) for team in world.teams.values()])


@blueprint.post("/teams")
def create() -> Response:
    only_administrators()
    team = standin().setup.add_team(params())
    return answer(people.team(team, standin().world.account))
