"""A conversation may be gone by the time we answer in it: deleted, merged, or never ours."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import redis

from tasks.mailbox import Mailbox
from tests.desk import Desk
from tests.stack import Stack, wait_until

ACCOUNT = "/api/v1/accounts/1"
CONVERSATION = "conversations/3"


@pytest.fixture
def gate(tmp_path: Path, stack: Stack) -> Path:
    """Thinking goes on while it holds "closed"."""
    folder = tmp_path / "gate"
    folder.mkdir()
    stack.env |= {"GRAPH": "tests.graphs_that_want:slow", "TEST_GATE": str(folder), "TYPING_SECONDS": "0"}
    return folder


def delete(desk: Desk, what: str) -> None:
    url = f"{desk.sandbox.url}{ACCOUNT}/{what}"
    httpx.delete(url, headers={"Api-Access-Token": "admin-token"}).raise_for_status()


def lose_the_conversation_while_thinking(
    desk: Desk, gate: Path, stack: Stack, lost: str = CONVERSATION, **env: str
) -> None:
    (gate / "closed").touch()
    stack.start_web(**env)
    stack.start_worker(**env)
    desk.conversation(3)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    wait_until(lambda: list(gate.glob("thinking-*")), what="the turn to begin")
    delete(desk, lost)
    desk.sandbox.forget_requests()
    (gate / "closed").unlink()


def posts(desk: Desk) -> list[tuple[int | None, str]]:
    return [(each.status, each.path.removeprefix(ACCOUNT)) for each in desk.posts()]


def test_by_default_it_is_a_dead_letter_and_nothing_is_made(desk: Desk, gate: Path, stack: Stack) -> None:
    lose_the_conversation_while_thinking(desk, gate, stack)
    wait_until(lambda: "send_given_up" in stack.logs(), what="the reply to be given up")
    assert posts(desk) == []
    assert ("POST", f"{ACCOUNT}/conversations") not in desk.calls()


def replies_in_the_new_one(desk: Desk) -> list[str]:
    wait_until(lambda: desk.sandbox.conversation_ids == [1], what="the new conversation")
    return desk.wait_for_replies(1, 1)


class TestRecreate:
    def test_it_is_said_once_in_a_new_conversation_with_the_same_customer(
        self, desk: Desk, gate: Path, stack: Stack
    ) -> None:
        lose_the_conversation_while_thinking(desk, gate, stack, ON_MISSING_CONVERSATION="recreate")
        assert replies_in_the_new_one(desk) == ["Thought through"]
        # WhatsApp does not deliver it there, where the customer has not written: people are told, and then all is done.
        wait_until(lambda: desk.sandbox.conversation(1)["status"] == "open", what="the conversation to be opened")
        assert desk.calls()[:4] == [
            ("GET", f"{ACCOUNT}/conversations/3"),
            ("GET", f"{ACCOUNT}/contacts/1/conversations"),
            ("POST", f"{ACCOUNT}/conversations"),
            ("POST", f"{ACCOUNT}/conversations/1/messages"),
        ]
        said = [post.body["content"] for post in desk.posts() if not post.body["private"]]
        assert (said, len(desk.notes(1))) == (["Thought through"], 1)

    @pytest.fixture
    def two(self, desk: Desk, gate: Path, stack: Stack) -> Desk:
        """The customer has conversations 3 and 9."""
        desk.conversation(3)
        contact_id = desk.sandbox.conversation(3)["meta"]["sender"]["id"]
        desk.sandbox.add_conversation(inbox_id=desk.inbox_id, contact_id=contact_id, id=9)
        stack.start_web()
        stack.start_worker(ON_MISSING_CONVERSATION="recreate")
        return desk

    def lose_3_while_thinking(self, two: Desk, gate: Path) -> None:
        (gate / "closed").touch()
        two.sandbox.customer_writes("Hola", conversation_id=3)
        wait_until(lambda: list(gate.glob("thinking-*")), what="the turn to begin")
        delete(two, CONVERSATION)
        (gate / "closed").unlink()

    def test_another_conversation_that_is_there_already_is_taken(self, two: Desk, gate: Path) -> None:
        self.lose_3_while_thinking(two, gate)
        assert two.wait_for_replies(1, 9) == ["Thought through"]
        assert two.sandbox.conversation_ids == [9]

    def test_one_that_people_have_is_not_talked_into(self, two: Desk, gate: Path, stack: Stack) -> None:
        two.set_status(9, "open")
        two.person_writes("I take care of it", 9)
        self.lose_3_while_thinking(two, gate)
        wait_until(lambda: "send_given_up" in stack.logs(), what="the reply to be given up")
        assert two.replies(9) == ["I take care of it"]
        assert two.sandbox.conversation_ids == [9]

    def test_nor_is_one_that_chatwoot_still_shows_as_the_bots(self, two: Desk, gate: Path, stack: Stack) -> None:
        """A person has written in it: its status and its assignee are as they were."""
        two.person_writes("I take care of it", 9)
        two.sandbox.settle()
        assert two.sandbox.conversation(9)["status"] == "pending"
        self.lose_3_while_thinking(two, gate)
        wait_until(lambda: "send_given_up" in stack.logs(), what="the reply to be given up")
        assert two.replies(9) == ["I take care of it"]

    def test_opened_there_for_people_it_is_no_dead_letter(
        self, desk: Desk, gate: Path, stack: Stack, redis_client: redis.Redis
    ) -> None:
        """Nobody knows whether the first try has opened it; the second finds it as people's."""
        (gate / "failing").touch()
        desk.sandbox.faults.add("500-after-storing", path=r".*/conversations/1/toggle_status$", times=1)
        env = {"ON_MISSING_CONVERSATION": "recreate", "TURN_ATTEMPTS": "1"}
        lose_the_conversation_while_thinking(desk, gate, stack, **env)
        wait_until(lambda: desk.sandbox.conversation_ids == [1], what="the new conversation")
        wait_until(lambda: not list(Mailbox(redis_client, account_id=1).unfinished()), what="all to be done")
        assert desk.sandbox.conversation(1)["status"] == "open"
        assert [line.split("\t")[2] for line in stack.flask("dead-letters", "list").splitlines()] == ["thinking"]

    @pytest.mark.parametrize("place", ["post.before", "post.after"])
    def test_a_worker_that_dies_on_the_way_makes_one_conversation_and_one_reply(
        self, place: str, desk: Desk, gate: Path, stack: Stack
    ) -> None:
        """The post is the new conversation's; the old one was asked for in vain."""
        stack.env["ON_MISSING_CONVERSATION"] = "recreate"
        lose_the_conversation_while_thinking(desk, gate, stack, CONTESTA_DIE_AT=place)
        wait_until(lambda: not stack.processes[-1].is_alive, what="the worker to die")
        stack.start_worker()
        assert replies_in_the_new_one(desk) == ["Thought through"]
        wait_until(lambda: "conversation_taken_up" in stack.logs(), what="the heir to look")
        desk.sandbox.settle()
        assert desk.replies(1) == ["Thought through"]
        assert desk.sandbox.conversation_ids == [1]

    def test_where_the_customer_is_gone_too_it_is_a_dead_letter(self, desk: Desk, gate: Path, stack: Stack) -> None:
        env = {"ON_MISSING_CONVERSATION": "recreate"}
        lose_the_conversation_while_thinking(desk, gate, stack, lost="contacts/1", **env)
        wait_until(lambda: "send_given_up" in stack.logs(), what="the reply to be given up")
        assert posts(desk) == []

    def test_it_needs_a_users_token(self, stack: Stack) -> None:
        worker = stack.start("worker", ON_MISSING_CONVERSATION="recreate", CHATWOOT_API_TOKEN="")
        wait_until(lambda: not worker.is_alive, what="the worker to refuse")
        assert "ON_MISSING_CONVERSATION=recreate needs CHATWOOT_API_TOKEN" in worker.log.read_text()


class TestValidate:
    """A reply is never posted without asking; with the setting nothing else is, either."""

    def test_a_conversation_is_looked_at_and_then_written_to(self, desk: Desk, stack: Stack) -> None:
        stack.start_worker(VALIDATE_CONVERSATIONS="true")
        desk.conversation(3)
        stack.celery("call", "tasks.send_reply", "--kwargs", '{"conversation_id": 3, "content": "Hola"}')
        assert desk.wait_for_replies(1) == ["Hola"]
        about = f"{ACCOUNT}/conversations/3"
        assert desk.calls() == [("GET", about), ("POST", f"{about}/messages")]

    def test_one_that_is_gone_is_not_written_to(self, desk: Desk, gate: Path, stack: Stack) -> None:
        lose_the_conversation_while_thinking(desk, gate, stack, VALIDATE_CONVERSATIONS="true")
        wait_until(lambda: "send_given_up" in stack.logs(), what="the reply to be given up")
        assert posts(desk) == []
