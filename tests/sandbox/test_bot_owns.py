"""Chatwoot 4.16 and later: what the bot is to answer has it as assignee."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandbox import Sandbox
from sandbox.version import Version
from tests.sandbox.desk import CONVERSATION, Desk
from tests.sandbox.receiver import Answer, Receiver

NOBODY = (None, None)
BOT = ("AgentBot", "Contesta")
MARTA, PABLO = ("User", "Marta"), ("User", "Pablo")


@pytest.fixture
def new(receiver: Receiver) -> Iterator[Desk]:
    with (
        Sandbox(chatwoot_version="4.17.0", webhook_retry_s=0.02) as sandbox,
        httpx.Client(base_url=sandbox.url, trust_env=False) as http,
    ):
        yield Desk.furnish(sandbox, receiver, http)


def owner(desk: Desk, id: int = CONVERSATION) -> tuple[str | None, str | None]:
    meta = desk.sandbox.conversation(id)["meta"]
    return meta.get("assignee_type"), meta.get("assignee", {}).get("name")


def set_status(desk: Desk, status: str, token: str = "admin") -> Any:
    return desk.call("POST", f"conversations/{CONVERSATION}/toggle_status", {"status": status}, token=token).json()


def assign(desk: Desk, id: int | None, kind: str = "User") -> None:
    given = {"assignee_id": id, "assignee_type": kind}
    desk.call("POST", f"conversations/{CONVERSATION}/assignments", given, token="admin").raise_for_status()


def changes(desk: Desk) -> list[dict[str, list[Any]]]:
    """What each conversation_updated tells the account of: from what to what."""
    told = [each.body["changed_attributes"] for each in desk.told("account", "conversation_updated")]
    return [
        {name: [change["previous_value"], change["current_value"]] for each in changed for name, change in each.items()}
        for changed in told
    ]


def activities(desk: Desk) -> list[str]:
    return [each["content"] for each in desk.sandbox.messages(CONVERSATION) if each["message_type"] == 2]


@pytest.mark.parametrize(
    ("text", "in_full", "owns"),
    [
        ("4.15.1", "4.15.1", False),
        ("4.16", "4.16.0", True),
        ("4.16.0", "4.16.0", True),
        ("4.17", "4.17.0", True),
        ("4.17.0", "4.17.0", True),
    ],
)
def test_since_which_version(text: str, in_full: str, owns: bool) -> None:
    version = Version(text)
    assert (version.in_full, version.bot_owns_conversations) == (in_full, owns)


def test_tells_its_version_in_three_parts() -> None:
    with Sandbox(chatwoot_version="4.17") as sandbox, httpx.Client(base_url=sandbox.url, trust_env=False) as http:
        assert http.get("/api").json()["version"] == "4.17.0"


def test_a_new_conversation_is_the_bots(new: Desk) -> None:
    assert (new.status, owner(new)) == ("pending", BOT)
    new.customer_writes()
    (received,) = new.told("bot", "message_created")
    meta = received.body["conversation"]["meta"]
    assert (meta["assignee_type"], meta["assignee"]["type"]) == ("AgentBot", "agent_bot")


def test_one_that_is_begun_for_a_person_is_pending_and_that_persons(new: Desk) -> None:
    given = {"inbox_id": new.inbox_id, "contact_id": new.contact_id, "assignee_id": new.sandbox.admin.id}
    begun = new.call("POST", "conversations", given, token="admin").json()
    assert (begun["status"], owner(new, begun["id"])) == ("pending", MARTA)


def test_without_a_bot_it_is_nobodys(new: Desk) -> None:
    inbox = new.sandbox.add_inbox(channel="api")
    begun = new.sandbox.add_conversation(inbox_id=inbox.id, contact_id=new.contact_id)
    assert (begun.status, owner(new, begun.id)) == ("open", NOBODY)


def test_a_person_who_is_assigned_opens_it_in_one_write(new: Desk) -> None:
    new.customer_writes()
    new.reply()  # so that nobody waits
    new.sandbox.settle()
    new.receiver.clear()
    assign(new, new.sandbox.admin.id)
    assert (new.status, owner(new)) == ("open", MARTA)
    (change,) = changes(new)
    assert change["status"] == ["pending", "open"]
    assert change["assignee_id"] == [None, new.sandbox.admin.id]
    assert change["assignee_agent_bot_id"] == [new.bot_id, None]
    assert change["waiting_since"][0] is None
    assert len(new.told("bot", "conversation_opened")) == 1
    assert activities(new) == ["Conversation was reopened by Marta", "Marta self-assigned this conversation"]


def test_a_person_who_is_assigned_to_what_is_not_the_bots_changes_no_status(new: Desk) -> None:
    assign(new, None)
    assert (new.status, owner(new)) == ("pending", NOBODY)
    assign(new, new.sandbox.admin.id)
    assert (new.status, owner(new)) == ("pending", MARTA)


def test_a_bot_that_is_assigned_makes_it_pending_in_one_write(new: Desk) -> None:
    assign(new, new.sandbox.admin.id)
    new.sandbox.settle()
    new.receiver.clear()
    assign(new, new.bot_id, "AgentBot")
    assert (new.status, owner(new)) == ("pending", BOT)
    (change,) = changes(new)
    assert change["status"] == ["open", "pending"]
    assert change["assignee_id"] == [new.sandbox.admin.id, None]
    assert change["assignee_agent_bot_id"] == [None, new.bot_id]


def test_a_bot_that_hands_over_is_no_longer_assigned(new: Desk) -> None:
    new.customer_writes()
    new.sandbox.settle()
    new.receiver.clear()
    assert set_status(new, "open", token="bot")["payload"]["success"] is None
    assert (new.status, owner(new)) == ("open", NOBODY)
    (change,) = changes(new)
    assert change["status"] == ["pending", "open"]
    assert change["assignee_agent_bot_id"] == [new.bot_id, None]


@pytest.mark.parametrize(("token", "left_with"), [("admin", NOBODY), ("agent", PABLO)])
def test_a_person_who_opens_takes_it_from_the_bot(
    new: Desk, token: str, left_with: tuple[str | None, str | None]
) -> None:
    set_status(new, "open", token)
    assert (new.status, owner(new)) == ("open", left_with)
    opened, taken = sorted(changes(new), key=lambda change: "status" not in change)
    assert opened["status"] == ["pending", "open"]
    assert taken["assignee_agent_bot_id"] == [new.bot_id, None]


def test_who_opens_what_is_open_takes_it_from_the_bot_all_the_same(new: Desk) -> None:
    """The bot could not be told, so Chatwoot opened it and left the bot."""
    new.receiver.answers["bot"] = [Answer(404)]
    new.customer_writes()
    new.sandbox.settle()
    assert (new.status, owner(new)) == ("open", BOT)
    set_status(new, "open")
    assert owner(new) == NOBODY


def test_what_was_resolved_is_still_the_bots_when_the_customer_comes_back(new: Desk) -> None:
    set_status(new, "resolved")
    new.customer_writes()
    assert (new.status, owner(new)) == ("pending", BOT)


def test_before_that_the_bot_is_no_assignee(desk: Desk) -> None:
    assert owner(desk) == NOBODY
    assign(desk, desk.sandbox.admin.id)
    assert desk.status == "pending"
    assign(desk, desk.bot_id, "AgentBot")
    set_status(desk, "open", token="bot")
    assert (desk.status, owner(desk)) == ("open", BOT)
    set_status(desk, "pending")
    set_status(desk, "open")
    assert owner(desk) == BOT
