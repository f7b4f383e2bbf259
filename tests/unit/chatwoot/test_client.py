"""What each method asks, and what it makes of what a real Chatwoot answered."""

import json
from collections.abc import Callable
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from chatwoot.attachments import Upload
from chatwoot.client import Client
from chatwoot.contacts import Contact, ContactInbox
from chatwoot.errors import TransientError
from chatwoot.people import Assignee, Sender

Act = Callable[[Client], Any]

PAYLOADS = Path(__file__).parents[2] / "payloads"
ACCOUNT = "/api/v1/accounts/1"


def answered(name: str) -> Any:
    return json.loads((PAYLOADS / f"rest-{name}.json").read_text())


class Recorder:
    """Answers every request with the same body, and remembers the requests."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(200, json=self.answer)

    @property
    def asked(self) -> tuple[str, str, Any]:
        [request] = self.requests
        body = json.loads(request.content) if request.content else None
        return request.method, request.url.raw_path.decode(), body


def ask(act: Act, answer: Any, base_url: str = "http://chatwoot.test") -> tuple[Any, Recorder]:
    recorder = Recorder(answer)
    with Client(base_url, 1, "a-token", transport=httpx.MockTransport(recorder)) as client:
        return act(client), recorder


# What is asked, for each method.
ASKED: list[tuple[Act, str, tuple[str, str, Any]]] = [
    (
        lambda client: client.send_message(3, "Hola"),
        "POST_messages-200",
        ("POST", "/conversations/3/messages", {"content": "Hola", "private": False}),
    ),
    (
        lambda client: client.send_message(
            3,
            "Elija:",
            private=True,
            content_type="input_select",
            content_attributes={"contesta_key": "k"},
            external_created_at=1.5,
            template_params={"name": "order"},
        ),
        "POST_messages-200",
        (
            "POST",
            "/conversations/3/messages",
            {
                "content": "Elija:",
                "private": True,
                "content_type": "input_select",
                "content_attributes": {"contesta_key": "k"},
                "external_created_at": 1.5,
                "template_params": {"name": "order"},
            },
        ),
    ),
    (lambda client: client.messages(3), "GET_messages-200", ("GET", "/conversations/3/messages", None)),
    (
        lambda client: client.messages(3, after=9),
        "GET_messages-200",
        ("GET", "/conversations/3/messages?after=9", None),
    ),
    (
        lambda client: client.messages(3, before=9),
        "GET_messages-200",
        ("GET", "/conversations/3/messages?before=9", None),
    ),
    (
        lambda client: client.conversation(3),
        "GET_or_POST_conversation-200",
        ("GET", "/conversations/3", None),
    ),
    (
        lambda client: client.conversations(status="pending"),
        "GET_conversations-200",
        ("GET", "/conversations?status=pending&page=1", None),
    ),
    (
        lambda client: client.conversations(
            status="all", inbox_id=4, source_id="34623226544", sort_by="waiting_since_asc", page=2
        ),
        "GET_conversations-200",
        (
            "GET",
            "/conversations?status=all&inbox_id=4&source_id=34623226544&sort_by=waiting_since_asc&page=2",
            None,
        ),
    ),
    (
        lambda client: client.create_conversation(inbox_id=1, contact_id=2),
        "GET_or_POST_conversation-200",
        ("POST", "/conversations", {"inbox_id": 1, "contact_id": 2}),
    ),
    (
        lambda client: client.create_conversation(inbox_id=1, contact_id=2, source_id="a"),
        "GET_or_POST_conversation-200",
        ("POST", "/conversations", {"inbox_id": 1, "contact_id": 2, "source_id": "a"}),
    ),
    (
        lambda client: client.create_conversation(inbox_id=1, contact_id=2, source_id=""),
        "GET_or_POST_conversation-200",
        ("POST", "/conversations", {"inbox_id": 1, "contact_id": 2}),
    ),
    (
        lambda client: client.set_status(3, "open"),
        "toggle_status-200-bot_pending_to_open-success_null",
        ("POST", "/conversations/3/toggle_status", {"status": "open"}),
    ),
    (
        lambda client: client.assign(3, assignee_id=2),
        "POST_assignments-200-user",
        ("POST", "/conversations/3/assignments", {"assignee_id": 2}),
    ),
    (
        lambda client: client.assign(3, team_id=1),
        "POST_assignments-200-team",
        ("POST", "/conversations/3/assignments", {"team_id": 1}),
    ),
    (
        lambda client: client.assign(3, agent_bot_id=1),
        "POST_assignments-200-bot",
        ("POST", "/conversations/3/assignments", {"assignee_id": 1, "assignee_type": "AgentBot"}),
    ),
    (
        lambda client: client.agent_names(),
        "GET_agents-200",
        ("GET", "/agents", None),
    ),
    (
        lambda client: client.labels(3),
        "POST_labels-200",
        ("GET", "/conversations/3/labels", None),
    ),
    (
        lambda client: client.set_labels(3, ("vip",)),
        "POST_labels-200",
        ("POST", "/conversations/3/labels", {"labels": ["vip"]}),
    ),
    (
        lambda client: client.set_custom_attributes(3, {"order": 7}),
        "POST_custom_attributes-200",
        ("POST", "/conversations/3/custom_attributes", {"custom_attributes": {"order": 7}}),
    ),
    (
        lambda client: client.find_contact("+34699388478"),
        "contacts_filter-200",
        (
            "POST",
            "/contacts/filter",
            {
                "payload": [
                    {
                        "attribute_key": "phone_number",
                        "filter_operator": "equal_to",
                        "values": ["+34699388478"],
                        "query_operator": None,
                    }
                ]
            },
        ),
    ),
    (lambda client: client.contact(5), "GET_contact-200", ("GET", "/contacts/5", None)),
    (
        lambda client: client.contacts_with("bot-ignored", page=2),
        "contacts_search-200",
        (
            "GET",
            "/contacts?labels%5B%5D=bot-ignored&sort=created_at&page=2&include_contact_inboxes=false",
            None,
        ),
    ),
    (
        lambda client: client.create_contact(name="Ana", phone_number="+34204867020", inbox_id=1),
        "POST_contacts-200-with_inbox",
        ("POST", "/contacts", {"name": "Ana", "phone_number": "+34204867020", "inbox_id": 1}),
    ),
    (
        lambda client: client.create_contact(name="Ana", phone_number="+34204867020"),
        "POST_contacts-200-without_inbox",
        ("POST", "/contacts", {"name": "Ana", "phone_number": "+34204867020"}),
    ),
    (
        lambda client: client.contact_conversations(5),
        "GET_contact_conversations-200",
        ("GET", "/contacts/5/conversations", None),
    ),
]


@pytest.mark.parametrize(("act", "answer", "asked"), ASKED)
def test_what_a_method_asks(act: Act, answer: str, asked: tuple[str, str, Any]) -> None:
    """One request each, with the token in the header that proxies let through."""
    method, path, body = asked
    _, recorder = ask(act, answered(answer))
    assert recorder.asked == (method, ACCOUNT + path, body)
    assert recorder.requests[0].headers["Api-Access-Token"] == "a-token"
    assert "api_access_token" not in recorder.requests[0].headers


@pytest.mark.parametrize(
    "base_url", ["http://chatwoot.test/desk", "http://chatwoot.test/desk/", "http://chatwoot.test/desk//"]
)
def test_a_trailing_slash_is_harmless(base_url: str) -> None:
    _, recorder = ask(lambda client: client.labels(3), answered("POST_labels-200"), base_url)
    assert recorder.requests[0].url == "http://chatwoot.test/desk/api/v1/accounts/1/conversations/3/labels"


def test_a_stored_message() -> None:
    message, _ = ask(lambda client: client.send_message(1, "Sí: a las 10."), answered("POST_messages-200"))
    assert (message.id, message.conversation_id, message.content) == (2, 1, "Sí: a las 10.")
    assert (message.message_type, message.is_private, message.is_public) == ("outgoing", False, True)
    assert (message.status, message.created_at) == ("sent", 1795388484)
    assert message.sender == Sender(kind="agent_bot", id=1, name="Contesta")
    assert message.content_attributes == {"contesta_key": "turn-1/0"}


def test_listed_messages_are_of_all_kinds() -> None:
    messages, _ = ask(lambda client: client.messages(17), answered("GET_messages-200"))
    assert [message.id for message in messages] == sorted(message.id for message in messages)
    assert {message.message_type for message in messages} == {"incoming", "outgoing", "activity"}
    public = [message for message in messages if message.is_public]
    assert 0 < len(public) < len(messages)
    assert not any(message.is_private or message.message_type == "activity" for message in public)


def test_a_conversation_assigned_to_a_bot() -> None:
    conversation, _ = ask(lambda client: client.conversation(17), answered("GET_conversation-200-assigned_to_bot"))
    assert (conversation.id, conversation.status, conversation.inbox_id) == (17, "pending", 1)
    assert (conversation.contact_id, conversation.channel, conversation.can_reply) == (12, "Channel::Api", True)
    assert conversation.assignee == Assignee("agent_bot", 1)
    assert (conversation.team_id, conversation.labels) == (1, ())
    assert (conversation.waiting_since, conversation.updated_at) == (1795388638, 1795388647.227839)
    assert conversation.last_message.message_type == "activity"
    assert conversation.last_non_activity_message.sender.kind == "contact"


def test_a_new_conversation_has_no_message_and_waits_all_the_same() -> None:
    conversation, _ = ask(
        lambda client: client.create_conversation(inbox_id=1, contact_id=1), answered("GET_or_POST_conversation-200")
    )
    assert (conversation.last_message, conversation.last_non_activity_message) == (None, None)
    assert conversation.waiting_since == 1795388481
    assert conversation.assignee is None


def test_a_conversation_of_an_older_server() -> None:
    conversation, _ = ask(lambda client: client.conversation(1), answered_by_4_8("GET_conversation-200"))
    assert conversation.id
    messages, _ = ask(lambda client: client.messages(1), answered_by_4_8("GET_messages-200"))
    assert messages


def answered_by_4_8(name: str) -> Any:
    return json.loads((PAYLOADS / "4.8.0" / f"rest-{name}.json").read_text())


def test_the_status_is_the_one_it_has_now() -> None:
    """Where a bot hands over, Chatwoot's `success` is null although it worked."""
    answer = answered("toggle_status-200-bot_pending_to_open-success_null")
    assert answer["payload"]["success"] is None
    status, _ = ask(lambda client: client.set_status(17, "open"), answer)
    assert status == "open"


@pytest.mark.parametrize(("on", "word"), [(True, "on"), (False, "off")])
def test_typing_is_answered_without_a_body(on: bool, word: str) -> None:
    asked: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content))
        return httpx.Response(200)

    with Client("http://chatwoot.test", 1, "token", transport=httpx.MockTransport(answer)) as client:
        client.set_typing(3, on=on)
    assert asked == [{"typing_status": word}]


def test_assigning_to_nobody_is_answered_with_null() -> None:
    _, recorder = ask(lambda client: client.assign(3, assignee_id=0), None)
    assert recorder.asked[2] == {"assignee_id": 0}


@pytest.mark.parametrize("to", [{}, {"assignee_id": 1, "team_id": 1}, {"assignee_id": 1, "agent_bot_id": 1}])
def test_assigning_to_none_or_several_is_a_mistake(to: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="one of"):
        ask(lambda client: client.assign(3, **to), None)


def test_people_are_named_in_full_and_as_customers_see_them() -> None:
    people = [{"name": "Marta Ruiz", "available_name": "Marta"}, {"name": "Pablo", "available_name": " "}, {}]
    assert ask(lambda client: client.agent_names(), people)[0] == ["Marta Ruiz", "Marta", "Pablo"]


def test_labels_are_those_it_has_now() -> None:
    labels, _ = ask(lambda client: client.labels(3), answered("POST_labels-200"))
    assert labels == ["bot-paused", "vip"]


def test_a_contact_is_found_with_its_inboxes() -> None:
    contact, _ = ask(lambda client: client.find_contact("+34699388478"), answered("contacts_filter-200"))
    assert (contact.id, contact.name, contact.phone_number, contact.is_blocked) == (5, "Nueva", "+34699388478", False)
    assert contact.contact_inboxes[0] == ContactInbox(inbox_id=4, source_id="34699388478")
    assert contact.source_id_in(4) == "34699388478"
    assert contact.source_id_in(1) == "fefa1717-e4ea-4a5e-a889-b5d1f6dfaa0a"
    assert contact.source_id_in(99) is None


def contacts(*phone_numbers: str | None) -> dict[str, Any]:
    """Chatwoot's answer with such contacts, the newest first."""
    ids = range(len(phone_numbers), 0, -1)
    return {"payload": [{"id": id_, "phone_number": number} for id_, number in zip(ids, phone_numbers, strict=True)]}


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (contacts(), None),
        (contacts("+346993884780", "34699388478", None), None),
        (contacts("+346993884780", "+34699388478"), 1),
        (contacts("+34699388478", "+34699388478"), 1),
    ],
)
def test_a_contact_is_found_by_its_whole_number_only(answer: dict[str, Any], found: int | None) -> None:
    """And always the same of two that a race has made."""
    contact, _ = ask(lambda client: client.find_contact("+34699388478"), answer)
    assert (contact.id if contact else None) == found


def test_a_new_contact() -> None:
    contact, _ = ask(
        lambda client: client.create_contact(name="Ana", phone_number="+34204867020", inbox_id=1),
        answered("POST_contacts-200-with_inbox"),
    )
    assert contact.id == 1
    assert contact.source_id_in(1) == "17faf94b-a4f5-42e6-ab10-4cec56c7d86a"


def test_a_contacts_conversations() -> None:
    conversations, _ = ask(lambda client: client.contact_conversations(5), answered("GET_contact_conversations-200"))
    assert all(conversation.contact_id == 5 for conversation in conversations)
    assert len({conversation.inbox_id for conversation in conversations}) == 2


def test_the_servers_version_is_asked_outside_the_account() -> None:
    version, recorder = ask(lambda client: client.server_version(), {"version": "4.15.1", "timestamp": "…"})
    assert version == "4.15.1"
    assert recorder.asked == ("GET", "/api", None)


def test_half_a_surrogate_pair_or_a_nul_does_not_stop_a_message() -> None:
    """Models do write them; the one is no UTF-8, the other Chatwoot refuses."""
    _, recorder = ask(lambda client: client.send_message(3, "a\ud83db\0c"), answered("POST_messages-200"))
    assert recorder.asked[2]["content"] == "a?bc"


def test_files_travel_in_a_form_with_our_key() -> None:
    """As a real Chatwoot took it: tests/recorded/08-deleted-updated.json."""
    file = Upload("menú.pdf", b"%PDF-1.4", "application/pdf")
    message, recorder = ask(
        lambda client: client.send_message(3, "aquí \ud83d", content_attributes={"contesta_key": "k"}, files=[file]),
        answered("POST_messages-200-attachment"),
    )
    assert [found.kind for found in message.attachments] == ["file"]
    [request] = recorder.requests
    form = BytesParser(policy=policy.HTTP).parsebytes(
        b"Content-Type: " + request.headers["Content-Type"].encode() + b"\r\n\r\n" + request.content
    )
    parts = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
    assert parts["content"].get_payload(decode=True) == "aquí ?".encode()
    assert parts["private"].get_payload(decode=True) == b"false"
    assert json.loads(parts["content_attributes"].get_payload(decode=True)) == {"contesta_key": "k"}
    assert parts["attachments[]"].get_payload(decode=True) == b"%PDF-1.4"
    assert parts["attachments[]"].get_content_type() == "application/pdf"


@pytest.mark.parametrize(
    ("act", "name", "secrets"),
    [
        (lambda client: client.find_contact("+34699388478"), "contacts_filter-200", ["34699388478", "Nueva"]),
        (lambda client: client.messages(17), "GET_messages-200", ["Hola, soy Marta.", "34613885063"]),
        (lambda client: client.conversation(1), "GET_or_POST_conversation-200", ["34204867020", "Ana"]),
    ],
)
def test_what_is_personal_is_not_shown(act: Act, name: str, secrets: list[str]) -> None:
    answer = answered(name)
    assert all(secret in json.dumps(answer) for secret in secrets)
    shown, _ = ask(act, answer)
    assert not any(secret in repr(shown) for secret in secrets)


def test_an_item_that_is_no_message_spoils_the_list() -> None:
    """Rather than a list in which one is missing: we look there for what we have sent."""
    with pytest.raises(TransientError):
        ask(lambda client: client.messages(3), {"payload": [{"id": 1}, {"content": "no id"}]})


def test_values_can_be_kept_in_a_set() -> None:
    contact, _ = ask(lambda client: client.contact(5), answered("GET_contact-200"))
    conversation, _ = ask(lambda client: client.conversation(17), answered("GET_conversation-200-assigned_to_bot"))
    assert isinstance(contact, Contact)
    assert len({contact, conversation, *[conversation]}) == 2
