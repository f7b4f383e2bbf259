"""What each webhook that a real Chatwoot sent means to us, against a table that a person can check: decisions.tsv.

Where the decision is meant to change, print the table anew and read each row that changed:
    python tests/unit/tasks/ownership/test_decision.py > tests/unit/tasks/ownership/decisions.tsv
"""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[4]))

from chatwoot import events, signature
from tasks.ownership.decision import Decision, decide, refusal
from tasks.ownership.policy import Policy, Refusal

RECORDED = Path(__file__).parents[3] / "recorded"
PAYLOADS = Path(__file__).parents[3] / "payloads"
TABLE = Path(__file__).with_name("decisions.tsv")
HEADING = "situation\tevent\twhat it says\tdecision\tto, and how often"

# As with an agent bot. The recorded account is number 1.
POLICY = Policy(account_id=1, answer_inbox_ids=None, answer_statuses=frozenset({"pending"}))
WITHOUT_A_BOT = replace(POLICY, answer_statuses=frozenset({"pending", "open"}))


def recorded_webhooks() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Situation, receiver and body of each."""
    for file in sorted(RECORDED.glob("[0-9]*.json")):
        for step in json.loads(file.read_text())["steps"]:
            if "webhook" in step:
                webhook = step["webhook"]
                unsigned = " (unsigned)" if webhook["signature"] == "none" else ""
                yield file.stem, webhook["to"] + unsigned, webhook["body"]


def signed_webhooks() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Those whose secret is known, verified."""
    for request in json.loads((RECORDED / "signed-requests.json").read_text()):
        body, headers = request["raw_body"].encode(), request["headers"]
        timestamp = headers[signature.TIMESTAMP_HEADER]
        signature.verify(
            body,
            timestamp=timestamp,
            signature=headers[signature.SIGNATURE_HEADER],
            secrets=[request["secret"]],
            now=float(timestamp),
        )
        yield "signed-requests", request["to"], json.loads(body)


def table() -> str:
    """A row for each kind of webhook, in the order in which they first came; and to whom, how often."""
    receivers: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for situation, to, body in chain(recorded_webhooks(), signed_webhooks()):
        receivers[situation, body["event"], *_row(body)][to] += 1
    rows = ["\t".join([*row, _times(to)]) for row, to in receivers.items()]
    return "\n".join([HEADING, *rows]) + "\n"


def _times(receivers: Counter[str]) -> str:
    return ", ".join(f"{to} {times}" for to, times in sorted(receivers.items()))


def _row(body: dict[str, Any]) -> tuple[str, str]:
    event = events.parse(body)
    decision = decide(event, POLICY)
    if event is not None and decision in (Decision.CUSTOMER_MESSAGE_FOR_PEOPLE, Decision.CUSTOMER_MESSAGE_NOT_OURS):
        return _says(body), f"{decision}: {refusal(event, POLICY)}"
    return _says(body), decision


def _says(body: dict[str, Any]) -> str:
    """The webhook in words, from its JSON and not from our reading of it."""
    return ", ".join(_message_says(body) if "message_type" in body else _conversation_says(body))


def _message_says(body: dict[str, Any]) -> Iterator[str]:
    yield body["message_type"] + (" private" if body["private"] else "")
    if body["message_type"] != "incoming":
        yield f"by {(body['sender'] or {}).get('type', 'nobody')}"
    if body["content_type"] != "text":
        yield body["content_type"]
    nested = [message for message in body["conversation"]["messages"] if message["id"] == body["id"]]
    if body["event"] == "message_updated" and nested:
        yield nested[0]["status"]
    kinds = [attachment["file_type"] for attachment in body.get("attachments", [])]
    if kinds:
        yield "with " + " and ".join(kinds)
    if body["content"] is None:
        yield "without text"
    for name, value in sorted(body["content_attributes"].items()):
        if name == "email":
            yield "an auto_reply" if value.get("auto_reply") else "an email"
        elif value is not None:
            yield f"{name}={value}" if name in ("deleted", "external_error", "external_echo") else name
    if (body["sender"] or {}).get("blocked"):
        yield "blocked"
    yield from _place(body["conversation"])


def _conversation_says(body: dict[str, Any]) -> Iterator[str]:
    for changed in body.get("changed_attributes") or []:
        for name, change in changed.items():
            if name in ("status", "assignee_id", "assignee_agent_bot_id", "label_list"):
                yield f"{name} {change['previous_value']} → {change['current_value']}"
            elif name not in ("updated_at", "cached_label_list", "display_id", "last_activity_at"):
                yield name
    if "meta" in body:
        yield from _place(body)


def _place(conversation: dict[str, Any]) -> Iterator[str]:
    """The conversation's state, as the webhook shows it."""
    yield f"in {conversation['status']}"
    if conversation["meta"]["assignee"]:
        yield f"of {conversation['meta']['assignee_type']}"
    if "bot-paused" in conversation["labels"]:
        yield "bot-paused"


def test_each_recorded_webhook_means_what_the_table_says() -> None:
    assert table().splitlines() == TABLE.read_text().splitlines()


def sample(name: str) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text())
    return payload


def customers_message(**conversation: Any) -> dict[str, Any]:
    """A customer's message that the bot answers, unless something about its conversation is changed."""
    payload = sample("message_created-incoming-whatsapp")
    payload["conversation"] |= conversation
    return payload


def assigned(kind: str) -> dict[str, Any]:
    return {"assignee": {"id": 2, "name": "Pablo", "type": kind.lower()}, "assignee_type": kind, "sender": {"id": 4}}


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (customers_message(), None),
        (customers_message(status=None), None),
        (customers_message(status="open"), Refusal.STATUS),
        (customers_message(status="snoozed"), Refusal.STATUS),
        (customers_message(status="resolved"), Refusal.STATUS),
        (customers_message(labels=["vip"]), None),
        (customers_message(labels=["vip", "bot-paused"]), Refusal.PAUSED),
        (customers_message(meta=assigned("User")), Refusal.ASSIGNED),
        (customers_message(meta=assigned("AgentBot")), None),
        (customers_message(meta={"sender": {"id": 4, "blocked": True}}), Refusal.BLOCKED),
        (customers_message(inbox_id=99), Refusal.OTHER_INBOX),
        (customers_message() | {"sender": {"id": 4, "blocked": True}}, Refusal.BLOCKED),
        (sample("4.8.0/message_created-incoming-contact"), None),
    ],
)
def test_a_customers_message_is_answered_where_the_bot_is_in_charge(
    payload: dict[str, Any], why: Refusal | None
) -> None:
    event = events.parse(payload)
    policy = replace(POLICY, answer_inbox_ids=frozenset({1, 4}))
    assert event is not None
    assert refusal(event, policy) is why
    if why is None:
        decision = Decision.CUSTOMER_MESSAGE_TO_ANSWER
    elif why in (Refusal.OTHER_INBOX, Refusal.BLOCKED):
        decision = Decision.CUSTOMER_MESSAGE_NOT_OURS
    else:
        decision = Decision.CUSTOMER_MESSAGE_FOR_PEOPLE
    assert decide(event, policy) is decision


def outgoing(**changed: Any) -> dict[str, Any]:
    return sample("message_created-outgoing-user") | changed


BOT = {"id": 9, "name": "Another", "type": "agent_bot"}
KEY = {"contesta_key": "turn-1/0"}


@pytest.mark.parametrize(
    ("payload", "decision"),
    [
        (outgoing(), Decision.A_PERSONS),
        (outgoing(sender=None), Decision.A_PERSONS),
        (outgoing(sender=None, content_attributes={"automation_rule_id": 3}), Decision.A_TEMPLATE),
        (outgoing(additional_attributes={"campaign_id": 3}), Decision.A_TEMPLATE),
        (outgoing(private=True), Decision.A_NOTE),
        (outgoing(sender=BOT), Decision.ANOTHER_BOTS),
        (outgoing(sender={"id": 1, "type": "captain_assistant"}), Decision.ANOTHER_BOTS),
        (outgoing(content_attributes=KEY), Decision.OURS),
        (outgoing(content_attributes=KEY, private=True), Decision.OURS),
        (outgoing(content_attributes={"external_created_at": 1795388484.123457}), Decision.OURS),
        (outgoing(content_attributes={"external_created_at": 1795388484}), Decision.A_PERSONS),
        (outgoing(message_type="incoming", content_attributes=KEY), Decision.CUSTOMER_MESSAGE_FOR_PEOPLE),
        (outgoing(message_type="activity"), Decision.NO_INTEREST),
        (outgoing(message_type=None), Decision.NO_INTEREST),
        (outgoing(account={"id": 2}), Decision.OTHER_ACCOUNT),
        (outgoing(id=None), Decision.NO_INTEREST),
        (sample("4.8.0/message_created-outgoing-user"), Decision.A_PERSONS),
        (sample("4.8.0/message_created-outgoing-agent_bot"), Decision.ANOTHER_BOTS),
        (sample("4.8.0/message_created-private_note"), Decision.A_NOTE),
        (sample("4.8.0/message_updated-outgoing-failed-external_error"), Decision.NO_INTEREST),
        (
            sample("4.8.0/message_updated-outgoing-failed-external_error")
            | {"content_attributes": {"contesta_key": "m1.0", "external_error": "131026"}},
            Decision.FAILED,
        ),
        (sample("4.8.0/conversation_status_changed"), Decision.TAKEN_OVER),
        (sample("4.8.0/agentbot-conversation_opened"), Decision.TAKEN_OVER),
        (sample("4.8.0/conversation_created"), Decision.NO_INTEREST),
    ],
)
def test_what_was_written_to_the_customer_means(payload: dict[str, Any], decision: Decision) -> None:
    assert decide(events.parse(payload), POLICY) is decision


def changed(name: str, before: Any, now: Any, **conversation: Any) -> dict[str, Any]:
    payload = sample("conversation_updated-labels") | {"labels": [], "status": "pending"} | conversation
    return payload | {"changed_attributes": [{name: {"previous_value": before, "current_value": now}}]}


@pytest.mark.parametrize(
    ("payload", "decision"),
    [
        (changed("status", "pending", "open", status="open"), Decision.TAKEN_OVER),
        (changed("status", "pending", "snoozed", status="snoozed"), Decision.TAKEN_OVER),
        (changed("status", "open", "pending"), Decision.HANDED_BACK),
        (changed("status", "open", "resolved", status="resolved"), Decision.ENDED),
        (changed("status", "pending", "open"), Decision.HANDED_BACK),
        (changed("status", "open", "pending", status="open"), Decision.TAKEN_OVER),
        (changed("assignee_id", None, 2, meta=assigned("User")), Decision.TAKEN_OVER),
        (changed("assignee_id", 2, 3, meta=assigned("User")), Decision.TAKEN_OVER),
        (changed("assignee_id", 2, None, meta={}), Decision.HANDED_BACK),
        (changed("assignee_id", None, 2, meta={}), Decision.HANDED_BACK),
        (changed("assignee_agent_bot_id", None, 1, meta=assigned("AgentBot")), Decision.HANDED_BACK),
        (changed("assignee_agent_bot_id", 1, None, meta={}), Decision.NO_INTEREST),
        (changed("assignee_agent_bot_id", 1, None, meta=assigned("User")), Decision.TAKEN_OVER),
        (changed("label_list", [], ["bot-paused"], labels=["bot-paused"]), Decision.TAKEN_OVER),
        (changed("label_list", ["bot-paused"], ["vip"], labels=["vip"]), Decision.HANDED_BACK),
        (changed("label_list", ["bot-paused"], [], status="open"), Decision.STILL_PEOPLES),
        (changed("label_list", ["bot-paused"], [], meta=assigned("User")), Decision.STILL_PEOPLES),
        (changed("assignee_id", 2, None, meta={}, status="open"), Decision.STILL_PEOPLES),
        (changed("label_list", [], ["vip"], labels=["vip"]), Decision.NO_INTEREST),
        (changed("label_list", ["bot-paused"], ["bot-paused", "vip"], labels=["bot-paused"]), Decision.NO_INTEREST),
        (changed("label_list", [], ["bot-paused"]), Decision.NO_INTEREST),
        (changed("label_list", ["bot-paused"], [], labels=["bot-paused"]), Decision.NO_INTEREST),
        (changed("label_list", None, ["bot-paused"], labels=["bot-paused"]), Decision.TAKEN_OVER),
        (changed("team_id", None, 2, meta=assigned("User")), Decision.NO_INTEREST),
        (changed("waiting_since", None, 2, status="open"), Decision.NO_INTEREST),
        (changed("status", None, "open", status="open", account={"id": 2}), Decision.OTHER_ACCOUNT),
        (changed("status", None, "open", status="open", account=None, messages=[]), Decision.TAKEN_OVER),
    ],
)
def test_a_changed_conversation_is_judged_by_what_it_is_now(payload: dict[str, Any], decision: Decision) -> None:
    """Also where the change says otherwise: the webhook was built later than the change."""
    assert decide(events.parse(payload), POLICY) is decision


def test_people_win_where_one_change_says_both() -> None:
    """An agent opens the conversation, by which it is assigned to them, and no longer to the bot."""
    payload = changed("status", "pending", "open", status="open", meta={})
    payload["changed_attributes"].append({"assignee_id": {"previous_value": 2, "current_value": None}})
    assert decide(events.parse(payload), POLICY) is Decision.TAKEN_OVER


def test_where_the_bot_answers_in_open_conversations_opening_means_nothing() -> None:
    opened = events.parse(sample("agentbot-conversation_opened"))
    assert decide(opened, POLICY) is Decision.TAKEN_OVER
    assert decide(opened, WITHOUT_A_BOT) is Decision.NO_INTEREST


@pytest.mark.parametrize(
    ("name", "decision"),
    [
        ("agentbot-conversation_opened", Decision.NO_INTEREST),
        ("message_created-outgoing-user", Decision.NO_INTEREST),
        ("message_updated-outgoing-delivered", Decision.DELIVERED),
        ("message_created-outgoing-agent_bot", Decision.OURS),
        ("message_created-incoming-contact", Decision.CUSTOMER_MESSAGE_NOT_OURS),
    ],
)
def test_in_other_inboxes_only_what_we_sent_matters(name: str, decision: Decision) -> None:
    assert decide(events.parse(sample(name)), replace(POLICY, answer_inbox_ids=frozenset({99}))) is decision


@pytest.mark.parametrize(
    ("changed", "decision"),
    [
        ({"content_attributes": {"email": {"auto_reply": True}}}, Decision.CUSTOMER_MESSAGE_TO_KNOW),
        (
            {"content_attributes": {"email": {"subject": "Hola", "auto_reply": False}}},
            Decision.CUSTOMER_MESSAGE_TO_ANSWER,
        ),
        ({"content": "👍", "content_attributes": {"is_reaction": True}}, Decision.CUSTOMER_MESSAGE_TO_KNOW),
        ({"created_at": "2025-08-28T16:00:00.000Z"}, Decision.CUSTOMER_MESSAGE_TO_KNOW),
        ({"created_at": None}, Decision.CUSTOMER_MESSAGE_TO_ANSWER),
        ({"content_type": "voice_call", "content": None}, Decision.CUSTOMER_MESSAGE_TO_ANSWER),
    ],
)
def test_what_wants_no_answer_is_for_the_bot_to_know(changed: dict[str, Any], decision: Decision) -> None:
    now = datetime.now(UTC).isoformat()
    payload = {**customers_message(status="pending"), "created_at": now, **changed}
    assert decide(events.parse(payload), replace(POLICY, horizon_s=3600)) is decision


@pytest.mark.parametrize(
    "contact",
    [{"phone_number": "+123456"}, {"identifier": "1203@g.us"}, {"identifier": "status@broadcast"}],
)
def test_whom_the_bot_never_answers(contact: dict[str, str]) -> None:
    payload = customers_message(status="pending", meta={"sender": {"id": 1, **contact}})
    policy = replace(POLICY, ignored_contacts=("*@g.us", "status@*", "+123456"))
    assert decide(events.parse(payload), policy) is Decision.CUSTOMER_MESSAGE_NOT_OURS
    assert decide(events.parse(payload), POLICY) is Decision.CUSTOMER_MESSAGE_TO_ANSWER


@pytest.mark.parametrize("event", ["message_created", "message_updated"])
def test_whom_a_label_has_the_bot_leave_alone(event: str) -> None:
    payload = customers_message(status="pending", meta={"sender": {"id": 7}}) | {"event": event}
    asked: list[tuple[int | None, bool]] = []

    def leaves_alone(contact_id: int | None, said_at: float | None) -> bool:
        asked.append((contact_id, said_at is not None))
        return contact_id == 7

    assert (
        decide(events.parse(payload), replace(POLICY, leaves_alone=leaves_alone)) is Decision.CUSTOMER_MESSAGE_NOT_OURS
    )
    assert asked == [(7, True)]


def test_nothing_of_interest() -> None:
    assert decide(None, POLICY) is Decision.NO_INTEREST


if __name__ == "__main__":
    print(table(), end="")
