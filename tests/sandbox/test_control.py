"""/sandbox/...: the stand-in told over HTTP what a test tells it in Python."""

import json
from collections.abc import Iterator

import httpx

from tests.sandbox.desk import CONVERSATION, Desk


def changes(lines: Iterator[str]) -> Iterator[dict[str, object]]:
    return (json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: "))


def test_the_log_of_requests_is_read_and_forgotten(desk: Desk) -> None:
    desk.reply("uno")
    (request,) = [each for each in desk.http.get("/sandbox/requests").json() if each["method"] == "POST"]
    assert (request["path"], request["status"]) == (f"/api/v1/accounts/1/conversations/{CONVERSATION}/messages", 200)
    desk.http.delete("/sandbox/requests")
    assert desk.http.get("/sandbox/requests").json() == []


def test_controls_are_not_in_the_log_and_meet_no_switch(desk: Desk) -> None:
    desk.sandbox.faults.add("500", method=None, path=".*", times=None)
    desk.sandbox.forget_requests()
    assert desk.http.get("/sandbox/state").status_code == 200
    assert desk.sandbox.requests == []


def test_switches_are_set_shown_and_cleared(desk: Desk) -> None:
    for path, fault in (("faults", {"kind": "503"}), ("webhook-faults", {"kind": "never", "to": "bot"})):
        added = desk.http.post(f"/sandbox/{path}", json=fault).json()
        assert desk.http.get(f"/sandbox/{path}").json() == [added]
    assert desk.reply().status_code == 503
    desk.http.delete("/sandbox/faults")
    assert desk.reply().status_code == 200
    assert desk.told("bot", "message_created") == []


def test_a_wrong_switch_is_refused_with_the_reason(desk: Desk) -> None:
    refused = desk.http.post("/sandbox/faults", json={"kind": "earthquake"})
    assert refused.status_code == 422
    assert "earthquake" in refused.json()["error"]
    assert desk.http.post("/sandbox/faults", json={"colour": "red"}).status_code == 422


def test_a_customer_writes(desk: Desk) -> None:
    written = {"content": "hola", "phone_number": "+34699999999", "name": "Eva", "inbox_id": desk.inbox_id}
    message = desk.http.post("/sandbox/customers/messages", json=written).json()
    assert message["sender"]["name"] == "Eva"
    (received,) = desk.told("bot", "message_created")
    assert received.body["id"] == message["id"]


def test_a_customer_who_writes_nowhere_is_told_so(desk: Desk) -> None:
    lost = {"content": "hola", "conversation_id": 999999}
    assert desk.http.post("/sandbox/customers/messages", json=lost).status_code == 404


def test_a_customer_types(desk: Desk) -> None:
    desk.http.post("/sandbox/customers/typing", json={"conversation_id": CONVERSATION, "on": True})
    (typing,) = desk.told("account", "conversation_typing_on")
    assert typing.body["user"]["name"] == "Lucía"


def test_a_message_is_delivered_and_read(desk: Desk) -> None:
    message_id = desk.reply().json()["id"]
    for status in ("delivered", "read"):
        shown = desk.http.post("/sandbox/message-status", json={"message_id": message_id, "status": status}).json()
        assert shown["status"] == status
    assert len(desk.told("bot", "message_updated")) == 2


def test_the_state_has_what_a_page_begins_with(desk: Desk) -> None:
    state = desk.http.get("/sandbox/state").json()
    assert (state["account_id"], state["agent_token"], state["admin_token"]) == (1, "agent-token", "admin-token")
    assert [each["id"] for each in state["conversations"]] == [CONVERSATION]
    assert {each["kind"] for each in state["webhooks"]} == {"bot", "account"}


def test_whoever_watches_sees_each_change(desk: Desk) -> None:
    with desk.http.stream("GET", "/sandbox/events") as stream:
        lines = stream.iter_lines()
        next(lines)
        with httpx.Client(base_url=desk.sandbox.url, trust_env=False) as other:
            written = {"content": "hola", "conversation_id": CONVERSATION}
            other.post("/sandbox/customers/messages", json=written)
        first = next(changes(lines))
    assert first["conversation_id"] == CONVERSATION
    assert first["kind"] in ("message", "conversation")


def test_the_log_of_deliveries_tells_each_attempt(desk: Desk) -> None:
    desk.customer_writes()
    desk.sandbox.settle()
    told = desk.http.get("/sandbox/deliveries").json()
    assert {(each["to"], each["status"]) for each in told if each["event"] == "message_created"} == {
        ("bot", 200),
        ("account", 200),
    }
    desk.http.delete("/sandbox/deliveries")
    assert desk.http.get("/sandbox/deliveries").json() == []


def test_an_unknown_control_is_no_surprise(desk: Desk) -> None:
    assert desk.http.get("/sandbox/nosuch").status_code == 404


def test_a_customer_edits_what_they_wrote(desk: Desk) -> None:
    message_id = desk.customer_writes("at ten")
    edit = {"message_id": message_id, "content": "at eleven"}
    assert desk.http.post("/sandbox/customers/edits", json=edit).json()["content"] == "at eleven"
    (updated,) = desk.told("bot", "message_updated")
    assert (updated.body["id"], updated.body["content"]) == (message_id, "at eleven")


def test_what_a_voice_note_says_comes_later(desk: Desk) -> None:
    voice = {"filename": "note.ogg", "content_type": "audio/ogg", "data": ""}
    written = {"conversation_id": CONVERSATION, "attachments": [voice]}
    message_id = desk.http.post("/sandbox/customers/messages", json=written).json()["id"]
    said = {"message_id": message_id, "transcript": "At ten, please"}
    desk.http.post("/sandbox/customers/transcripts", json=said)
    (updated,) = desk.told("bot", "message_updated")
    assert updated.body["attachments"][0]["transcribed_text"] == "At ten, please"


def test_what_was_never_said_cannot_be_changed(desk: Desk) -> None:
    for path in ("customers/edits", "customers/transcripts", "message-status"):
        assert desk.http.post(f"/sandbox/{path}", json={"message_id": 999999}).status_code == 404
        refused = desk.http.post(f"/sandbox/{path}", json={"message_id": desk.customer_writes()})
        assert refused.status_code == 422
        assert "is missing" in refused.json()["error"]


def test_a_group_writes_as_one_customer(desk: Desk) -> None:
    group = {"identifier": "120363040000000000@g.us", "name": "Family", "inbox_id": desk.inbox_id}
    first, second = (
        desk.http.post("/sandbox/customers/messages", json=group | {"content": content}).json()
        for content in ("who comes?", "I do")
    )
    assert first["conversation_id"] == second["conversation_id"]
    assert first["sender"]["id"] == second["sender"]["id"]
    (told, _) = desk.told("bot", "message_created")
    assert told.body["sender"]["identifier"] == "120363040000000000@g.us"


def test_the_lag_is_shown_as_it_was_set(desk: Desk) -> None:
    desk.http.put("/sandbox/lag", json={"channel_s": [0, 0.5], "files_s": [2, 7]})
    assert desk.http.get("/sandbox/lag").json() == desk.sandbox.lag.shown()
    assert desk.http.get("/sandbox/lag").json()["files_s"] == [2, 7]
    desk.http.delete("/sandbox/lag")
    assert desk.http.get("/sandbox/lag").json()["files_s"] == [0, 0]
