"""Webhooks as values: what real ones say, and that no JSON whatever makes reading it fail."""

import copy
import json
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatwoot import events, marker
from chatwoot.attachments import Attachment
from chatwoot.events import Change, ConversationEvent, MessageCreated, MessageEvent, MessageUpdated
from chatwoot.people import Assignee, Sender
from tasks.ownership.decision import Decision, decide
from tasks.ownership.policy import Policy

Json = Any

PAYLOADS = Path(__file__).parents[2] / "payloads"
WEBHOOKS = {
    str(file.relative_to(PAYLOADS)).removesuffix(".json"): json.loads(file.read_text())
    for file in sorted(PAYLOADS.rglob("*.json"))
    if not file.name.startswith("rest-")
}
POLICY = Policy(account_id=1, answer_inbox_ids=None, answer_statuses=frozenset({"pending"}))


def message(name: str, **changed: Json) -> MessageEvent:
    event = events.parse(WEBHOOKS[name] | changed)
    assert isinstance(event, MessageEvent)
    return event


def test_a_customers_message() -> None:
    event = message("message_created-incoming-whatsapp")
    assert isinstance(event, MessageCreated)
    assert event.is_from_customer
    assert event.customers_words == event.content == "Hola *por* WhatsApp\ncon dos líneas"
    assert (event.account_id, event.conversation_id, event.inbox_id, event.message_id) == (1, 4, 4, 9)
    assert (event.message_type, event.content_type, event.is_private) == ("incoming", "text", False)
    assert event.source_id == "wamid.0913e49166e249858ba084f7e9728320"
    assert event.sender == Sender(kind="contact", id=4, name="Ana", phone_number="+34623226544")
    assert event.created_at == 1795388506.293
    assert (event.conversation_status, event.conversation_updated_at) == ("pending", 1795388506.3338046)
    assert (event.labels, event.assignee, event.waiting_since) == ((), None, 1795388506)
    assert (event.contact_id, event.contact_phone_number, event.contact_source_id) == (
        4,
        "+34623226544",
        "34623226544",
    )
    assert event.channel == "Channel::Whatsapp"


def test_what_was_sent_is_taken_from_the_top_and_not_from_the_nested_messages() -> None:
    """A private note's webhook shows the previous public message inside."""
    event = message("message_created-private_note-nested_shows_previous_public_message")
    assert event.is_note
    assert not event.is_from_person
    nested = WEBHOOKS["message_created-private_note-nested_shows_previous_public_message"]["conversation"]["messages"]
    assert event.content != nested[0]["content"]


@pytest.mark.parametrize(
    ("name", "attachment"),
    [
        (
            "message_created-incoming-whatsapp-voice-content_null",
            Attachment(kind="audio", name="media2.ogg", extension="ogg", content_type="audio/ogg", size_bytes=66),
        ),
        (
            "message_created-incoming-whatsapp-document-content_null",
            Attachment(kind="file", name="menú.pdf", extension="pdf", content_type="application/pdf", size_bytes=15),
        ),
        (
            "message_created-incoming-whatsapp-location-content_null",
            Attachment(kind="location", latitude=40.4168, longitude=-3.7038, title="Sol, Madrid"),
        ),
        ("message_created-incoming-whatsapp-contact-card", Attachment(kind="contact", title="+34 600 00 00 00")),
    ],
)
def test_what_came_with_a_message(name: str, attachment: Attachment) -> None:
    [found] = message(name).attachments
    url = WEBHOOKS[name]["attachments"][0].get("data_url")
    assert found.data_url == url
    assert found == Attachment(**{**vars(attachment), "data_url": url})


def test_two_files_come_as_two_attachments() -> None:
    assert [found.kind for found in message("message_created-incoming-two-files").attachments] == ["image", "file"]


def test_a_quote_names_the_quoted_message() -> None:
    assert message("message_created-incoming-whatsapp-quotes-another").in_reply_to is not None
    assert message("message_created-incoming-whatsapp").in_reply_to is None


def test_an_unsupported_message_is_told_apart() -> None:
    assert message("message_created-incoming-whatsapp-unsupported").is_unsupported
    assert not message("message_created-incoming-whatsapp").is_unsupported


def test_a_quick_reply_is_a_customers_message() -> None:
    """The only sign of it: our own message was updated."""
    event = message("message_updated-outgoing-input_select-answered")
    assert isinstance(event, MessageUpdated)
    assert event.is_from_customer
    assert event.customers_words == "Mañana"


@pytest.mark.parametrize(
    ("name", "claims"),
    [
        ("message_created-incoming-contact", {"is_incoming"}),
        ("message_created-outgoing-agent_bot", {"is_outgoing", "is_ours"}),
        ("message_created-outgoing-user", {"is_outgoing", "is_from_person"}),
        (
            "message_created-outgoing-phone_app_echo-sender_null",
            {"is_outgoing", "is_from_person", "is_delivered"},
        ),
        ("message_created-template-greeting-sender_null", {"is_template"}),
        ("message_updated-outgoing-delivered", {"is_outgoing", "is_delivered", "is_ours"}),
        ("message_updated-outgoing-failed-external_error", {"is_outgoing", "is_failed", "is_ours"}),
        ("message_updated-incoming-deleted", {"is_incoming", "is_deleted"}),
    ],
)
def test_what_is_claimed_of_a_message(name: str, claims: set[str]) -> None:
    event = message(name)
    all_claims = {
        "is_incoming": event.is_incoming,
        "is_outgoing": event.is_outgoing,
        "is_ours": event.is_ours(),
        "is_note": event.is_note,
        "is_template": event.is_template,
        "is_from_person": event.is_from_person,
        "is_delivered": event.is_delivered,
        "is_failed": event.is_failed,
        "is_deleted": event.is_deleted,
        "is_unsupported": event.is_unsupported,
    }
    assert {claim for claim, is_so in all_claims.items() if is_so} == claims


def test_what_a_customer_wrote_is_never_ours() -> None:
    """Whoever may post into an API inbox as the customer may post our key too."""
    event = message("message_created-incoming-contact", content_attributes={"contesta_key": "turn-1/0"})
    assert event.our_key == "turn-1/0"
    assert not event.is_ours()


@pytest.mark.parametrize("id_", [None, 0, -1, 2**63, 10**400, 1.0, "9", True, [9]])
def test_without_a_usable_id_there_is_no_event(id_: Json) -> None:
    assert events.parse(WEBHOOKS["message_created-incoming-contact"] | {"id": id_}) is None


@pytest.mark.parametrize("time", [None, 0, 10**400, float("nan"), float("inf"), True, "soon", [1]])
def test_a_time_that_is_none_is_absent(time: Json) -> None:
    event = events.parse(WEBHOOKS["conversation_updated-labels"] | {"updated_at": time, "waiting_since": time})
    assert event is not None
    assert (event.conversation_updated_at, event.waiting_since) == (None, None)


def test_a_failed_message_says_why() -> None:
    assert message("message_updated-outgoing-failed-external_error").external_error


def test_a_status_is_only_read_from_the_same_message() -> None:
    payload = copy.deepcopy(WEBHOOKS["message_updated-outgoing-delivered"])
    assert message("message_updated-outgoing-delivered").status == "delivered"
    payload["conversation"]["messages"][0]["id"] += 1
    event = events.parse(payload)
    assert isinstance(event, MessageUpdated)
    assert event.status is None


def test_what_an_older_server_lets_through_of_our_key_is_known_again() -> None:
    attributes = {"external_created_at": marker.as_number("turn-1/0", 1795388484)}
    event = message("4.8.0/message_created-outgoing-agent_bot", content_attributes=attributes)
    assert event.is_ours()
    assert event.our_key is None
    assert marker.carries(event.content_attributes, "turn-1/0")


def test_a_changed_conversation() -> None:
    event = events.parse(WEBHOOKS["conversation_updated-assigned_to_bot"])
    assert isinstance(event, events.ConversationUpdated)
    assert event.changes["assignee_agent_bot_id"] == Change(None, 1)
    assert event.assignee == Assignee("agent_bot", 1)
    assert not event.is_assigned_to_person
    assert (event.account_id, event.conversation_id, event.conversation_status) == (1, 17, "pending")


def test_a_conversation_assigned_to_a_person() -> None:
    event = events.parse(WEBHOOKS["conversation_updated-assigned_to_user"])
    assert isinstance(event, ConversationEvent)
    assert event.assignee == Assignee("user", 2)
    assert event.is_assigned_to_person


def test_an_assignee_of_unknown_kind_counts_as_a_person() -> None:
    payload = copy.deepcopy(WEBHOOKS["message_created-incoming-contact"])
    payload["conversation"]["meta"]["assignee"] = {"id": 7}
    event = events.parse(payload)
    assert event is not None
    assert event.is_assigned_to_person


def test_before_4_14_the_account_may_stand_only_in_the_messages() -> None:
    payload = WEBHOOKS["4.8.0/agentbot-conversation_opened"]
    assert "account" not in payload
    event = events.parse(payload)
    assert event is not None
    assert event.account_id == 1
    without = events.parse(payload | {"messages": []})
    assert without is not None
    assert without.account_id is None


OF_NO_INTEREST = {
    "automation_event-unsigned",
    "contact_created",
    "contact_updated",
    "conversation_typing_on-agent_bot",
    "conversation_typing_on-contact",
    "conversation_typing_on-user",
    "macro_executed-unsigned",
    "webwidget_triggered",
}


def test_every_sample_is_understood_but_those_that_say_nothing_to_us() -> None:
    assert {name for name, payload in WEBHOOKS.items() if events.parse(payload) is None} == OF_NO_INTEREST


def test_half_a_surrogate_pair_is_read_as_a_question_mark() -> None:
    """It is good JSON, and no text that could be stored anywhere."""
    event = message("message_created-incoming-whatsapp", content="\ud83d!", source_id="\udcff")
    assert (event.content, event.source_id) == ("?!", "?")


@pytest.mark.parametrize("name", sorted(WEBHOOKS))
def test_an_event_shows_nothing_personal(name: str) -> None:
    """So that it may be logged by mistake."""
    payload = WEBHOOKS[name]
    shown = repr(events.parse(payload))
    assert "pubsub" not in shown
    for secret in filter(None, _personal(payload)):
        assert secret not in shown


def _personal(value: Json) -> list[str]:
    if isinstance(value, list):
        return [found for item in value for found in _personal(item)]
    if not isinstance(value, dict):
        return []
    own = [value.get(key) for key in ("phone_number", "email", "pubsub_token", "data_url", "fallback_title")]
    texts = [value.get("content")] if len(str(value.get("content"))) > 8 else []
    return [str(found) for found in own + texts if found] + _personal(list(value.values()))


def test_an_event_cannot_be_changed_and_can_be_kept_in_a_set() -> None:
    event = message("message_created-incoming-whatsapp-voice-content_null")
    with pytest.raises(FrozenInstanceError):
        event.message_id = 1  # type: ignore[misc]
    assert event in {event}


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["open", "User", "\ud83d", 0, 2**70, 10**400]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _places(value: Json, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Where something can be dropped or replaced."""
    inner: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in inner for found in [(*path, key), *_places(item, (*path, key))]]


PLACES = {name: [place for place in _places(payload) if place != ("event",)] for name, payload in WEBHOOKS.items()}
NAMES = sorted(WEBHOOKS)


@st.composite
def variations(draw: st.DrawFn) -> dict[str, Json]:
    """A real webhook, in which some keys are gone or hold something else."""
    name = draw(st.sampled_from(NAMES))
    payload: dict[str, Json] = copy.deepcopy(WEBHOOKS[name])
    for place in draw(st.lists(st.sampled_from(PLACES[name]), min_size=1, max_size=6)):
        _vary(payload, place, draw(st.none() | json_values.map(lambda value: (value,))))
    return payload


def _vary(payload: Json, place: tuple[str | int, ...], replacement: tuple[Json] | None) -> None:
    *way, last = place
    try:
        for key in way:
            payload = payload[key]
        if replacement is None:
            del payload[last]
        else:
            payload[last] = replacement[0]
    except (KeyError, IndexError, TypeError):
        # An earlier variation took the place away.
        return


@settings(max_examples=2_000, deadline=None, database=None)
@given(variations())
def test_no_variation_of_a_webhook_makes_reading_or_deciding_fail(payload: dict[str, Json]) -> None:
    event = events.parse(payload)
    decision = decide(event, POLICY)
    assert isinstance(decision, Decision)
    if event is not None:
        _read_all_of(event)


@given(st.dictionaries(st.sampled_from(["id", "account", "conversation", "meta"]), json_values))
def test_an_object_that_is_hardly_a_webhook_is_no_event_without_its_ids(payload: dict[str, Json]) -> None:
    event = events.parse(payload | {"event": "message_created"})
    assert event is None or {"id", "account", "conversation"} <= payload.keys()


def _read_all_of(event: ConversationEvent) -> None:
    """Every property, the repr and the hash."""
    for kind in type(event).__mro__:
        for name, found in vars(kind).items():
            if isinstance(found, property):
                getattr(event, name)
    assert repr(event)
    assert isinstance(hash(event), int)
    if isinstance(event, MessageEvent):
        event.is_ours()
        marker.carries(event.content_attributes, "key")
