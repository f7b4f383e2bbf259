"""`flask forget`, and conversations that Chatwoot does not know any more: what is left of a person is nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
import redis

from tasks.customers.index import ContactIndex
from tasks.mailbox import DeadLetterRecord, Mailbox, TurnLost
from tests.desk import Desk
from tests.stack import Stack, wait_until, wait_until_idle

SECRET_TEXT, PHONE, OTHER_PHONE = "a secret of mine", "+34623226544", "+34600000004"


@pytest.fixture
def everything(redis_server: object, redis_client: redis.Redis) -> Iterator[redis.Redis]:
    """As bytes, since not all that is kept is text."""
    with redis.Redis(connection_pool=redis.ConnectionPool.from_url(redis_server.url, protocol=2)) as client:  # type: ignore[attr-defined]
        yield client


def keys_of(conversation_id: int, client: redis.Redis) -> list[str]:
    """Mailbox and memory; Celery's own keys name no conversation."""
    its = re.compile(rf":1:{conversation_id}(:|$)")
    return [key for key in client.scan_iter() if its.search(key)]


def who_says(words: str, client: redis.Redis) -> list[bytes]:
    """The keys in whose values the words stand. A dump is not compressed, where it is short."""
    return [key for key in client.scan_iter() if words.encode() in (client.dump(key) or b"")]


def answered(desk: Desk, conversation_id: int, phone_number: str) -> None:
    desk.conversation(conversation_id, phone_number)
    desk.sandbox.customer_writes(SECRET_TEXT, conversation_id=conversation_id)
    desk.wait_for_replies(1, conversation_id)


@pytest.fixture
def two(desk: Desk, stack: Stack, redis_client: redis.Redis) -> Desk:
    """Conversations 3 and 4, of two customers, both answered."""
    stack.start_web()
    stack.start_worker()
    answered(desk, 3, PHONE)
    answered(desk, 4, OTHER_PHONE)
    wait_until_idle(redis_client)
    return desk


def test_a_conversation(two: Desk, stack: Stack, redis_client: redis.Redis) -> None:
    others = keys_of(4, redis_client)
    assert len(others) >= 3
    told = stack.flask("forget", "--conversation", "3")
    assert re.fullmatch(r"conversation 3: 0 messages, 0 unsent, \d+ records, 0 dead letters, 1 memories", told)
    assert keys_of(3, redis_client) == []
    assert sorted(keys_of(4, redis_client)) == sorted(others)
    assert stack.flask("forget", "--conversation", "3") == "conversation 3: nothing was known"


def test_the_next_message_is_answered_as_a_first_one(two: Desk, stack: Stack) -> None:
    stack.flask("forget", "--conversation", "3")
    two.sandbox.customer_writes("Hola", conversation_id=3)
    assert two.wait_for_replies(2, 3)[-1] == "Echo: Hola"


@pytest.mark.parametrize("how", [("--contact", "1"), ("--phone", "+34 623 22 65 44")])
@pytest.mark.parametrize("deleted", [False, True])
def test_a_person_also_one_whom_chatwoot_has_forgotten(
    two: Desk, stack: Stack, redis_client: redis.Redis, how: tuple[str, str], deleted: bool
) -> None:
    if deleted:
        delete_contact(two, 1)
    told = stack.flask("forget", *how)
    assert "conversation 3:" in told
    assert "conversation 4:" not in told
    assert SECRET_TEXT not in told
    assert "623" not in told
    assert keys_of(3, redis_client) == []
    assert keys_of(4, redis_client) != []


def test_nothing_of_what_they_wrote_is_left(
    two: Desk, stack: Stack, redis_client: redis.Redis, everything: redis.Redis
) -> None:
    two.sandbox.faults.add("401")
    two.sandbox.customer_writes(SECRET_TEXT, conversation_id=3)
    wait_until(lambda: stack.flask("dead-letters", "list"), what="the dead letter")
    wait_until_idle(redis_client)
    assert who_says(SECRET_TEXT, everything)
    stack.flask("forget", "--phone", OTHER_PHONE)
    told = stack.flask("forget", "--phone", PHONE)
    assert "1 dead letters" in told
    assert who_says(SECRET_TEXT, everything) == []
    assert [key for key in everything.scan_iter() if b":contact:" in key or b":phone:" in key] == []


def test_what_we_wrote_first(desk: Desk, stack: Stack, redis_client: redis.Redis, everything: redis.Redis) -> None:
    worker = stack.start_worker()
    kwargs = f'{{"phone_number": "{PHONE}", "content": "{SECRET_TEXT}"}}'
    stack.celery("call", "tasks.send_message", "--kwargs", kwargs)
    wait_until(lambda: "first_message_undeliverable" in worker.log.read_text(), what="the refusal")
    assert stack.flask("forget", "--phone", PHONE) == "0 conversations, 1 written by us first, 0 known of them"
    assert list(redis_client.scan_iter(match="*recipient*")) == []
    assert stack.flask("dead-letters", "list") == ""


@pytest.mark.parametrize("how", [("--contact", "1"), ("--phone", PHONE)])
def test_whom_we_wrote_to_first_and_chatwoot_has_forgotten(
    desk: Desk, stack: Stack, redis_client: redis.Redis, how: tuple[str, str]
) -> None:
    stack.env["CHATWOOT_INBOX_ID"] = str(desk.sandbox.add_inbox(name="API", channel="api").id)
    stack.start_worker()
    kwargs = f'{{"phone_number": "{PHONE}", "content": "{SECRET_TEXT}"}}'
    stack.celery("call", "tasks.send_message", "--kwargs", kwargs)
    wait_until(desk.posts, what="the message")
    wait_until_idle(redis_client)
    delete_contact(desk, 1)
    (id,) = [int(path.split("/")[6]) for method, path in desk.calls() if path.endswith("/messages")]
    assert f"conversation {id}:" in stack.flask("forget", *how)
    assert keys_of(id, redis_client) == []


def test_chatwoot_away(desk: Desk, stack: Stack) -> None:
    stack.env["CHATWOOT_API_URL"] = "http://127.0.0.1:1"
    assert "nothing was forgotten, Chatwoot cannot be asked now" in stack.flask("forget", "--contact", "1", status=1)


def test_one_of_three_must_be_said(stack: Stack) -> None:
    assert "say one of" in stack.flask("forget", status=2)
    assert "say one of" in stack.flask("forget", "--contact", "1", "--conversation", "3", status=2)
    assert "international form" in stack.flask("forget", "--phone", "623226544", status=2)
    assert "0 is not in the range" in stack.flask("forget", "--contact", "0", status=2)


class TestGone:
    """Chatwoot tells nobody that a contact was deleted. That its conversation is gone is heard when we post there."""

    def test_it_is_forgotten_and_why_it_failed_is_kept(
        self, two: Desk, stack: Stack, redis_client: redis.Redis, everything: redis.Redis
    ) -> None:
        two.sandbox.faults.add("404", method=None, path=r".*/conversations/3(/.*)?$", times=None)
        two.sandbox.customer_writes(SECRET_TEXT, conversation_id=3)
        wait_until(lambda: "conversation_forgotten" in stack.logs(), what="the conversation to be forgotten")
        assert keys_of(3, redis_client) == []
        letter = stack.flask("dead-letters", "list").split("\t")
        assert letter[4].startswith("GET /conversations/3 answered 404")
        assert '"content": ""' in stack.flask("dead-letters", "show", letter[0])
        assert "is gone" in stack.flask("dead-letters", "retry", letter[0], status=1)

    def test_it_is_found_gone_when_we_ask_for_lost_messages(
        self, two: Desk, stack: Stack, redis_client: redis.Redis
    ) -> None:
        two.sandbox.faults.add("404", method="GET", path=r".*/conversations/3(/.*)?$", times=None)
        stack.celery("call", "tasks.reconcile")
        wait_until(lambda: "conversation_forgotten" in stack.logs(), what="the conversation to be forgotten")
        assert keys_of(3, redis_client) == []
        assert keys_of(4, redis_client) != []

    def test_it_is_there_and_only_the_post_was_refused(
        self, two: Desk, stack: Stack, redis_client: redis.Redis
    ) -> None:
        two.sandbox.faults.add("404")
        two.sandbox.customer_writes("Hola", conversation_id=3)
        letter = wait_until(lambda: stack.flask("dead-letters", "list"), what="the dead letter").split("\t")
        wait_until_idle(redis_client)
        assert keys_of(3, redis_client) != []
        stack.flask("dead-letters", "retry", letter[0])
        assert two.wait_for_replies(2, 3)[-1] == "Echo: Hola"


class TestMailbox:
    @pytest.fixture
    def mailbox(self, redis_client: redis.Redis) -> Mailbox:
        return Mailbox(redis_client, account_id=1)

    def test_whoever_thinks_loses_the_turn(self, mailbox: Mailbox) -> None:
        accepted = mailbox.accept(3, 1, '{"id": 1}')
        assert accepted.doorbell is not None
        mailbox.reclaim_overdue(3)
        turn = claim(mailbox, accepted.doorbell.bell)
        assert mailbox.forget(3) == (1, 0, 1, 0)
        with pytest.raises(TurnLost):
            mailbox.commit(turn, ["an act"])
        assert list(mailbox.unfinished()) == []

    def test_dead_letters_of_conversations_with_longer_numbers_stay(self, redis_client: redis.Redis) -> None:
        mailbox = Mailbox(redis_client, account_id=1, shards=1)
        for id in (3, 33):
            mailbox.keep_dead_letter(id, DeadLetterRecord(f"{id}.m1", '{"content": "words"}'))
        assert mailbox.forget(3)[3] == 1
        assert [letter.id for letter in mailbox.dead_letters()] == ["33.m1"]

    def test_reasons_can_be_kept(self, mailbox: Mailbox) -> None:
        mailbox.keep_dead_letter(
            3, DeadLetterRecord("3.m1", '{"reason": "404", "at": 1795388594.738, "attempts": 1, "content": "words"}')
        )
        mailbox.forget(3, keep_reasons=True)
        [letter] = mailbox.dead_letters()
        assert "words" not in letter.record
        assert '"at":1795388594.738' in letter.record
        assert '"reason":"404"' in letter.record


def test_the_index_forgets_in_time(redis_client: redis.Redis) -> None:
    index = ContactIndex(redis_client, 1, ttl_s=100)
    index.add(3, contact_id=7, phone_number=PHONE)
    index.add(4, contact_id=7, phone_number=None)
    assert index.of(contact_id=7) == {3, 4}
    assert index.contacts_of({4, 5}) == {7}
    assert index.contacts_of({5}) == index.contacts_of(set()) == set()
    assert index.of(phone_number=PHONE) == {3}
    keys = list(redis_client.scan_iter(match="contesta:1:*"))
    assert [90 < redis_client.ttl(key) <= 100 for key in keys] == [True, True]
    assert PHONE[1:] not in " ".join(keys)


def claim(mailbox: Mailbox, bell: str) -> object:
    """The turn, once the quiet time is over."""
    return wait_until(lambda: turn if hasattr(turn := mailbox.claim(3, bell), "token") else None, what="the turn")


def delete_contact(desk: Desk, contact_id: int) -> None:
    url = f"{desk.sandbox.url}/api/v1/accounts/1/contacts/{contact_id}"
    httpx.delete(url, headers={"Api-Access-Token": "admin-token"}).raise_for_status()
    desk.sandbox.settle()
