"""What each API request passes: it is recorded, takes its time, meets its switch, and is carried out alone."""

import json
import time
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from sandbox import errors
from sandbox.faults import Fault
from sandbox.standin import StandIn
from sandbox.wire import Dropped
from sandbox.world import AgentBot

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

STORED_MESSAGES = "sandbox.stored_messages"
"""The list in the environ to which views add the id of what they stored."""


class Gate:
    """WSGI middleware. Requests to anything but the API pass untouched."""

    def __init__(self, app: "WSGIApplication", standin: StandIn) -> None:
        self._app = app
        self._standin = standin

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        if not environ["PATH_INFO"].startswith("/api"):
            return self._app(environ, start_response)
        with Request(environ) as request:
            return self._recorded(request)(environ, start_response)

    def _recorded(self, request: Request) -> Response:
        journal, lag = self._standin.journal, self._standin.lag.of_a_call()
        fault = self._standin.faults.take(request.method, request.path)
        number = journal.open(
            at=time.time(),
            method=request.method,
            path=request.path,
            query=request.query_string.decode(),
            token=self._whose(request),
            body=_shown_body(request),
            fault=fault.kind if fault else None,
        )
        status, stored = None, request.environ.setdefault(STORED_MESSAGES, [])
        try:
            lag.wait_before()
            answer = self._answer(request, fault)
            lag.wait_after()
            status = answer.status_code
            return answer
        finally:
            journal.close(number, status=status, message_id=stored[0] if stored else None)

    def _answer(self, request: Request, fault: Fault | None) -> Response:
        self._standin.faults.wait_for_thaw()
        if fault is None or fault.kind == "frozen":
            return self._carry_out(request)
        stored = self._carry_out(request) if fault.stores else None
        return self._broken(fault, stored)

    def _carry_out(self, request: Request) -> Response:
        if request.method == "POST" and request.path.endswith("/messages"):
            self._standin.pace.wait()
        request.environ["wsgi.input"].seek(0)  # read already, for the journal
        with self._standin.acting():
            return Response.from_app(self._app, request.environ, buffered=True)

    def _broken(self, fault: Fault, stored: Response | None) -> Response:
        match fault.kind.removesuffix("-after-storing"):
            case "429":
                return _throttled({})
            case "429-retry-after":
                return _throttled({"Retry-After": f"{fault.seconds:g}"})
            case "500":
                return _refusal(errors.broken())
            case "503":
                return Response("", 503, content_type="text/html")
            case "401":
                return _refusal(errors.wrong_token())
            case "404":
                return _refusal(errors.not_found())
            case "422":
                return _refusal(errors.unprocessable(fault.text))
            case "reset":
                raise Dropped(reset=True)
        self._standin.faults.wait(fault.seconds)
        if fault.kind == "slow" and stored is not None:
            return stored
        raise Dropped

    def _whose(self, request: Request) -> str | None:
        access_token = request.headers.get("Api-Access-Token")
        if access_token is None:
            return None
        with self._standin.world.lock:
            owner = self._standin.world.owner_of(access_token)
        if owner is None:
            return "wrong"
        if isinstance(owner, AgentBot):
            return "bot"
        return "admin" if owner.is_administrator else "agent"


def _shown_body(request: Request) -> Any:
    """JSON as it is, forms as a dict, anything else as text."""
    if request.mimetype in ("multipart/form-data", "application/x-www-form-urlencoded"):
        request.get_data(cache=True)
        return request.form.to_dict() | {name: file.filename for name, file in request.files.items(multi=True)}
    data = request.get_data(cache=True)
    try:
        return json.loads(data) if data else None
    except ValueError:
        return data.decode("utf-8", "replace")


def _throttled(headers: dict[str, str]) -> Response:
    return Response("Retry later\n", 429, headers, content_type="text/plain")


def _refusal(refused: errors.Refused) -> Response:
    content_type = "application/json; charset=utf-8"
    return Response(json.dumps(refused.body), refused.status, content_type=content_type)
