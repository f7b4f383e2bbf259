"""The customer's side: contacts and conversations are made, reused or reopened as the channel would."""

import base64
import time

import httpx
import pytest

from sandbox import Sandbox
from tests.sandbox.desk import CONVERSATION, Desk

LUCIA = "+34623226544"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def whatsapp(desk: Desk) -> int:
    return desk.sandbox.add_inbox(name="WhatsApp", channel="whatsapp", agent_bot_id=desk.bot_id).id


def contacts(desk: Desk, phone_number: str) -> list[dict[str, object]]:
    wanted = {"attribute_key": "phone_number", "filter_operator": "equal_to", "values": [phone_number]}
    found: list[dict[str, object]] = desk.call("POST", "contacts/filter", {"payload": [wanted]}, token="admin").json()[
        "payload"
    ]
    return found


def test_a_stranger_becomes_a_contact_with_a_conversation(desk: Desk, whatsapp: int) -> None:
    message = desk.sandbox.customer_writes("hola", phone_number="+34699999999", inbox_id=whatsapp, name="Eva")
    (contact,) = contacts(desk, "+34699999999")
    assert contact["name"] == "Eva"
    assert desk.sandbox.conversation(message.conversation_id)["status"] == "pending"
    assert [each.body["event"] for each in desk.told("bot")] == ["message_created"]
    events = {each.body["event"] for each in desk.told("account")}
    assert events >= {"contact_created", "conversation_created", "message_created"}


def test_a_known_customer_goes_on_in_the_same_conversation(desk: Desk, whatsapp: int) -> None:
    first = desk.sandbox.customer_writes("uno", phone_number=LUCIA, inbox_id=whatsapp)
    second = desk.sandbox.customer_writes("dos", phone_number=LUCIA, inbox_id=whatsapp)
    assert second.conversation_id == first.conversation_id
    assert len(contacts(desk, LUCIA)) == 1


@pytest.mark.parametrize(("single", "same"), [(True, True), (False, False)])
def test_after_resolved_a_new_conversation_unless_the_inbox_keeps_one(desk: Desk, single: bool, same: bool) -> None:
    inbox = desk.sandbox.add_inbox(channel="whatsapp", agent_bot_id=desk.bot_id, lock_to_single_conversation=single)
    first = desk.sandbox.customer_writes("uno", phone_number=LUCIA, inbox_id=inbox.id).conversation_id
    desk.call("POST", f"conversations/{first}/toggle_status", {"status": "resolved"})
    second = desk.sandbox.customer_writes("dos", phone_number=LUCIA, inbox_id=inbox.id).conversation_id
    assert (second == first) is same
    assert desk.sandbox.conversation(second)["status"] == "pending"


def test_writing_wakes_a_snoozed_conversation_for_the_people(desk: Desk) -> None:
    desk.call("POST", f"conversations/{CONVERSATION}/toggle_status", {"status": "snoozed"})
    desk.customer_writes()
    assert desk.status == "open"


def test_whatsapp_delivering_twice_makes_one_message(desk: Desk, whatsapp: int) -> None:
    first = desk.sandbox.customer_writes("uno", phone_number=LUCIA, inbox_id=whatsapp, source_id="wamid.1")
    again = desk.sandbox.customer_writes("uno", phone_number=LUCIA, inbox_id=whatsapp, source_id="wamid.1")
    assert again.id == first.id


def test_twilio_delivering_twice_makes_two_messages_of_one_source_id(desk: Desk) -> None:
    inbox = desk.sandbox.add_inbox(name="SMS", channel="twilio", agent_bot_id=desk.bot_id)
    for _ in range(2):
        desk.sandbox.customer_writes("uno", phone_number=LUCIA, inbox_id=inbox.id, source_id="SM1")
    first, second = desk.told("bot", "message_created")
    assert first.body["source_id"] == second.body["source_id"] == "SM1"
    assert first.body["id"] != second.body["id"]
    assert first.body["conversation"]["id"] == second.body["conversation"]["id"]


def test_a_reply_on_whatsapp_gets_its_source_id_later(desk: Desk, whatsapp: int) -> None:
    number = desk.sandbox.customer_writes("hola", phone_number=LUCIA, inbox_id=whatsapp).conversation_id
    answer = desk.call("POST", f"conversations/{number}/messages", {"content": "Hola"}).json()
    assert answer["source_id"] is None
    (updated,) = desk.told("bot", "message_updated")
    assert updated.body["source_id"].startswith("wamid.")


def test_outside_the_window_only_an_approved_template_is_sent(desk: Desk, whatsapp: int) -> None:
    number = desk.sandbox.customer_writes("hola", phone_number=LUCIA, inbox_id=whatsapp).conversation_id
    desk.sandbox.age(number, seconds=25 * 3600)
    assert desk.sandbox.conversation(number)["can_reply"] is False
    template = {"name": "order_update", "language": "es", "processed_params": {"body": {"1": "Ana"}}}
    desk.call("POST", f"conversations/{number}/messages", {"content": "libre"})
    desk.call("POST", f"conversations/{number}/messages", {"content": "plantilla", "template_params": template})
    desk.sandbox.settle()
    _, free, approved = desk.sandbox.messages(number)
    assert free["status"] == "failed"
    assert free["content_attributes"] == {"external_error": "Template not found or invalid template name"}
    assert approved["status"] == "sent"


def test_a_channel_reports_a_failure_later(desk: Desk) -> None:
    message_id = desk.reply().json()["id"]
    desk.sandbox.channel_reports(message_id, "failed", "131047: Re-engagement message")
    (updated,) = desk.told("bot", "message_updated")
    assert updated.body["content_attributes"] == {"external_error": "131047: Re-engagement message"}


def test_contacts_are_listed_by_their_labels_of_which_no_webhook_tells(desk: Desk) -> None:
    others = [desk.sandbox.add_contact(name="Ana", phone_number=f"+346990000{number}") for number in range(10, 27)]
    for contact in others:
        desk.call("POST", f"contacts/{contact.id}/labels", {"labels": ["vip", "vip", "friend"]}, token="admin")
    labels = desk.call("GET", f"contacts/{others[0].id}/labels", token="admin").json()
    assert labels == {"payload": ["vip", "friend"]}
    pages = [desk.call("GET", f"contacts?labels[]=vip&page={page}", token="admin").json() for page in (1, 2, 3)]
    assert [len(page["payload"]) for page in pages] == [15, 2, 0]
    assert pages[0]["meta"]["count"] == 17
    assert {each["id"] for page in pages for each in page["payload"]} == {each.id for each in others}
    assert desk.call("GET", "contacts?labels[]=no", token="admin").json()["payload"] == []
    assert desk.told("account", "contact_updated") == []


def test_a_blocked_customer_is_heard_as_any_other(desk: Desk) -> None:
    desk.call("PUT", f"contacts/{desk.contact_id}", {"blocked": True}, token="admin")
    desk.customer_writes()
    (received,) = desk.told("bot", "message_created")
    assert received.body["sender"]["blocked"] is True


def test_a_file_is_downloaded_through_a_redirect(desk: Desk) -> None:
    picture = {"filename": "foto.png", "content_type": "image/png", "data": base64.b64encode(PNG).decode()}
    desk.sandbox.customer_writes(conversation_id=CONVERSATION, attachments=[picture])
    (received,) = desk.told("bot", "message_created")
    assert received.body["content"] is None
    (attachment,) = received.body["attachments"]
    assert attachment["file_type"] == "image"
    assert desk.http.get(attachment["data_url"]).status_code == 302
    followed = httpx.get(attachment["data_url"], follow_redirects=True, trust_env=False)
    assert (followed.content, followed.headers["Content-Type"]) == (PNG, "image/png")


def test_a_location_has_no_file(desk: Desk) -> None:
    place = {"file_type": "location", "coordinates_lat": 40.4, "coordinates_long": -3.7, "data_url": None}
    desk.sandbox.customer_writes(conversation_id=CONVERSATION, attachments=[place])
    (received,) = desk.told("bot", "message_created")
    (attachment,) = received.body["attachments"]
    assert attachment.keys() == {"id", "message_id", "account_id", *place}


def test_the_two_hundred_and_first_message_in_a_minute_is_refused(desk: Desk) -> None:
    assert {desk.reply(str(number)).status_code for number in range(200)} == {200}
    refused = desk.reply("one too many")
    assert (refused.status_code, refused.json()) == (422, {"error": "Validation failed: Too many messages"})


def test_the_records_tell_the_time_exactly_and_cannot_be_changed(desk: Desk) -> None:
    before = time.time()
    desk.customer_writes("Hola")
    (record,) = desk.sandbox.records(CONVERSATION)
    assert before <= record.created_at <= time.time()
    record.content = "Adiós"
    assert desk.contents == ["Hola"]


def test_a_display_id_given_by_hand_is_not_given_again(sandbox: Sandbox) -> None:
    inbox = sandbox.add_inbox(channel="api")
    contact = sandbox.add_contact(name="Eva")
    numbers = [sandbox.add_conversation(inbox_id=inbox.id, contact_id=contact.id, id=n).id for n in (2, None, None)]
    assert numbers == [2, 1, 3]
