"""Chatwoot's refusals, word for word."""

from sandbox.world import Json


class Refused(Exception):
    """Ends a request with this status and body."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


def not_signed_in() -> Refused:
    return Refused(401, {"errors": ["You need to sign in or sign up before continuing."]})


def wrong_token() -> Refused:
    return Refused(401, {"error": "Invalid Access Token"})


def not_for_bots() -> Refused:
    return Refused(401, {"error": "Access to this endpoint is not authorized for bots"})


def not_permitted() -> Refused:
    """401 here too, where others answer 403."""
    return Refused(401, {"error": "You are not authorized to do this action"})


def not_found() -> Refused:
    return Refused(404, {"error": "Resource could not be found"})


def unprocessable(error: str) -> Refused:
    return Refused(422, {"error": error})


def invalid(attribute: str, problem: str) -> Refused:
    """The other form of 422: a record that does not pass its own checks."""
    name = attribute.replace("_", " ").capitalize()
    return Refused(422, {"message": f"{name} {problem}", "attributes": [attribute]})


def broken() -> Refused:
    """Chatwoot raises something that it does not expect, such as for an unknown status."""
    return Refused(500, {"status": 500, "error": "Internal Server Error"})
