"""Promise 2: whatever happens twice, the customer sees a reply once. The single steps are in test_every_step.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import redis

from tests.desk import Desk
from tests.proxy import ImpatientProxy
from tests.stack import SECRET, Process, Stack, wait_until
from tests.tally import answered, of_conversation

STATEMENT_TIMEOUT = "PG::QueryCanceled: ERROR:  canceling statement due to statement timeout"
REDIS_TIMEOUT = "Waited 1 seconds (redis://redis:6379)"


def test_each_webhook_twice_as_accounts_and_as_bots(bot_desk: Desk, stack: Stack) -> None:
    """The same message comes four times; two workers would like to answer it."""
    desk = bot_desk
    desk.sandbox.add_webhook(url=stack.webhook_url, secret=SECRET)
    desk.sandbox.webhook_faults.add("twice", times=None)
    stack.start_web()
    stack.start_worker()
    stack.start_worker()
    for id in range(1, 6):
        desk.conversation(id, f"+3462322654{id}")
        for text in ("one", "two", "three"):
            desk.sandbox.customer_writes(text, conversation_id=id)
    desk.sandbox.settle()
    for id in range(1, 6):
        desk.sandbox.customer_writes("and now?", conversation_id=id)
    wait_until(lambda: not any(of_conversation(desk, id).lost for id in range(1, 6)), what="every reply")
    desk.sandbox.settle()
    assert all(of_conversation(desk, id).is_clean for id in range(1, 6))


def test_a_channel_delivers_twice(desk: Desk, stack: Stack) -> None:
    """Chatwoot makes two messages of it, with the channel's one id."""
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    for _ in range(2):
        desk.sandbox.customer_writes("one", conversation_id=3, source_id="SM1")
    desk.sandbox.settle()
    desk.sandbox.customer_writes("two", conversation_id=3, source_id="SM2")
    wait_until(lambda: "two" in answered(desk.replies()), what="the last answer")
    assert answered(desk.replies()) == ["one", "two"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("500-after-storing", ""),
        ("422-after-storing", STATEMENT_TIMEOUT),
        ("422-after-storing", REDIS_TIMEOUT),
        ("reset-after-storing", ""),
        ("hang-after-storing", ""),
    ],
)
@pytest.mark.parametrize("tells", [True, False])
def test_chatwoot_stored_it_and_said_otherwise(tells: bool, kind: str, text: str, desk: Desk, stack: Stack) -> None:
    """A webhook of our own reply may tell that it is there; without, Chatwoot is asked."""
    if not tells:
        desk.sandbox.webhook_faults.add("never", event=None, content="Echo: ", times=None)
    stack.env["CHATWOOT_TIMEOUT_SECONDS"] = "1"
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.faults.add(kind, text=text)
    desk.sandbox.customer_writes("one", conversation_id=3)
    desk.wait_for_replies(1)
    desk.sandbox.customer_writes("two", conversation_id=3)
    desk.wait_for_replies(2)
    assert of_conversation(desk, 3).is_clean, desk.replies()


@pytest.mark.parametrize("how", ["killed", "500"])
def test_people_take_over_between_the_storing_and_the_second_try(how: str, desk: Desk, stack: Stack) -> None:
    """It was said: handed back without an answer of theirs, it is not said again. No webhook tells of it."""
    stack.env["CHATWOOT_STORING_SECONDS"] = "1"
    desk.sandbox.webhook_faults.add("never", event=None, content="Echo: ", times=None)
    stack.start_web()
    if how == "killed":
        worker = stack.start_worker(CONTESTA_DIE_AT="post.after")
    else:
        worker = stack.start_worker()
        desk.sandbox.faults.add("500-after-storing")
    desk.conversation(3)
    desk.sandbox.customer_writes("one", conversation_id=3)
    wait_until(lambda: desk.replies(), what="the reply to be stored")
    desk.assign_to_a_person(3)
    if how == "killed":
        wait_until(lambda: not worker.is_alive, what="the worker to die")
        stack.start_worker()
    desk.sandbox.settle()
    wait_until(lambda: looks(desk), what="a look for the reply")
    desk.assign_to_a_person(3, None)
    desk.sandbox.settle()
    desk.sandbox.customer_writes("two", conversation_id=3)
    desk.wait_for_replies(2)
    assert of_conversation(desk, 3).is_clean, desk.replies()


def looks(desk: Desk) -> list[Any]:
    """For what was posted: the list, after the first post."""
    posted = next((each.at for each in desk.posts()), float("inf"))
    return [
        each
        for each in desk.sandbox.requests
        if each.path.endswith("/messages") and each.method == "GET" and each.at > posted
    ]


def test_killed_while_chatwoot_is_still_storing(desk: Desk, stack: Stack, redis_client: redis.Redis) -> None:
    """Who takes over finds no reply yet, and must not conclude that there will be none."""
    stack.env["CHATWOOT_STORING_SECONDS"] = "6"
    desk.sandbox.set_pace(0.33)  # 3 s for each message
    sender = a_sender(desk, stack, redis_client)
    sender.kill()
    check_that_it_goes_on(desk)


@pytest.mark.parametrize("tells", [True, False])
def test_a_look_fails_while_chatwoot_is_still_storing(
    tells: bool, desk: Desk, stack: Stack, redis_client: redis.Redis
) -> None:
    """That nobody could look says nothing of the reply: it is not posted again before it can be seen."""
    if not tells:
        desk.sandbox.webhook_faults.add("never", event=None, content="Echo: ", times=None)
    stack.env["CHATWOOT_STORING_SECONDS"] = "10"
    desk.sandbox.set_pace(0.11)  # 9 s for each message
    sender = a_sender(desk, stack, redis_client)
    look = desk.sandbox.faults.add("503", method="GET")
    sender.kill()
    wait_until(lambda: look.hits, what="a look to fail")
    check_that_it_goes_on(desk)


@pytest.mark.parametrize("status", [408, 502, 503, 504, 520])
def test_a_proxy_gives_up_while_chatwoot_is_still_storing(status: int, desk: Desk, stack: Stack) -> None:
    """Its word is no word of Chatwoot's: the reply may yet come. No webhook of our own tells that it is there."""
    desk.sandbox.webhook_faults.add("never", event=None, content="Echo: ", times=None)
    desk.sandbox.set_pace(0.25)  # 4 s for each message
    with ImpatientProxy(desk.sandbox.url, status) as proxy:
        stack.env |= {"CHATWOOT_API_URL": proxy.url, "CHATWOOT_STORING_SECONDS": "5"}
        stack.start_web()
        stack.start_worker()
        desk.conversation(3)
        desk.sandbox.customer_writes("one", conversation_id=3)
        check_that_it_goes_on(desk)


@pytest.mark.parametrize("dies", [False, True])
def test_frozen_for_longer_than_storing_may_take(
    dies: bool, desk: Desk, stack: Stack, redis_client: redis.Redis
) -> None:
    """The post waits in Chatwoot's backlog and is begun at the thaw only, whoever has given up waiting, or died.

    So what is not there then may still come. No webhook of our own tells that it has.
    """
    desk.sandbox.webhook_faults.add("never", event=None, content="Echo: ", times=None)
    stack.env |= {"CHATWOOT_TIMEOUT_SECONDS": "1", "CHATWOOT_STORING_SECONDS": "5"}
    desk.sandbox.set_pace(0.4)  # 2.5 s for each message
    desk.sandbox.faults.add("frozen", seconds=120)
    sender = a_sender(desk, stack, redis_client)
    posted_at = desk.posts()[0].at
    if dies:
        sender.kill()
    wait_until(lambda: any(look.at > posted_at + 5 for look in looks(desk)), what="a look after the time for storing")
    desk.sandbox.faults.clear()
    check_that_it_goes_on(desk)


@pytest.mark.parametrize("kind", ["500-after-storing", "422-after-storing", "reset-after-storing"])
def test_a_list_that_lags_behind(kind: str, desk: Desk, stack: Stack) -> None:
    """What was stored is not to be seen in it for a while. No webhook of our own tells that it is there."""
    desk.sandbox.webhook_faults.add("never", event=None, content="Echo: ", times=None)
    desk.sandbox.let_lists_lag(4)
    stack.env |= {"CHATWOOT_STORING_SECONDS": "6", "LOOK_BEFORE_THINKING": "late"}
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.faults.add(kind)
    desk.sandbox.customer_writes("one", conversation_id=3)
    check_that_it_goes_on(desk)


def test_much_is_said_between_the_post_and_the_look(desk: Desk, stack: Stack) -> None:
    """More than a page of Chatwoot's list. No webhook of our own tells that the message is there."""
    worker = a_worker_that_dies_after_posting("by hand", desk, stack)
    stack.celery("call", "tasks.send_reply", "--kwargs", '{"conversation_id": 3, "content": "by hand"}')
    wait_until(lambda: not worker.is_alive, what="the worker to die")
    write_much(desk, 25)
    stack.start_worker()
    wait_until(lambda: "more 24" in answered(desk.replies()), what="the rest to be answered")
    assert desk.replies().count("by hand") == 1


def test_much_is_said_before_the_post(desk: Desk, stack: Stack) -> None:
    """More than a page after the message that it answers."""
    worker = a_worker_that_dies_after_posting("Echo: one", desk, stack)
    desk.sandbox.faults.add("429-retry-after", seconds=8)
    desk.sandbox.customer_writes("one", conversation_id=3)
    wait_until(desk.posts, what="the post that is refused")
    write_much(desk, 120)
    wait_until(lambda: not worker.is_alive, what="the worker to die")
    stack.start_worker()
    wait_until(lambda: "more 119" in answered(desk.replies()), what="the rest to be answered")
    assert desk.replies().count("Echo: one") == 1


def a_worker_that_dies_after_posting(text: str, desk: Desk, stack: Stack) -> Process:
    """No webhook tells of what it has posted."""
    desk.sandbox.webhook_faults.add("never", event=None, content=text, times=None)
    stack.start_web()
    desk.conversation(3)
    return stack.start_worker(CONTESTA_DIE_AT="post.after")


def write_much(desk: Desk, count: int) -> None:
    for number in range(count):
        desk.sandbox.customer_writes(f"more {number}", conversation_id=3)
    desk.sandbox.settle()


def test_kept_waiting_until_its_time_was_over(desk: Desk, stack: Stack, redis_client: redis.Redis) -> None:
    """Posts in flight are capped. Who waited for so long that another took over must not post any more."""
    stack.env |= {"POSTS_IN_FLIGHT": "1", "POST_PATIENCE_SECONDS": "60", "TURN_SECONDS": "1"}
    stack.start_web()
    stack.start_worker()
    desk.conversation(4, "+34623226545")
    desk.conversation(3)
    desk.sandbox.faults.add("slow", seconds=8)
    desk.sandbox.customer_writes("four", conversation_id=4)
    wait_until(desk.posts, what="the one post that may be in flight")
    desk.sandbox.customer_writes("one", conversation_id=3)
    wait_until(lambda: "sending" in stage(redis_client, 3), what="the other to wait for its turn")
    stack.start_worker()
    desk.wait_for_replies(1)
    wait_until(lambda: not any(post.in_flight for post in desk.posts()), what="the one post to end")
    desk.sandbox.customer_writes("two", conversation_id=3)
    wait_until(lambda: not of_conversation(desk, 3).lost, what="the next reply")
    desk.sandbox.customer_writes("five", conversation_id=4)
    wait_until(lambda: not of_conversation(desk, 4).lost, what="the other next reply")
    assert of_conversation(desk, 3).is_clean, desk.replies(3)
    assert of_conversation(desk, 4).is_clean, desk.replies(4)


def a_sender(desk: Desk, stack: Stack, client: redis.Redis) -> Process:
    """The one of two workers whose reply is on its way to a slow Chatwoot."""
    stack.start_web()
    workers = [stack.start_worker(), stack.start_worker()]
    desk.conversation(3)
    desk.sandbox.customer_writes("one", conversation_id=3)
    wait_until(desk.posts, what="the reply to be on its way")
    return holder(client, workers)


def check_that_it_goes_on(desk: Desk) -> None:
    """The reply comes, once, and so does the next one."""
    desk.wait_for_replies(1)
    desk.sandbox.set_pace(None)
    desk.sandbox.customer_writes("two", conversation_id=3)
    wait_until(lambda: not of_conversation(desk, 3).lost, what="the next reply")
    assert of_conversation(desk, 3).is_clean, desk.replies()


def stage(client: redis.Redis, conversation_id: int) -> str:
    """Of a conversation's mailbox; "sending" where somebody holds the outbox."""
    for key in client.scan_iter(f"contesta:*:{conversation_id}:state"):
        state = client.hgetall(key)
        is_held = state["stage"] == "replying" and state["token"]
        return "sending" if is_held else str(state["stage"])
    return "none"


def holder(client: redis.Redis, workers: Sequence[Process]) -> Process:
    """Who holds the only conversation there is: its process number is in the token."""
    (state,) = client.scan_iter("contesta:*:state")
    token = str(client.hget(state, "token"))
    return next(worker for worker in workers if f"/{worker.pid}/" in token)
