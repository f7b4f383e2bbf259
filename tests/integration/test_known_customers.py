"""What a customer said in one conversation is known in the next, by a graph that has a store; until it is forgotten."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import redis

from tests.desk import Desk
from tests.stack import Stack, wait_until, wait_until_idle

PHONE = "+34623226544"


@pytest.fixture
def gate(tmp_path: Path, stack: Stack) -> Path:
    folder = tmp_path / "gate"
    folder.mkdir()
    stack.env |= {"TEST_GATE": str(folder), "GRAPH": "tests.graphs:remembering"}
    return folder


@pytest.fixture
def lucia(desk: Desk, gate: Path) -> int:
    """A contact with the conversations 3 and 4; 5 is somebody else's."""
    contact = desk.sandbox.add_contact(name="Lucía", phone_number=PHONE)
    for id in (3, 4):
        desk.sandbox.add_conversation(inbox_id=desk.inbox_id, contact_id=contact.id, id=id)
    desk.conversation(5, "+34600000004")
    return contact.id


def says(desk: Desk, text: str, conversation_id: int) -> str:
    """The answer."""
    count = len(desk.replies(conversation_id))
    desk.sandbox.customer_writes(text, conversation_id=conversation_id)
    return desk.wait_for_replies(count + 1, conversation_id)[-1]


def known(client: redis.Redis) -> list[str]:
    return sorted(key for key in client.scan_iter("contesta:{store}:*:items:*"))


@pytest.fixture
def two_answered(desk: Desk, stack: Stack, lucia: int, redis_client: redis.Redis) -> Desk:
    stack.start_web()
    stack.start_worker()
    assert says(desk, "size 42", 3) == "Before, you said: nothing"
    assert says(desk, "red ones", 4) == "Before, you said: size 42"
    assert says(desk, "hello", 5) == "Before, you said: nothing"
    wait_until_idle(redis_client)
    return desk


class TestForgotten:
    def test_with_the_contact(self, two_answered: Desk, stack: Stack, lucia: int, redis_client: redis.Redis) -> None:
        told = stack.flask("forget", "--contact", str(lucia))
        assert told.splitlines()[-1] == "2 conversations, 0 written by us first, 1 known of them"
        assert len(known(redis_client)) == 1
        assert stack.flask("forget", "--contact", str(lucia)).endswith(", 0 known of them")
        assert says(two_answered, "hello again", 4) == "Before, you said: nothing"
        assert says(two_answered, "and I?", 5) == "Before, you said: hello"

    @pytest.mark.parametrize("deleted", [False, True])
    def test_by_phone_also_of_whom_chatwoot_has_forgotten(
        self, two_answered: Desk, stack: Stack, lucia: int, redis_client: redis.Redis, deleted: bool
    ) -> None:
        if deleted:
            url = f"{two_answered.sandbox.url}/api/v1/accounts/1/contacts/{lucia}"
            httpx.delete(url, headers={"Api-Access-Token": "admin-token"}).raise_for_status()
            two_answered.sandbox.settle()
        told = stack.flask("forget", "--phone", PHONE)
        assert told.endswith("2 conversations, 0 written by us first, 1 known of them")
        assert [key for key in known(redis_client) if key.endswith(f".{lucia}")] == []
        assert len(known(redis_client)) == 1

    def test_but_not_with_one_conversation(self, two_answered: Desk, stack: Stack) -> None:
        stack.flask("forget", "--conversation", "4")
        assert says(two_answered, "hello again", 3) == "Before, you said: red ones"

    def test_a_turn_under_way_does_not_bring_it_back(
        self, two_answered: Desk, stack: Stack, lucia: int, gate: Path, redis_client: redis.Redis
    ) -> None:
        thinking = len(list(gate.iterdir()))
        (gate / "closed").touch()
        two_answered.sandbox.customer_writes("my secret", conversation_id=3)
        wait_until(lambda: len(list(gate.iterdir())) > thinking + 1, what="the turn to begin")
        stack.flask("forget", "--contact", str(lucia))
        (gate / "closed").unlink()
        wait_until(lambda: "turn_lost" in stack.logs(), what="the worker to find its turn gone")
        assert len(known(redis_client)) == 1
        assert two_answered.replies(3) == ["Before, you said: nothing"]


def test_a_worker_that_dies_after_it_has_put_something(
    desk: Desk, stack: Stack, lucia: int, redis_client: redis.Redis
) -> None:
    """The turn is thought again, and puts it again: the same key, so it is known once."""
    stack.start_web()
    worker = stack.start_worker()
    desk.sandbox.customer_writes("poison", conversation_id=3)
    wait_until(lambda: not worker.is_alive, what="the worker to die")
    assert len(known(redis_client)) == 1
    stack.start_worker()
    assert desk.wait_for_replies(1) == ["Before, you said: poison"]
    [key] = known(redis_client)
    assert redis_client.hlen(key) == 1
