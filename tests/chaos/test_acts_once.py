"""Hands that act once: what a tool does to the world is done once, whenever the worker is killed.

A small service books as often as it is asked to (tests/bookings.py). What nobody can know, people are asked.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from tests.bookings import Bookings
from tests.desk import Desk
from tests.stack import Process, Stack, wait_until, wait_until_idle

AROUND = ("think.before", "intend.before", "intend.after", "did.before", "did.after", "think.after")
AROUND_THE_END = ("commit.before", "commit.after", "post.before", "post.after")
NOBODY_KNOWS = ("intend.after", "did.before")
"""From when it is intended until it is known to be done."""


@pytest.fixture
def service(stack: Stack) -> Iterator[Bookings]:
    with Bookings() as service:
        stack.env |= {"GRAPH": "tests.graphs_that_act:agent", "BOOKINGS_URL": service.url}
        yield service


def see_it_die(worker: Process) -> None:
    wait_until(lambda: not worker.is_alive, what=f"the worker to kill itself, see {worker.log}")


def written_to_a_doomed_worker(place: str, desk: Desk, stack: Stack) -> None:
    """The customer writes "Tuesday", and the worker dies there."""
    stack.start_web()
    worker = stack.start_worker(CONTESTA_DIE_AT=place)
    desk.conversation(3)
    desk.sandbox.customer_writes("Tuesday", conversation_id=3)
    see_it_die(worker)


def check(desk: Desk, stack: Stack, service: Bookings) -> None:
    """It is answered by whoever comes next, and so is what is written then: each day is booked once."""
    stack.start_worker()
    assert desk.wait_for_replies(1) == ["Echo: Tuesday"]
    desk.sandbox.customer_writes("Wednesday", conversation_id=3)
    assert desk.wait_for_replies(2) == ["Echo: Tuesday", "Echo: Wednesday"]
    assert service.booked == ["Tuesday", "Wednesday"]
    assert desk.notes(3) == []


def check_that_people_are_asked(
    desk: Desk, stack: Stack, service: Bookings, client: redis.Redis, *, booked: list[str]
) -> None:
    """At once, in a note that names what is in doubt; nothing is tried again. Then the conversation goes on."""
    stack.start_worker()
    (note,) = wait_until(lambda: desk.notes(3), what="people to be asked")
    assert 'The bot may or may not have done book(day="Tuesday"): please check.' in note
    assert "it was cut short while it acted: book" in note
    wait_until_idle(client)
    assert (desk.replies(), service.booked) == ([], booked)
    assert "Tuesday" not in stack.logs()
    desk.sandbox.settle()
    desk.set_status(3, "pending")


@pytest.mark.parametrize("graph", ["agent", "by_hand"])
@pytest.mark.parametrize("place", sorted({*AROUND, *AROUND_THE_END} - {*NOBODY_KNOWS}))
def test_killed_where_it_can_be_told(place: str, graph: str, desk: Desk, stack: Stack, service: Bookings) -> None:
    """Not begun, or known to be done."""
    stack.env["GRAPH"] = f"tests.graphs_that_act:{graph}"
    written_to_a_doomed_worker(place, desk, stack)
    check(desk, stack, service)


@pytest.mark.parametrize("graph", ["agent", "by_hand"])
@pytest.mark.parametrize(("place", "booked"), [("intend.after", []), ("did.before", ["Tuesday"])])
def test_killed_where_only_people_can_tell(
    place: str,
    booked: list[str],
    graph: str,
    desk: Desk,
    stack: Stack,
    service: Bookings,
    redis_client: redis.Redis,
) -> None:
    stack.env["GRAPH"] = f"tests.graphs_that_act:{graph}"
    written_to_a_doomed_worker(place, desk, stack)
    check_that_people_are_asked(desk, stack, service, redis_client, booked=booked)


@pytest.mark.parametrize("graph", ["agent", "by_hand"])
@pytest.mark.parametrize("place", NOBODY_KNOWS)
def test_killed_where_the_service_can_tell(place: str, graph: str, desk: Desk, stack: Stack, service: Bookings) -> None:
    stack.env |= {"GRAPH": f"tests.graphs_that_act:{graph}", "BOOKINGS_ONCE": "verify"}
    written_to_a_doomed_worker(place, desk, stack)
    check(desk, stack, service)


def killed_while_the_service_has_booked_and_not_answered(desk: Desk, stack: Stack, service: Bookings) -> None:
    stack.start_web()
    worker = stack.start_worker()
    desk.conversation(3)
    service.hold_answers()
    desk.sandbox.customer_writes("Tuesday", conversation_id=3)
    service.wait_for(1)
    worker.kill()
    service.answer()


@pytest.mark.parametrize("graph", ["agent", "by_hand"])
def test_what_is_not_marked_is_done_again(graph: str, desk: Desk, stack: Stack, service: Bookings) -> None:
    """So this file would see it."""
    stack.env |= {"GRAPH": f"tests.graphs_that_act:{graph}", "BOOKINGS_ONCE": "no"}
    killed_while_the_service_has_booked_and_not_answered(desk, stack, service)
    stack.start_worker()
    assert desk.wait_for_replies(1) == ["Echo: Tuesday"]
    assert service.booked == ["Tuesday", "Tuesday"]


@pytest.mark.parametrize("once", ["yes", "verify"])
def test_killed_while_the_service_has_booked_and_not_answered(
    once: str, desk: Desk, stack: Stack, service: Bookings, redis_client: redis.Redis
) -> None:
    stack.env["BOOKINGS_ONCE"] = once
    killed_while_the_service_has_booked_and_not_answered(desk, stack, service)
    if once == "verify":
        check(desk, stack, service)
    else:
        check_that_people_are_asked(desk, stack, service, redis_client, booked=["Tuesday"])


def test_the_customer_writes_again_before_it_is_tried_again(desk: Desk, stack: Stack, service: Bookings) -> None:
    written_to_a_doomed_worker("did.after", desk, stack)
    desk.sandbox.customer_writes("Wednesday", conversation_id=3)
    desk.sandbox.settle()
    stack.start_worker()
    wait_until(lambda: "Wednesday" in " ".join(desk.replies()), what="both to be answered")
    assert service.booked == ["Tuesday", "Wednesday"]


def test_killed_again_and_again(desk: Desk, stack: Stack, service: Bookings) -> None:
    """Each attempt gets further; a day that is booked twice because it was written twice is two bookings."""
    stack.env |= {"BOOKINGS_ONCE": "verify", "TURN_ATTEMPTS": "10", "COALESCE_SECONDS": "2"}
    stack.start_web()
    desk.conversation(3)
    for day in ("Tuesday", "Wednesday", "Thursday"):
        desk.sandbox.customer_writes(day, conversation_id=3)
    desk.sandbox.settle()
    for place in ("did.before", "did.after", "intend.after", "did.after", "commit.before"):
        see_it_die(stack.start_worker(CONTESTA_DIE_AT=place))
    stack.start_worker()
    assert desk.wait_for_replies(1) == ["Echo: Tuesday\nWednesday\nThursday"]
    assert service.booked == ["Tuesday", "Wednesday", "Thursday"]
