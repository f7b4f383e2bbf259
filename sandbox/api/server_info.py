"""What belongs to no account: version, health, profile, and the page for what is not there."""

from datetime import UTC, datetime

from flask import Blueprint, Response

from sandbox.api.access import answer, caller, standin
from sandbox.bodies import people
from sandbox.world import User

blueprint = Blueprint("server_info", __name__)

_NOT_FOUND = '<!DOCTYPE html>\n<html lang="en">\n<head><title>Page not found</title></head>\n<body></body>\n</html>\n'


@blueprint.get("/api")
def version() -> Response:
    return answer(
        {
            "version": standin().world.version.in_full,
            "timestamp": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
            "queue_services": "ok",
            "data_services": "ok",
        }
    )


@blueprint.get("/health")
def health() -> Response:
    return answer({"status": "woot"})


@blueprint.get("/api/v1/profile")
def profile() -> Response:
    who = caller()
    assert isinstance(who, User), "bots are refused before they get here"
    return answer(people.profile(who, standin().world.account))


@blueprint.app_errorhandler(404)
@blueprint.app_errorhandler(405)
def no_such_route(error: Exception) -> Response:
    """An unknown route is an HTML page; only unknown records answer JSON."""
    return Response(_NOT_FOUND, 404, content_type="text/html; charset=UTF-8")
