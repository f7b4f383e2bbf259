"""Every error of httpx, every status and every text that Chatwoot was seen to answer becomes one of our errors."""

import json
import pickle
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx
import pytest

from chatwoot.client import Client
from chatwoot.errors import ChatwootError, NotFound, OutcomeUnknown, PermanentError, TransientError
from chatwoot.responses import shown

RECORDED = Path(__file__).parents[2] / "recorded"

Kind = type[ChatwootError]
Act = Callable[[Client], object]

CREATING: list[Act] = [
    lambda client: client.send_message(3, "Hola"),
    lambda client: client.create_conversation(inbox_id=1, contact_id=2),
    lambda client: client.create_contact(name="Ana", phone_number="+34600000000"),
]
REPEATABLE: list[Act] = [
    lambda client: client.messages(3),
    lambda client: client.conversation(3),
    lambda client: client.conversations(status="pending"),
    lambda client: client.set_status(3, "open"),
    lambda client: client.set_typing(3, on=True),
    lambda client: client.assign(3, team_id=1),
    lambda client: client.labels(3),
    lambda client: client.set_labels(3, ["vip"]),
    lambda client: client.set_custom_attributes(3, {"order": 7}),
    lambda client: client.find_contact("+34600000000"),
    lambda client: client.contact(2),
    lambda client: client.contacts_with("bot-ignored"),
    lambda client: client.contact_conversations(2),
    lambda client: client.server_version(),
]
UNKNOWN = (OutcomeUnknown, TransientError)
TRANSIENT = (TransientError, TransientError)
PERMANENT = (PermanentError, PermanentError)

HTTPX_ERRORS = [error for error in vars(httpx).values() if isinstance(error, type) and issubclass(error, Exception)]
# What each means for a call that creates, and for one that may be repeated. The classes above them stand for whatever
# httpx may add below them: their outcome is unknown.
MEANING: dict[type[Exception], tuple[Kind, Kind]] = {
    httpx.ConnectError: TRANSIENT,
    httpx.ConnectTimeout: TRANSIENT,
    httpx.PoolTimeout: TRANSIENT,
    httpx.ProxyError: TRANSIENT,
    httpx.InvalidURL: PERMANENT,
    httpx.TooManyRedirects: PERMANENT,
    httpx.UnsupportedProtocol: PERMANENT,
    httpx.CloseError: UNKNOWN,
    httpx.CookieConflict: UNKNOWN,
    httpx.DecodingError: UNKNOWN,
    httpx.HTTPError: UNKNOWN,
    httpx.HTTPStatusError: UNKNOWN,
    httpx.LocalProtocolError: UNKNOWN,
    httpx.NetworkError: UNKNOWN,
    httpx.ProtocolError: UNKNOWN,
    httpx.ReadError: UNKNOWN,
    httpx.ReadTimeout: UNKNOWN,
    httpx.RemoteProtocolError: UNKNOWN,
    httpx.RequestError: UNKNOWN,
    httpx.RequestNotRead: UNKNOWN,
    httpx.ResponseNotRead: UNKNOWN,
    httpx.StreamClosed: UNKNOWN,
    httpx.StreamConsumed: UNKNOWN,
    httpx.StreamError: UNKNOWN,
    httpx.TimeoutException: UNKNOWN,
    httpx.TransportError: UNKNOWN,
    httpx.WriteError: UNKNOWN,
    httpx.WriteTimeout: UNKNOWN,
}

STATUSES_OF_THEIR_OWN: dict[int, tuple[Kind, Kind]] = {
    404: (NotFound, NotFound),
    408: UNKNOWN,
    422: UNKNOWN,
    425: TRANSIENT,
    429: TRANSIENT,
}


def meaning_of_status(status: int) -> tuple[Kind, Kind]:
    return STATUSES_OF_THEIR_OWN.get(status, PERMANENT if 300 <= status < 500 else UNKNOWN)


def the_error(act: Act, handler: Callable[[httpx.Request], httpx.Response]) -> ChatwootError:
    with Client("http://chatwoot.test", 1, "token", transport=httpx.MockTransport(handler)) as client:
        with pytest.raises(ChatwootError) as raised:
            act(client)
        return raised.value


def answered(act: Act, status: int, **response: Any) -> ChatwootError:
    return the_error(act, lambda request: httpx.Response(status, **response))


def an(error: type[Exception]) -> Exception:
    if error is httpx.HTTPStatusError:
        request = httpx.Request("GET", "http://chatwoot.test")
        return httpx.HTTPStatusError("+34600000000", request=request, response=httpx.Response(500))
    if error in (httpx.RequestNotRead, httpx.ResponseNotRead, httpx.StreamClosed, httpx.StreamConsumed):
        return error()
    return error("GET http://chatwoot.test/?q=+34600000000")


def test_every_error_of_httpx_has_a_meaning() -> None:
    assert set(MEANING) == set(HTTPX_ERRORS)


@pytest.mark.parametrize("error", HTTPX_ERRORS)
def test_an_error_of_httpx_becomes_ours(error: type[Exception]) -> None:
    def fails(request: httpx.Request) -> httpx.Response:
        raise an(error)

    for acts, kind in zip((CREATING, REPEATABLE), MEANING[error], strict=True):
        for act in acts:
            ours = the_error(act, fails)
            assert type(ours) is kind
            assert isinstance(ours.__cause__, error)
            assert ours.status is None
            assert "600000000" not in str(ours)


@pytest.mark.parametrize("status", [*range(100, 104), *range(300, 309), *range(400, 452), *range(500, 512), 599, 999])
def test_a_status_becomes_our_error(status: int) -> None:
    for acts, kind in zip((CREATING, REPEATABLE), meaning_of_status(status), strict=True):
        for act in acts:
            ours = answered(act, status)
            assert type(ours) is kind
            assert ours.status == status


@pytest.mark.parametrize("status", [200, 201, 204])
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"payload":{}}', b'{"id":"3"}', b"\xff", b"null"])
def test_a_good_answer_that_cannot_be_used_is_no_success(status: int, body: bytes) -> None:
    for act in CREATING:
        assert type(answered(act, status, content=body)) is OutcomeUnknown
    assert type(answered(lambda client: client.conversation(3), status, content=body)) is TransientError


def recorded_422s() -> Iterator[tuple[str, Any]]:
    for file in sorted(RECORDED.glob("[0-9]*.json")):
        for step in json.loads(file.read_text())["steps"]:
            if "call" in step and step["answer"].get("status") == 422:
                yield step["call"]["path"], step["answer"]["body"]


# What Chatwoot's 422s mean for a call that creates. Two of the messages below had been stored.
MEANING_OF_422 = {
    "Incoming messages are only allowed in Api inboxes": PermanentError,
    "Validation failed: Content attributes contains invalid keys for items : [:nope]": PermanentError,
    "Validation failed: Content is too long (maximum is 150000 characters)": PermanentError,
    "'nope' is not a valid content_type": PermanentError,
    "'nope' is not a valid message_type": PermanentError,
    "param is missing or the value is empty: contact phone number": PermanentError,
    "source_id should be unique": PermanentError,
    "string contains null byte": PermanentError,
    "Phone number has already been taken": PermanentError,
    "Phone number should be in e164 format": PermanentError,
    "Validation failed: Too many messages": TransientError,
    "PG::QueryCanceled: ERROR:  canceling statement due to statement timeout": OutcomeUnknown,
    "Waited 1 seconds (redis://127.0.0.1:6390)": OutcomeUnknown,
    "Email Invalid email": OutcomeUnknown,
}


def test_each_recorded_422_means_what_the_table_says() -> None:
    met = set()
    for path, body in recorded_422s():
        if not path.endswith(("/messages", "/contacts", "/conversations")):
            continue
        for act in CREATING:
            error = answered(act, 422, json=body)
            assert type(error) is MEANING_OF_422[error.text]
            met.add(error.text)
    assert met == set(MEANING_OF_422)


def test_too_many_messages_may_be_tried_again_after_a_minute() -> None:
    for act in CREATING + REPEATABLE:
        error = answered(act, 422, json={"error": "Validation failed: Too many messages"})
        assert (type(error), error.retry_after_s) == (TransientError, 60)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "17"}, 17),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": formatdate(0, usegmt=True)}, 0),
        ({"Retry-After": "99999999999999999999"}, 86_400),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "²"}, None),
        ({"Retry-After": "Mon, 99 Nov 2026 99:00:00 GMT"}, None),
    ],
)
def test_retry_after_is_read_in_seconds(given: dict[str, str], seconds: float | None) -> None:
    """As Chatwoot answers it: plain text, and by itself without the header."""
    headers = {name: value.encode("utf-8") for name, value in given.items()}
    error = answered(CREATING[0], 429, content=b"Retry later\n", headers={"Content-Type": b"text/plain"} | headers)
    assert (error.text, error.retry_after_s) == ("Retry later", seconds)


def test_retry_after_is_read_as_a_date() -> None:
    error = answered(CREATING[0], 503, headers={"Retry-After": formatdate(4_000_000_000, usegmt=True)})
    assert error.retry_after_s == 86_400


@pytest.mark.parametrize(
    ("response", "text"),
    [
        ({"json": {"error": "Invalid Access Token"}}, "Invalid Access Token"),
        ({"json": {"errors": ["You need to sign in", "or sign up"]}}, "You need to sign in"),
        ({"json": {"message": "Email Invalid", "attributes": ["email"]}}, "Email Invalid"),
        ({"json": {"status": 500, "error": "Internal Server Error"}}, "Internal Server Error"),
        ({"text": "x" * 500}, "x" * 200),
        ({"html": "<!DOCTYPE html><title>Not here</title>"}, ""),
        ({"json": ["error"]}, ""),
        ({"json": {"error": {"code": 7}}}, ""),
        ({"content": b""}, ""),
    ],
)
def test_the_text_is_chatwoots_own(response: dict[str, Any], text: str) -> None:
    error = answered(CREATING[0], 401, **response)
    assert error.text == text
    assert str(error) == "POST /conversations/3/messages answered 401" + (f": {text}" if text else "")


@pytest.mark.parametrize(
    "said",
    [
        'undefined method `x\' for #<Message id: 7, content: "Hola, soy Ana">',
        "PG::NotNullViolation: ERROR\nDETAIL:  Failing row contains (7, Hola, soy Ana)",
        "+34 623 22 65 44 is not a phone",
        "no contact 34623226544",
        "ana@example.com is taken",
        "the token zWc8PDDQ2xZ6mHkHbYqZbN1v is unknown",
    ],
)
def test_no_error_holds_what_must_not_be_logged(said: str) -> None:
    error = answered(CREATING[0], 422, json={"error": said})
    for secret in ("Hola", "623", "ana@", "zWc8"):
        assert secret not in f"{error}{error.text}{error!r}"


LONG = {
    "a word": "a" * 2_000_000,
    "a number": "1" * 2_000_000,
    "words": "abcdefghi " * 200_000,
    "digits": "+1 2" * 500_000,
    "blanks": "+1" + " " * 2_000_000 + "x",
    "records": "# <" * 700_000,
    "at": "a@" * 1_000_000,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", LONG)
def test_a_long_text_is_read_once(kind: str) -> None:
    """Whoever reads it from each of its letters on needs hours for one of these."""
    assert len(shown(LONG[kind])) <= 200


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("+34 623 226 544,ana@example.com is blocked", "… is blocked"),
        ("+34 623 544,ana@example.com is blocked", "… is blocked"),
        ("ana@example.com,+34 623 226 544", "…"),
        ("ana+34600000000@example.com and ana@34600000000", "… and …"),
        ("to <ana@example.com>: #<Contact name: Ana>", "to … …"),
        ("x#<Contact name: Ana>", "x…"),
        ("@home and ana@", "@home and ana@"),
    ],
)
def test_what_stands_side_by_side_hides_nothing(said: str, seen: str) -> None:
    assert shown(said) == seen


def test_a_redirect_is_not_followed_and_its_host_is_named() -> None:
    """The usual mistake: http where the server wants https."""
    error = answered(CREATING[0], 301, headers={"Location": "https://chat.example.com/api/v1?q=+34600000000"})
    assert type(error) is PermanentError
    assert str(error).endswith("answered 301 (redirects to https://chat.example.com)")


@pytest.mark.parametrize(
    ("status", "body", "is_gone"),
    [
        (404, {"error": "Resource could not be found"}, True),
        (404, {}, False),
        (422, {"error": "undefined method `source_id' for nil"}, True),
        (422, {"error": "undefined method 'source_id' for nil"}, True),
        (422, {"error": "undefined method `name' for nil"}, False),
        (500, {"status": 500, "error": "Internal Server Error"}, False),
    ],
)
def test_a_conversation_that_is_gone_is_told_apart(status: int, body: Any, is_gone: bool) -> None:
    """Not by a 404 alone: a proxy in front of a Chatwoot that is down answers one too."""
    assert answered(CREATING[0], status, json=body).conversation_gone is is_gone
    assert answered(REPEATABLE[1], status, json=body).conversation_gone is is_gone


def test_a_contact_that_is_gone_is_no_conversation_that_is_gone() -> None:
    error = answered(lambda client: client.contact(2), 404, json={"error": "Resource could not be found"})
    assert type(error) is NotFound
    assert not error.conversation_gone


def test_a_phone_number_taken_meanwhile_is_told_apart() -> None:
    taken = answered(CREATING[2], 422, json={"message": "Phone number has already been taken", "attributes": []})
    bad = answered(CREATING[2], 422, json={"message": "Phone number should be in e164 format", "attributes": []})
    assert isinstance(taken, PermanentError)
    assert isinstance(bad, PermanentError)
    assert (taken.already_taken, bad.already_taken) == (True, False)


def test_an_error_survives_pickling() -> None:
    """As a queue does with the errors of its tasks."""
    error = answered(CREATING[0], 429, text="Retry later\n", headers={"Retry-After": "17"})
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is TransientError
    assert (str(again), again.status, again.text, again.retry_after_s) == (str(error), 429, "Retry later", 17)


@pytest.mark.parametrize("number", ["1" * 5000, "-" + "9" * 5000, "1e999", "NaN"])
def test_a_number_that_python_cannot_read_spoils_no_answer(number: str) -> None:
    body = '{"payload": [{"id": 1, "custom_attributes": {"long": NUMBER}}, {"id": 2}]}'.replace("NUMBER", number)
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=body.encode()))
    with Client("http://chatwoot.test", 1, "token", transport=transport) as client:
        found = client.contact_conversations(7)
    assert [conversation.id for conversation in found] == [1, 2]


def test_an_answer_that_is_nested_too_deeply_is_one_of_ours() -> None:
    error = answered(lambda client: client.conversation(1), 200, content=b"[" * 100_000)
    assert "not JSON" in str(error)
