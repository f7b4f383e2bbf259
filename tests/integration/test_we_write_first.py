"""Messages that we start: the contact and the conversation are found, or made, and then it is the same `send_reply`."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from tasks.mailbox.keys import Keys
from tests.desk import Desk
from tests.stack import Stack, wait_until

PHONE = "+34999999999"
ACCOUNT = "/api/v1/accounts/1"
TEMPLATE = {
    "name": "order_update",
    "category": "UTILITY",
    "language": "es",
    "processed_params": {"body": {"1": "Ana"}},
}
IN_WORDS = "Hola Ana, tu pedido está listo."


@pytest.fixture
def api(desk: Desk, stack: Stack) -> int:
    """The id of an inbox without a 24-hour window, which is the one of CHATWOOT_INBOX_ID."""
    inbox = desk.sandbox.add_inbox(name="API", channel="api")
    stack.env["CHATWOOT_INBOX_ID"] = str(inbox.id)
    return inbox.id


def call(stack: Stack, task: str, **kwargs: Any) -> None:
    stack.celery("call", f"tasks.{task}", "--kwargs", json.dumps(kwargs))


def write(stack: Stack, content: str, phone_number: str = PHONE, **more: Any) -> None:
    call(stack, "send_message", phone_number=phone_number, content=content, **more)


def sent(desk: Desk) -> list[str]:
    return [post.body["content"] for post in desk.posts() if post.status == 200]


def made(desk: Desk) -> list[str]:
    """What was made in Chatwoot, messages aside."""
    return [path.rsplit("/", 1)[1] for method, path in desk.calls() if method == "POST" and path.count("/") == 5]


def letters(stack: Stack) -> list[list[str]]:
    return [line.split("\t") for line in stack.flask("dead-letters", "list").splitlines()]


def fail_to_write(stack: Stack, reason: str, content: object = "Hola", **kwargs: Any) -> None:
    call(stack, "send_message", **{"phone_number": PHONE, "content": content, **kwargs})
    wait_until(lambda: reason in stack.logs(), what=f"the refusal: {reason}")


def test_contact_and_conversation_are_made_once_and_then_reused(desk: Desk, stack: Stack, api: int) -> None:
    stack.start_worker()
    write(stack, "Reminder")
    wait_until(lambda: sent(desk) == ["Reminder"], what="the message")
    first = desk.calls()
    assert first == [
        ("POST", f"{ACCOUNT}/contacts/filter"),
        ("GET", f"{ACCOUNT}/inboxes/{api}"),
        ("POST", f"{ACCOUNT}/contacts"),
        ("POST", f"{ACCOUNT}/conversations"),
        ("POST", f"{ACCOUNT}/conversations/1/messages"),
    ]
    write(stack, "Second reminder")
    wait_until(lambda: sent(desk) == ["Reminder", "Second reminder"], what="the second message")
    assert desk.calls()[len(first) :] == [
        ("POST", f"{ACCOUNT}/contacts/filter"),
        ("GET", f"{ACCOUNT}/contacts/1/conversations"),
        ("POST", f"{ACCOUNT}/conversations/1/messages"),
    ]


def test_a_phone_number_is_compared_whole(desk: Desk, stack: Stack, api: int) -> None:
    desk.conversation(7, f"{PHONE}0")
    stack.start_worker()
    write(stack, "Hola")
    wait_until(lambda: sent(desk), what="the message")
    assert desk.replies(7) == []


@pytest.mark.parametrize(
    ("stored", "asked"), [("+5215512345678", "+525512345678"), ("+525512345678", "+5215512345678")]
)
def test_a_number_that_is_written_in_two_ways_is_one_contact(
    stored: str, asked: str, desk: Desk, stack: Stack, api: int
) -> None:
    contact = desk.sandbox.add_contact(name="Ana", phone_number=stored)
    desk.sandbox.add_conversation(inbox_id=api, contact_id=contact.id, id=7)
    stack.start_worker()
    write(stack, "Hola", asked)
    write(stack, "otra vez", stored)
    wait_until(lambda: len(desk.replies(7)) == 2, what="both messages")
    assert made(desk) == []


def test_another_inbox_can_be_named(desk: Desk, stack: Stack, api: int) -> None:
    other = desk.sandbox.add_inbox(name="Another", channel="api")
    stack.start_worker()
    write(stack, "here")
    write(stack, "there", inbox_id=other.id)
    wait_until(lambda: sorted(sent(desk)) == ["here", "there"], what="both messages")
    conversations = [desk.sandbox.conversation(id) for id in desk.sandbox.conversation_ids]
    assert sorted(each["inbox_id"] for each in conversations) == [api, other.id]


def test_an_inbox_of_single_conversations_gives_the_old_one(desk: Desk, stack: Stack) -> None:
    inbox = desk.sandbox.add_inbox(name="Single", channel="api", lock_to_single_conversation=True)
    stack.start_worker()
    write(stack, "one", inbox_id=inbox.id)
    wait_until(lambda: sent(desk) == ["one"], what="the first message")
    [id] = desk.sandbox.conversation_ids
    desk.set_status(id, "resolved")
    write(stack, "two", inbox_id=inbox.id)
    wait_until(lambda: desk.replies(id) == ["one", "two"], what="the second message, in the same conversation")
    assert desk.sandbox.conversation_ids == [id]


class TestOnce:
    @pytest.mark.parametrize("workers", [1, 2])
    def test_many_copies_of_one_call_at_the_same_moment(self, desk: Desk, stack: Stack, api: int, workers: int) -> None:
        """As after a visibility timeout: they wait for the first one, and find that all is done."""
        for _ in range(workers):
            stack.start_worker()
        with ThreadPoolExecutor(6) as callers:
            list(callers.map(lambda _: write(stack, "Reminder", key="of today"), range(6)))
        write(stack, "the end")
        wait_until(lambda: "the end" in sent(desk), what="the last message")
        assert sorted(sent(desk)) == ["Reminder", "the end"]
        assert made(desk) == ["contacts", "conversations"]

    def test_also_after_the_conversation_was_resolved(self, desk: Desk, stack: Stack, api: int) -> None:
        stack.start_worker()
        write(stack, "Reminder", key="of today")
        wait_until(lambda: sent(desk) == ["Reminder"], what="the message")
        desk.set_status(1, "resolved")
        write(stack, "Reminder", key="of today")
        write(stack, "News", key="of tomorrow")
        wait_until(lambda: "News" in sent(desk), what="another message")
        assert desk.replies(1) == ["Reminder"]
        assert desk.replies(2) == ["News"]

    def test_one_key_for_many_people(self, desk: Desk, stack: Stack, api: int) -> None:
        stack.start_worker()
        write(stack, "To one", key="campaign")
        write(stack, "To another", "+34600000007", key="campaign")
        wait_until(lambda: sorted(sent(desk)) == ["To another", "To one"], what="both messages")

    def test_different_messages_to_a_new_contact_at_once(self, desk: Desk, stack: Stack, api: int) -> None:
        stack.start_worker()
        texts = [f"message {number}" for number in range(4)]
        with ThreadPoolExecutor(4) as callers:
            list(callers.map(lambda text: write(stack, text), texts))
        wait_until(lambda: sorted(sent(desk)) == texts, what="the messages")
        assert made(desk) == ["contacts", "conversations"]

    @pytest.mark.parametrize("fault", ["500-after-storing", "500", "429"])
    def test_chatwoot_fails_at_first(self, desk: Desk, stack: Stack, api: int, fault: str) -> None:
        for path in ("contacts", "conversations"):
            desk.sandbox.faults.add(fault, method="POST", path=f"{ACCOUNT}/{path}", times=1)
        stack.start_worker()
        write(stack, "Reminder")
        wait_until(lambda: sent(desk) == ["Reminder"], what="the message")
        assert len(desk.sandbox.conversation_ids) == 1

    def test_a_worker_killed_after_it_made_the_conversation(
        self, desk: Desk, stack: Stack, api: int, redis_client: redis.Redis
    ) -> None:
        """The next delivery of its call goes on, once the dead worker's claim has ended."""
        worker = stack.start_worker(CONTESTA_DIE_AT="post.before")
        write(stack, "Reminder", key="of today")
        wait_until(lambda: not worker.is_alive, what="the worker to be killed")
        stack.start_worker()
        write(stack, "Reminder", key="of today")
        wait_until(lambda: sent(desk) == ["Reminder"], what="the message")
        assert made(desk) == ["contacts", "conversations"]


class TestWhatsAppsWindow:
    def test_within_it_free_text(self, desk: Desk, stack: Stack) -> None:
        desk.conversation(3, PHONE)
        desk.sandbox.customer_writes("Hola", conversation_id=3)
        stack.start_worker()
        write(stack, IN_WORDS, template_params=TEMPLATE)
        wait_until(lambda: desk.posts(), what="the message")
        assert "template_params" not in desk.posts()[0].body

    def test_outside_it_the_template(self, desk: Desk, stack: Stack) -> None:
        desk.conversation(3, PHONE)
        desk.sandbox.customer_writes("Hola", conversation_id=3)
        desk.sandbox.age(3, seconds=25 * 3600)
        stack.start_worker()
        write(stack, IN_WORDS, template_params=TEMPLATE)
        wait_until(lambda: desk.replies(3), what="the message")
        assert desk.posts()[0].body["template_params"] == TEMPLATE
        wait_until(lambda: desk.sandbox.messages(3)[-1]["source_id"], what="WhatsApp to take it")

    def test_outside_it_free_text_is_refused_and_nothing_posted(self, desk: Desk, stack: Stack) -> None:
        desk.conversation(3, PHONE)
        stack.start_worker()
        fail_to_write(stack, "24-hour window")
        assert desk.posts() == []
        ((_, _, what, _, reason),) = letters(stack)
        assert what == "writing_first"
        assert reason.startswith("outside WhatsApp's 24-hour window")

    def test_it_can_be_tried_again_once_the_customer_has_written(self, desk: Desk, stack: Stack) -> None:
        desk.conversation(3, PHONE)
        stack.start_worker()
        fail_to_write(stack, "24-hour window")
        ((id, *_),) = letters(stack)
        desk.sandbox.customer_writes("Hola", conversation_id=3)
        assert "tried again" in stack.flask("dead-letters", "retry", id)
        wait_until(lambda: desk.replies(3) == ["Hola"], what="the message")
        assert letters(stack) == []

    def test_for_somebody_new_nothing_is_made_without_a_template(self, desk: Desk, stack: Stack) -> None:
        stack.start_worker()
        fail_to_write(stack, "24-hour window")
        assert made(desk) == []
        write(stack, IN_WORDS, template_params=TEMPLATE)
        wait_until(lambda: sent(desk) == [IN_WORDS], what="the message")
        assert made(desk) == ["contacts", "conversations"]

    def test_a_reply_by_hand_takes_a_template_too(self, desk: Desk, stack: Stack) -> None:
        desk.conversation(3)
        stack.start_worker()
        call(stack, "send_reply", conversation_id=3, content=IN_WORDS, template_params=TEMPLATE)
        wait_until(lambda: desk.posts(), what="the message")
        assert desk.posts()[0].body["template_params"] == TEMPLATE


class TestLateFailure:
    """Chatwoot has stored the message with 200, and the channel refuses it later."""

    def test_is_a_dead_letter_once_and_can_be_tried_again(self, desk: Desk, stack: Stack) -> None:
        stack.start_web()
        stack.start_worker()
        desk.conversation(3)
        call(stack, "send_reply", conversation_id=3, content="Hola")  # no window, and nobody looks for a reply by hand
        [(id, _, what, _, reason)] = wait_until(lambda: letters(stack), what="the dead letter")
        assert (what, reason) == ("post", "not delivered: Template not found or invalid template name")
        message_id = int(desk.sandbox.messages(3)[-1]["id"])
        desk.sandbox.channel_reports(message_id, "failed", "131047: once more")
        desk.sandbox.settle()
        assert [letter[0] for letter in letters(stack)] == [id]

        desk.sandbox.customer_writes("Hola", conversation_id=3)
        assert "Hola" in stack.flask("dead-letters", "show", id)
        wait_until(lambda: len(desk.replies(3)) == 2, what="the bot's answer")
        assert "answered since" in stack.flask("dead-letters", "retry", id, status=1)

    def test_can_be_tried_again(self, desk: Desk, stack: Stack) -> None:
        stack.start_web()
        stack.start_worker()
        desk.conversation(3)
        call(stack, "send_reply", conversation_id=3, content="Hola")
        [(id, *_)] = wait_until(lambda: letters(stack), what="the dead letter")
        stack.flask("dead-letters", "retry", id)
        wait_until(lambda: desk.replies(3) == ["Hola", "Hola"], what="the message, anew")

    def test_of_a_template_is_tried_again_as_a_template(self, desk: Desk, stack: Stack) -> None:
        stack.start_web()
        stack.start_worker()
        desk.conversation(3)
        template = {**TEMPLATE, "name": "not_approved_yet"}
        call(stack, "send_reply", conversation_id=3, content=IN_WORDS, template_params=template)
        [(id, *_)] = wait_until(lambda: letters(stack), what="the dead letter")
        stack.flask("dead-letters", "retry", id)
        wait_until(lambda: len(desk.posts()) == 2, what="the message, anew")
        assert [post.body["template_params"] for post in desk.posts()] == [template, template]

    def test_of_a_persons_message_is_theirs(self, desk: Desk, stack: Stack) -> None:
        stack.start_web()
        desk.conversation(3)
        desk.person_writes("I am on it", 3)
        wait_until(lambda: desk.sandbox.messages(3)[-1]["status"] == "failed", what="WhatsApp to refuse it")
        desk.sandbox.settle()
        assert letters(stack) == []


class TestBadInput:
    """A clear answer, nothing asked of Chatwoot, nothing lost. All there is: test_arguments.py of the unit tests."""

    def test_what_makes_no_sense_is_a_dead_letter(self, desk: Desk, stack: Stack) -> None:
        stack.start_worker()
        bad = {
            "must be in international form": {"phone_number": "999 99 99 99"},
            "content must be a text that is not empty": {"content": {"text": "Hola"}},
            "inbox_id must be a positive number": {"inbox_id": -1},
            "template_params must be an object with a name": {"template_params": {"language": "es"}},
        }
        for reason, kwargs in bad.items():
            fail_to_write(stack, reason, **{"content": "Hola", **kwargs})
        reasons = [letter[4] for letter in letters(stack)]
        assert [reason in kept for reason, kept in zip(bad, reasons, strict=True)] == [True] * len(bad)
        assert desk.calls() == []

    def test_odd_arguments_are_named(self, desk: Desk, stack: Stack) -> None:
        stack.start_worker()
        call(stack, "send_message", content="Hola")
        call(stack, "send_reply", content="Hola")
        call(stack, "send_reply", conversation_id=3, contents="Hola")
        for words in ("argument: 'phone_number'", "argument: 'conversation_id'", "keyword argument 'contents'"):
            wait_until(lambda: words in stack.logs(), what=words)  # noqa: B023
        assert desk.calls() == []

    def test_a_reply_by_hand(self, desk: Desk, stack: Stack) -> None:
        stack.start_worker()
        call(stack, "send_reply", conversation_id=-3, content="Hola")
        call(stack, "send_reply", conversation_id=3, content=["Hola"])
        call(stack, "send_reply", conversation_id=3, content="Hola", template_params={})
        for words in ("conversation_id must be", "content must be", "template_params must be"):
            wait_until(lambda: words in stack.logs(), what=words)  # noqa: B023
        assert desk.calls() == []

    def test_an_unknown_inbox_makes_nothing(self, desk: Desk, stack: Stack) -> None:
        stack.start_worker()
        fail_to_write(stack, "there is no such inbox in the account", inbox_id=99)
        assert [each.status for each in desk.sandbox.requests if each.path.endswith("/contacts")] == [404]
        ((*_, reason),) = letters(stack)
        assert reason.startswith("there is no such inbox in the account")

    def test_a_bots_token_may_not_look_for_contacts(self, desk: Desk, stack: Stack) -> None:
        del stack.env["CHATWOOT_API_TOKEN"]
        stack.start_worker()
        fail_to_write(stack, "send_message needs CHATWOOT_API_TOKEN")
        assert desk.calls() == []
        ((*_, reason),) = wait_until(lambda: letters(stack), what="the dead letter")
        assert reason.startswith("send_message needs CHATWOOT_API_TOKEN")

    def test_half_a_surrogate_pair_is_lost_nowhere(self, desk: Desk, stack: Stack, api: int) -> None:
        stack.start_worker()
        call(stack, "send_message", phone_number="nobody", content="Hola", key="a key \ud83d")
        wait_until(lambda: letters(stack), what="the dead letter")
        call(stack, "send_message", phone_number=PHONE, content="one", key="a key \ud83d")
        wait_until(lambda: sent(desk) == ["one"], what="the message")
        call(stack, "send_reply", conversation_id=1, content="two", key="another \ud83d")
        wait_until(lambda: sent(desk) == ["one", "two"], what="the reply")


class TestRedisKeepsNothing:
    """What it cannot keep now, as a message or as a dead letter, the broker still has."""

    def test_it_refuses_dead_letters_only(self, stack: Stack, redis_client: redis.Redis) -> None:
        stack.start_worker()
        key = Keys(1, 16).dead_letters(Keys(1, 16).shard(0))
        redis_client.set(key, "no hash", ex=600)
        fail_to_write(stack, "call_not_kept", phone_number="nobody")
        redis_client.delete(key)
        wait_until(lambda: letters(stack), what="the dead letter")

    def test_it_is_full(self, desk: Desk, stack: Stack, redis_client: redis.Redis) -> None:
        stack.start_worker()
        for task, kwargs in (
            ("send_message", {"phone_number": "nobody", "content": "Hola"}),
            ("send_reply", {"conversation_id": 99, "content": "Hola"}),
        ):
            stack.celery("call", f"tasks.{task}", "--kwargs", json.dumps(kwargs), "--countdown", "5")
        redis_client.config_set("maxmemory", 1)
        wait_until(lambda: stack.logs().count("call_not_kept") >= 4, what="both to be refused, and again")
        redis_client.config_set("maxmemory", 0)
        wait_until(lambda: {letter[2] for letter in letters(stack)} == {"writing_first", "post"}, what="both letters")
