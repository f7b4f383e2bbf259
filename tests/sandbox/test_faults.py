"""Switches of the API: each breaks as many requests as it says, and stores or does not store."""

import httpx
import pytest

from sandbox import Sandbox
from sandbox.faults import STATEMENT_TIMEOUT
from tests.sandbox.desk import CONVERSATION, Desk
from tests.stack import wait_until

REFUSING = {
    "429": (429, "text/plain", "Retry later\n"),
    "500": (500, "application/json; charset=utf-8", '{"status": 500, "error": "Internal Server Error"}'),
    "503": (503, "text/html", ""),
    "401": (401, "application/json; charset=utf-8", '{"error": "Invalid Access Token"}'),
    "404": (404, "application/json; charset=utf-8", '{"error": "Resource could not be found"}'),
}


@pytest.mark.parametrize("kind", REFUSING)
def test_refuses_without_storing(desk: Desk, kind: str) -> None:
    desk.sandbox.faults.add(kind)
    answer = desk.reply("uno")
    assert (answer.status_code, answer.headers["Content-Type"], answer.text) == REFUSING[kind]
    assert desk.contents == []


def test_refuses_for_a_moment_what_is_being_deleted(desk: Desk) -> None:
    """As Chatwoot does while it deletes a contact: stored nothing, though it looks like a 422 of unknown outcome."""
    desk.sandbox.faults.add("422", text="undefined method `source_id' for nil")
    answer = desk.reply("uno")
    assert (answer.status_code, answer.json()) == (422, {"error": "undefined method `source_id' for nil"})
    assert desk.contents == []


def test_throttling_says_when_to_come_back_only_if_told_to(desk: Desk) -> None:
    desk.sandbox.faults.add("429")
    desk.sandbox.faults.add("429-retry-after", seconds=7)
    assert "Retry-After" not in desk.reply().headers
    assert desk.reply().headers["Retry-After"] == "7"


@pytest.mark.parametrize(("kind", "status"), [("500-after-storing", 500), ("422-after-storing", 422)])
def test_stores_and_denies_it(desk: Desk, kind: str, status: int) -> None:
    desk.sandbox.faults.add(kind)
    assert desk.reply("uno").status_code == status
    assert desk.contents == ["uno"]
    assert len(desk.told("account", "message_created")) == 1


@pytest.mark.parametrize("text", [STATEMENT_TIMEOUT, "Waited 1 seconds (redis://localhost:6379/0)"])
def test_422_after_storing_says_what_chatwoot_said(desk: Desk, text: str) -> None:
    desk.sandbox.faults.add("422-after-storing", text=text)
    assert desk.reply().json() == {"error": text}


@pytest.mark.parametrize(("kind", "stored"), [("reset", []), ("reset-after-storing", ["uno"])])
def test_cuts_the_connection(desk: Desk, kind: str, stored: list[str]) -> None:
    desk.sandbox.faults.add(kind)
    with pytest.raises(httpx.ReadError, match="reset"):
        desk.reply("uno")
    assert desk.contents == stored


@pytest.mark.parametrize(("kind", "stored"), [("hang", []), ("hang-after-storing", ["uno"])])
def test_hangs_until_the_client_gives_up(desk: Desk, kind: str, stored: list[str]) -> None:
    desk.sandbox.faults.add(kind)
    desk.http.timeout = httpx.Timeout(5, read=0.2)
    with pytest.raises(httpx.ReadTimeout):
        desk.reply("uno")
    wait_until(lambda: desk.sandbox.requests, what="the request to be read")
    wait_until(lambda: desk.contents == stored, what="what is stored")


def test_frozen_it_carries_out_afterwards_what_nobody_waits_for_any_more(desk: Desk) -> None:
    desk.sandbox.faults.add("frozen")
    desk.http.timeout = httpx.Timeout(5, read=0.2)
    with pytest.raises(httpx.ReadTimeout):
        desk.reply("uno")
    with pytest.raises(httpx.ReadTimeout):
        desk.call("GET", f"conversations/{CONVERSATION}", token="admin")
    assert desk.contents == []
    desk.sandbox.faults.clear()
    wait_until(lambda: desk.contents == ["uno"], what="what was posted to be stored")


def test_it_thaws_by_itself(desk: Desk) -> None:
    desk.sandbox.faults.add("frozen", seconds=0.2)
    assert desk.reply("uno").status_code == 200


def test_hanging_ends_without_an_answer(desk: Desk) -> None:
    desk.sandbox.faults.add("hang", seconds=0.05)
    with pytest.raises(httpx.RemoteProtocolError):
        desk.reply("uno")


def test_slow_answers_late_what_it_stored(desk: Desk) -> None:
    desk.sandbox.faults.add("slow", seconds=0.3)
    patience, desk.http.timeout = desk.http.timeout, httpx.Timeout(5, read=0.1)
    with pytest.raises(httpx.ReadTimeout):
        desk.reply("uno")
    desk.http.timeout = patience
    wait_until(lambda: desk.contents == ["uno"], what="what is stored")
    desk.sandbox.faults.add("slow", seconds=0.01)
    assert desk.reply("dos").json()["content"] == "dos"


def test_breaks_as_many_requests_as_it_says(desk: Desk) -> None:
    desk.sandbox.faults.add("503", times=2)
    assert [desk.reply().status_code for _ in range(4)] == [503, 503, 200, 200]


def test_breaks_only_what_matches(desk: Desk) -> None:
    desk.sandbox.faults.add("500", method="GET", path=r".*/conversations/\d+", times=None)
    assert desk.reply().status_code == 200
    assert desk.call("GET", f"conversations/{CONVERSATION}").status_code == 500
    desk.sandbox.faults.clear()
    assert desk.call("GET", f"conversations/{CONVERSATION}").status_code == 200


def test_every_request_tells_what_became_of_it(desk: Desk) -> None:
    desk.sandbox.forget_requests()
    desk.sandbox.faults.add("500-after-storing")
    desk.reply("uno")
    desk.reply("dos")
    seen = [(each.status, each.fault, each.token, each.body["content"]) for each in desk.sandbox.requests]
    assert seen == [(500, "500-after-storing", "bot", "uno"), (200, None, "bot", "dos")]
    ids = [message["id"] for message in desk.sandbox.messages(CONVERSATION)]
    assert [each.message_id for each in desk.sandbox.requests] == ids


def test_a_request_without_an_answer_has_no_status(desk: Desk) -> None:
    desk.sandbox.forget_requests()
    desk.sandbox.faults.add("reset-after-storing")
    with pytest.raises(httpx.ReadError):
        desk.reply("uno")
    (request,) = desk.sandbox.requests
    assert request.status is None
    assert request.message_id is not None


@pytest.mark.parametrize(("kind", "path"), [("earthquake", ".*"), ("500", "(")])
def test_a_wrong_switch_is_refused(sandbox: Sandbox, kind: str, path: str) -> None:
    with pytest.raises(ValueError, match=r"earthquake|path"):
        sandbox.faults.add(kind, path=path)
