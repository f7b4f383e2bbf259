"""Whatever workers, customers and time do to the mailbox, in whatever order: nothing lost, nothing twice, in order.

A Hypothesis state machine plays several workers, dying ones and ones that wake too late with old tokens. It keeps its
own `Book` of what must be so by what the mailbox has answered, and after every step looks into the mailbox:

- I1 a conversation is watched if, and only if, it is not idle, or something is put off there;
- I2 at most one doorbell can be claimed, the one that was told last;
- I3 only the holder of the token commits and settles;
- I4 a message that was accepted waits, or is in people's hands, or has been answered in one turn;
- I5 no turn begins before all has been sent, and actions are sent in the order in which they came.

The same machine drives a real Redis, the fake, and both side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from tests.mailbox.people import People
from tests.mailbox.working import MOST_GRACE_S
from tests.mailbox.worlds import BothWorlds, FakeWorld, RedisWorld, World


class MailboxMachine(People):
    # What leads somewhere comes more often.
    accept_again, work_again, work_on = People.accept, People.work, People.work
    change_hands_again, people_give_back_again = People.change_hands, People.give_back

    @invariant()
    def all_is_in_its_place(self) -> None:
        for conversation_id, book in self.books.items():
            inside = self.world.inside(conversation_id)
            assert (inside.stage != "idle" or bool(book.later)) == (inside.due_in_s is not None)
            assert inside.waiting == tuple(sorted(book.waiting))
            assert inside.meanwhile == tuple(sorted(book.meanwhile))
            assert inside.outbox == tuple(book.outbox)
            assert inside.token == book.holder
            theirs = book.customers_meanwhile()
            assert sorted([*book.waiting, *theirs, *book.known, *book.answered]) == sorted(book.accepted)

    def teardown(self) -> None:
        """Then all goes well for a while: one healthy worker brings everything to its end."""
        try:
            self._work_to_the_end()
        finally:
            self.world.close()

    def _work_to_the_end(self) -> None:
        for _ in range(200):
            if not list(self.anyone.unfinished()):
                break
            self.pass_time(MOST_GRACE_S)
            for conversation_id in list(self.anyone.overdue()):
                self.reclaim_overdue(conversation_id)
                for _ in range(5):
                    self.do_next(conversation_id, "ann")
                    self.all_is_in_its_place()
        for conversation_id, book in self.books.items():
            inside = self.world.inside(conversation_id)
            assert (inside.stage, inside.waiting, inside.outbox, inside.due_in_s) == ("idle", (), (), None)
            theirs = book.customers_meanwhile()
            assert sorted([*theirs, *book.known, *book.answered]) == sorted(book.accepted)
            assert all(
                self.anyone.is_done_with(conversation_id, id) for id in book.answered if id not in book.meanwhile
            )
            assert not any(self.anyone.is_done_with(conversation_id, id) for id in book.meanwhile)


def _run(new_world: Callable[[], World], examples: int) -> None:
    run_state_machine_as_test(
        lambda: MailboxMachine(new_world),  # type: ignore[arg-type]  # a factory will do, says its documentation
        settings=settings(
            max_examples=examples,
            stateful_step_count=60,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


def test_the_fake() -> None:
    _run(FakeWorld, examples=100)


def test_a_real_redis(redis_client: redis.Redis) -> None:
    accounts = count(1)
    _run(lambda: RedisWorld(redis_client, next(accounts)), examples=8)


@pytest.mark.timeout(600)  # a busy machine takes its time, and a timeout looks like a failure to Hypothesis
def test_both_answer_the_same(redis_client: redis.Redis) -> None:
    accounts = count(1)
    _run(lambda: BothWorlds(RedisWorld(redis_client, next(accounts))), examples=15)
