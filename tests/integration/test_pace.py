"""Chatwoot's limits are kept over all workers, by coming again later; nobody sleeps, nothing fails for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import redis

from chatwoot.responses import Call
from tasks.mailbox import Mailbox, Sending
from tasks.runtime.rate_limit import Limits, NotNow, RateLimit
from tests.desk import Desk
from tests.stack import Stack, wait_until

CONTACT = Call("GET", "/contacts/1")
LONG_S = 0.5
"""Much longer than a post takes that does nothing."""


def pace(client: redis.Redis, limits: Limits = Limits(), owner: str = "") -> RateLimit:  # noqa: B008 - it is frozen
    return RateLimit(client, 1, limits, owner=owner)


class TestRates:
    def test_a_conversation_has_its_own(self, redis_client: redis.Redis) -> None:
        ours = pace(redis_client, Limits(posts_per_minute=2))
        for _ in range(2):
            with ours.posting(3):
                pass
        with pytest.raises(NotNow, match="2 posts a minute") as refused, ours.posting(3):
            pytest.fail("it was posted")
        assert 50 < (refused.value.retry_after_s or 0) <= 72
        with ours.posting(4):
            pass

    def test_all_processes_share_them(self, redis_client: redis.Redis) -> None:
        pace(redis_client, Limits(calls_per_minute=1)).before(CONTACT)
        with pytest.raises(NotNow, match="1 calls a minute"):
            pace(redis_client, Limits(calls_per_minute=1)).before(CONTACT)

    def test_no_ceiling_counts_nothing(self, redis_client: redis.Redis) -> None:
        pace(redis_client, Limits(calls_per_minute=0)).before(CONTACT)
        assert list(redis_client.scan_iter()) == []

    def test_without_redis_a_call_is_made(self) -> None:
        with redis.Redis.from_url("redis://127.0.0.1:1", decode_responses=True) as nowhere:
            pace(nowhere).before(CONTACT)


class TestSeats:
    @pytest.fixture
    def taken(self, redis_client: redis.Redis) -> Iterator[RateLimit]:
        """Two slots, both taken by another worker."""
        others = pace(redis_client, Limits(posts_in_flight=2), owner="elsewhere/1/1")
        with ExitStack() as posts:
            for conversation_id in (3, 4):
                posts.enter_context(others.posting(conversation_id))
            yield others

    def test_who_finds_none_comes_again_soon(self, taken: RateLimit, redis_client: redis.Redis) -> None:
        with (
            pytest.raises(NotNow, match="in flight") as refused,
            pace(redis_client, Limits(posts_in_flight=2)).posting(5),
        ):
            pytest.fail("it was posted")
        assert 0 < (refused.value.retry_after_s or 0) < 1

    def test_the_more_wait_the_more_seldom_each_asks(self, taken: RateLimit, redis_client: redis.Redis) -> None:
        waits: list[float] = []
        for conversation_id in range(100, 200):
            with pytest.raises(NotNow) as refused, taken.posting(conversation_id):
                pytest.fail("it was posted")
            waits.append(refused.value.retry_after_s or 0)
        assert max(waits[:3]) < min(waits[-3:])

    def test_one_comes_free_when_its_post_ends_badly(self, redis_client: redis.Redis) -> None:
        ours = pace(redis_client, Limits(posts_in_flight=1))
        with pytest.raises(ZeroDivisionError), ours.posting(3):
            raise ZeroDivisionError
        with ours.posting(3):
            pass

    def test_that_of_a_dead_process_comes_free_when_its_death_is_known(self, redis_client: redis.Redis) -> None:
        dead = pace(redis_client, Limits(posts_in_flight=1), owner="elsewhere/1/1")
        with dead.posting(3):
            ours = pace(redis_client, Limits(posts_in_flight=1))
            assert (ours.free_slots_of("elsewhere/1/11"), ours.free_slots_of("elsewhere/1/1")) == (0, 1)
            with ours.posting(4):
                pass

    def test_that_of_a_dead_machine_comes_free_by_itself(self, redis_client: redis.Redis) -> None:
        dead = pace(redis_client, Limits(posts_in_flight=1, slot_s=0.3), owner="elsewhere/1/1")
        ours = pace(redis_client, Limits(posts_in_flight=1, slot_s=0.3))

        def posted() -> bool:
            try:
                with ours.posting(4):
                    return True
            except NotNow:
                return False

        with dead.posting(3):
            assert not posted()
            wait_until(posted, what="the slot")


def test_a_try_that_was_not_let_do_anything_does_not_count(redis_client: redis.Redis) -> None:
    mailbox = Mailbox(redis_client, account_id=1)
    mailbox.enqueue(3, "key", "action")
    begun = mailbox.begin_sending(3)
    assert isinstance(begun, Sending)
    mailbox.defer(begun, delay_s=0)
    again = mailbox.begin_sending(3)
    assert isinstance(again, Sending)
    assert (begun.tries, again.tries, again.doubt_s) == (1, 1, 0)


def test_what_was_in_doubt_before_is_in_doubt_after(redis_client: redis.Redis) -> None:
    mailbox = Mailbox(redis_client, account_id=1)
    mailbox.enqueue(3, "key", "action")
    first = mailbox.begin_sending(3)
    assert isinstance(first, Sending)
    mailbox.release(first, delay_s=0, decided=False)
    second = mailbox.begin_sending(3)
    assert isinstance(second, Sending)
    mailbox.defer(second, delay_s=0)
    third = mailbox.begin_sending(3)
    assert isinstance(third, Sending)
    assert (second.tries, third.tries) == (2, 2)
    assert 0 < third.doubt_s <= second.doubt_s + 0.5


class TestWhoHangs:
    def test_is_waiting_and_not_working(self, redis_client: redis.Redis) -> None:
        """Two slots, both held by posts that hang: after a while others may post beside them."""
        ours = pace(redis_client, Limits(posts_in_flight=2, patience_s=0.05))
        with ours.posting(3), ours.posting(4):
            wait_until(lambda: is_let_in(ours, 5), what="another to be let in")

    def test_in_any_number_they_are_too_many(self, redis_client: redis.Redis) -> None:
        """Of a Chatwoot that hangs altogether no more is asked."""
        ours = pace(redis_client, Limits(posts_in_flight=1, patience_s=0.0, most_in_flight=3))
        with ExitStack() as posts:
            for conversation_id in (3, 4, 5):
                posts.enter_context(ours.posting(conversation_id))
                time.sleep(LONG_S)
            assert not is_let_in(ours, 6)

    def test_known_to_hang_they_have_no_more_than_the_slots(self, redis_client: redis.Redis) -> None:
        ours = pace(redis_client, Limits(posts_in_flight=1, patience_s=0.0))
        for conversation_id in (3, 4):
            with ours.posting(conversation_id):
                time.sleep(LONG_S)
        with ours.posting(3):
            time.sleep(LONG_S)
            assert not is_let_in(ours, 4)
            assert is_let_in(ours, 5)

    def test_a_chatwoot_that_is_slow_altogether_is_given_its_time(self, redis_client: redis.Redis) -> None:
        """What posts take as a rule is learnt: a slow one is not asked for more at a time."""
        ours = pace(redis_client, Limits(posts_in_flight=1, patience_s=0.02))
        for conversation_id in range(10, 50):
            with ours.posting(conversation_id):
                time.sleep(0.05)
        with ours.posting(3):
            time.sleep(0.05)
            assert not is_let_in(ours, 4)


def is_let_in(limit: RateLimit, conversation_id: int) -> bool:
    try:
        with limit.posting(conversation_id):
            return True
    except NotNow:
        return False


def in_flight(desk: Desk) -> list[object]:
    return [post for post in desk.posts() if post.in_flight]


class TestAllTheWay:
    def test_who_writes_goes_before_who_was_found(self, desk: Desk, stack: Stack) -> None:
        """Eighty wait of whom no webhook told. They are answered little by little, and whoever writes is at once."""
        stack.env |= {"CHATWOOT_RATE_PER_MINUTE": "480", "RECONCILE_GRACE_SECONDS": "0", "RECONCILE_SECONDS": "0"}
        stack.start_web()
        stack.start_worker()
        lost = [desk.conversation(id, f"+3460000{id:04}") for id in range(1, 81)]
        desk.conversation(99, "+34600009999")
        desk.sandbox.webhook_faults.add("never", content="lost", times=None)
        for id in lost:
            desk.sandbox.customer_writes("lost", conversation_id=id)
        desk.sandbox.set_pace(5)
        stack.celery("call", "tasks.reconcile")

        def found() -> int:
            return sum(bool(desk.replies(id)) for id in lost)

        wait_until(lambda: found() >= 12, what="the first of them to be answered")
        before = found()
        desk.sandbox.customer_writes("Hola", conversation_id=99)
        desk.wait_for_replies(1, 99)
        assert found() - before < 6

    def test_who_hangs_holds_up_nobody(self, desk: Desk, stack: Stack) -> None:
        """As many hang as may be in flight, and one more: others are answered before any of them is."""
        stack.env |= {"POSTS_IN_FLIGHT": "2", "CHATWOOT_TIMEOUT_SECONDS": "120"}
        stack.start_web()
        stack.start_worker()
        ids = [desk.conversation(id, f"+3460000{id:04}") for id in range(1, 9)]
        desk.sandbox.faults.add("hang", times=None, seconds=120, path=r".*/conversations/[123]/messages$")
        for id in ids[:3]:
            desk.sandbox.customer_writes("Hola", conversation_id=id)
        wait_until(lambda: len(in_flight(desk)) >= 2, what="the slots to be taken")
        for id in ids[3:]:
            desk.sandbox.customer_writes("Hola", conversation_id=id)
        wait_until(lambda: all(desk.replies(id) for id in ids[3:]), what="the others to be answered")
        assert len(in_flight(desk)) >= 2
        desk.sandbox.faults.clear()

    def test_posts_in_flight_are_capped_over_all_workers(self, desk: Desk, stack: Stack) -> None:
        stack.env["POSTS_IN_FLIGHT"] = "2"
        stack.start_web()
        for _ in range(2):
            stack.start_worker()
        ids = [desk.conversation(id, f"+3460000{id:04}") for id in range(1, 9)]
        desk.sandbox.faults.add("slow", method="POST", path=r".*/messages$", times=100, seconds=0.3)
        for id in ids:
            desk.sandbox.customer_writes("Hola", conversation_id=id)
        seen: set[int] = set()

        def all_answered() -> bool:
            seen.add(sum(post.status is None for post in desk.posts()))
            return all(desk.replies(id) for id in ids)

        wait_until(all_answered, what="all to be answered")
        assert max(seen) == 2
        assert len(desk.posts()) == len(ids)
        assert "task_failed" not in stack.logs()

    def test_a_ceiling_is_kept_and_the_rest_waits(self, desk: Desk, stack: Stack) -> None:
        """Of six bubbles three are let through in this minute, after one asking each; and nothing fails."""
        stack.env |= {
            "CHATWOOT_RATE_PER_MINUTE": "5",
            "LOOK_BEFORE_THINKING": "late",
            "GRAPH": "tests.graphs_that_want:obedient",
        }
        stack.start_web()
        stack.start_worker()
        for id in (3, 4):
            desk.conversation(id, f"+3460000{id:04}")
            desk.sandbox.customer_writes("bubbles", conversation_id=id)
        wait_until(
            lambda: (
                len([each for each in desk.sandbox.requests if each.status]) == 5 and "send_postponed" in stack.logs()
            ),
            what="the rest to wait",
        )
        made = sorted((call.method, call.status) for call in desk.sandbox.requests)
        assert made == [("GET", 200)] * 2 + [("POST", 200)] * 3
        assert len(desk.replies(3) + desk.replies(4)) == 3
