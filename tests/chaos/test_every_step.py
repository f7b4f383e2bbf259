"""Promise 1 to 3 at every step of a message's life: the process dies right before it, or right after it.

The rows of docs/crash-table.md. A doomed process kills itself at a named place
(tasks/runtime/failpoints.py), a healthy one takes its place, and then: each of the customer's messages was answered
once, in order, and the conversation goes on.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from signal import SIGKILL

import pytest
import redis

from sandbox.machine.redis import RedisServer
from tests.bookings import Bookings
from tests.desk import Desk
from tests.doom import both, cut_off, doom, see_it_die
from tests.memory import remembered
from tests.stack import ROOT, Stack, wait_until, wait_until_idle
from tests.tally import answered, of_conversation


def see_it_die_of_a_fault(place: str, desk: Desk, stack: Stack, fault: str, *, seconds: float = 0) -> None:
    """Chatwoot fails at the first reply, and the worker dies of what follows; nothing is lost or doubled by that."""
    stack.start_web()
    worker = doom(stack, place)
    desk.conversation(3)
    desk.sandbox.faults.add(fault, seconds=seconds)
    desk.sandbox.customer_writes("one", conversation_id=3)
    see_it_die(worker)
    check(desk, stack)


def check(desk: Desk, stack: Stack) -> None:
    """With a healthy worker, all that was written is answered once and in order, and so is what is written next."""
    stack.start_worker()
    wait_until(lambda: not of_conversation(desk, 3).lost, what="every message to be answered")
    desk.sandbox.customer_writes("and now?", conversation_id=3)
    wait_until(lambda: "Echo: and now?" in desk.replies(), what="the conversation to go on")
    assert of_conversation(desk, 3).is_clean, desk.replies()


@pytest.mark.parametrize(
    "place", both("claim", "hear", "think", "commit", "begin_sending", "confirm", "post", "settle")
)
def test_worker(place: str, desk: Desk, stack: Stack) -> None:
    """A turn's own steps."""
    stack.start_web()
    worker = doom(stack, place)
    desk.conversation(3)
    desk.sandbox.customer_writes("one", conversation_id=3)
    see_it_die(worker)
    desk.sandbox.customer_writes("two", conversation_id=3)
    check(desk, stack)


@pytest.mark.parametrize("place", both("ring"))
def test_worker_that_rings_for_the_next_turn(place: str, desk: Desk, stack: Stack) -> None:
    """The customer writes while the first reply is being posted."""
    stack.start_web()
    worker = doom(stack, place)
    desk.conversation(3)
    desk.sandbox.faults.add("slow", seconds=1)
    desk.sandbox.customer_writes("one", conversation_id=3)
    wait_until(desk.posts, what="the first reply to be on its way")
    desk.sandbox.customer_writes("two", conversation_id=3)
    see_it_die(worker)
    check(desk, stack)


@pytest.mark.parametrize("place", both("looked"))
def test_worker_that_is_asked_again_meanwhile(place: str, desk: Desk, stack: Stack) -> None:
    """The customer has written since the list was read: Chatwoot's answer shows it right before the reply."""
    stack.start_web()
    worker = doom(stack, place)
    desk.conversation(3)
    desk.sandbox.faults.add("slow", method="GET", seconds=1)
    desk.sandbox.customer_writes("one", conversation_id=3)
    wait_until(desk.calls, what="the list to be read")
    desk.sandbox.customer_writes("two", conversation_id=3)
    see_it_die(worker)
    check(desk, stack)


@pytest.mark.parametrize("place", both("release"))
def test_worker_that_gives_back(place: str, desk: Desk, stack: Stack) -> None:
    """Chatwoot answers 503: what stands in the outbox is to be tried again later."""
    see_it_die_of_a_fault(place, desk, stack, "503")


@pytest.mark.parametrize("place", both("doubt"))
def test_worker_that_looks_in_vain(place: str, desk: Desk, stack: Stack) -> None:
    """The connection was reset: nothing of the reply is to be seen, and it may still come."""
    see_it_die_of_a_fault(place, desk, stack, "reset")


@pytest.mark.parametrize("place", both("schedule"))
def test_worker_that_puts_off(place: str, desk: Desk, stack: Stack) -> None:
    """The graph wants something said later."""
    stack.env["GRAPH"] = "tests.graphs_that_want:obedient"
    stack.start_web()
    worker = doom(stack, place)
    desk.conversation(3)
    desk.sandbox.customer_writes("later", conversation_id=3)
    see_it_die(worker)
    stack.start_worker()
    assert desk.wait_for_replies(2) == ["In a moment", "Now"]
    desk.sandbox.customer_writes("bubbles", conversation_id=3)
    assert desk.wait_for_replies(5) == ["In a moment", "Now", "One", "Two", "Three"]


@pytest.mark.parametrize("place", both("defer"))
def test_worker_that_comes_too_early(place: str, desk: Desk, stack: Stack) -> None:
    """One post may be in flight, and it takes its time: the other conversation is to wait."""
    stack.env |= {"POSTS_IN_FLIGHT": "1", "POST_PATIENCE_SECONDS": "60"}
    stack.start_web()
    worker = doom(stack, place)
    desk.conversation(4, "+34623226545")
    desk.conversation(3)
    desk.sandbox.faults.add("slow", seconds=3)
    desk.sandbox.customer_writes("four", conversation_id=4)
    wait_until(desk.posts, what="the first reply to be on its way")
    desk.sandbox.customer_writes("one", conversation_id=3)
    see_it_die(worker)
    check(desk, stack)
    wait_until(lambda: desk.replies(4), what="the other conversation's reply")
    assert desk.replies(4) == ["Echo: four"]


@pytest.mark.parametrize("place", both("defer"))
def test_worker_that_waits_for_an_arrival(place: str, desk: Desk, stack: Stack) -> None:
    """What it said is on its way to the customer, and what is to be said next must not overtake it."""
    stack.env["GRAPH"] = "tests.graphs_that_want:obedient"
    stack.start_web()
    desk.sandbox.lag.set(channel_s=(1, 1))
    worker = doom(stack, place)
    desk.conversation(3)
    desk.sandbox.customer_writes("bubbles", conversation_id=3)
    see_it_die(worker)
    stack.start_worker()
    wait_until(lambda: len(desk.sandbox.arrived(3)) >= 3, what="all bubbles to arrive")
    assert desk.sandbox.arrived(3) == desk.replies() == ["One", "Two", "Three"]


ITS_GRAPHS = both("think", "commit", "post")
ITS_OWN = both("claim", "hear", "begin_sending", "settle")


@pytest.mark.parametrize(
    ("place", "durability"),
    [*((place, "exit") for place in ITS_GRAPHS + ITS_OWN), *((place, "sync") for place in ITS_GRAPHS)],
)
def test_worker_that_goes_on_with_what_people_decided(
    place: str, durability: str, desk: Desk, stack: Stack, redis_client: redis.Redis
) -> None:
    """Its graph waited for them. Nothing that was said earlier is said again."""
    stack.env |= {"GRAPH": "tests.graphs:asking_if_told", "GRAPH_DURABILITY": durability}
    stack.start_web()
    healthy = stack.start_worker()
    desk.conversation(3)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    desk.wait_for_replies(1)
    desk.sandbox.customer_writes("refund", conversation_id=3)
    wait_until(lambda: desk.notes(3), what="people to be asked")
    wait_until(lambda: desk.sandbox.conversation(3)["status"] == "open", what="the conversation to be theirs")
    desk.sandbox.settle()
    wait_until_idle(redis_client)
    healthy.kill()
    worker = doom(stack, place)
    desk.person_notes("@bot only 20", 3)
    desk.sandbox.settle()
    desk.set_status(3, "pending")
    see_it_die(worker)
    stack.start_worker()
    assert desk.wait_for_replies(2) == ["Echo: Hola", "The team says: only 20"]
    desk.sandbox.customer_writes("thanks", conversation_id=3)
    assert desk.wait_for_replies(3)[2:] == ["Echo: thanks"]


@pytest.mark.parametrize("durability", ["exit", "sync"])
@pytest.mark.parametrize("place", both("undo"))
def test_worker_that_gives_a_turn_up(
    place: str,
    durability: str,
    desk: Desk,
    stack: Stack,
    tmp_path: Path,
    redis_client: redis.Redis,
    redis_server: RedisServer,
) -> None:
    """Half of it stands in the graph's memory. People are told once, and the next message is answered without it."""
    stack.env |= {"GRAPH": "tests.graphs:halfway", "GRAPH_DURABILITY": durability, "TURN_ATTEMPTS": "1"}
    stack.env["TEST_GATE"] = str(tmp_path)
    stack.start_web()
    worker = doom(stack, place)
    desk.conversation(3)
    desk.sandbox.customer_writes("poison", conversation_id=3)
    see_it_die(worker)
    stack.start_worker()
    wait_until(lambda: desk.notes(3), what="people to be told")
    wait_until_idle(redis_client)
    desk.sandbox.settle()
    desk.set_status(3, "pending")
    desk.sandbox.settle()
    desk.sandbox.customer_writes("And now?", conversation_id=3)
    assert answered(desk.wait_for_replies(1))[-1:] == ["And now?"]
    assert "half of it" not in remembered(redis_server, "tests.graphs:halfway")
    assert len(desk.notes(3)) == 1


@pytest.mark.parametrize("place", both("intend", "did"))
def test_worker_whose_tool_acts(place: str, desk: Desk, stack: Stack) -> None:
    """Where nobody can know whether it has, the service is asked. tests/chaos/test_acts_once.py has more."""
    with Bookings() as service:
        stack.env |= {"GRAPH": "tests.graphs_that_act:agent", "BOOKINGS_URL": service.url, "BOOKINGS_ONCE": "verify"}
        stack.start_web()
        worker = doom(stack, place)
        desk.conversation(3)
        desk.sandbox.customer_writes("one", conversation_id=3)
        see_it_die(worker)
        check(desk, stack)
        assert service.booked == ["one", "and now?"]


@pytest.mark.parametrize("place", both("know_channel"))
def test_worker_that_learns_how_the_channel_delivers(place: str, desk: Desk, stack: Stack) -> None:
    """No webhook has told, so it asked."""
    desk.conversation(3)
    desk.sandbox.customer_writes("one", conversation_id=3)
    desk.sandbox.lag.set(channel_s=(3, 3))
    worker = doom(stack, place)
    for number in ("1", "2"):
        by_hand = {"conversation_id": 3, "content": number}
        stack.celery("call", "tasks.send_reply", "--kwargs", json.dumps(by_hand))
        desk.wait_for_replies(1)
    see_it_die(worker)
    desk.sandbox.lag.clear()
    stack.start_worker()
    wait_until(lambda: len(desk.sandbox.arrived(3)) >= 2, what="both to arrive")
    assert desk.sandbox.arrived(3) == desk.replies() == ["1", "2"]


@pytest.mark.parametrize("place", both("extend"))
def test_worker_whose_heart_beats(place: str, desk: Desk, stack: Stack) -> None:
    """A post takes longer than the time between two heartbeats. Chatwoot has stored it."""
    see_it_die_of_a_fault(place, desk, stack, "slow", seconds=3)


@pytest.mark.parametrize("place", both("reclaim_overdue"))
def test_worker_that_takes_up(place: str, desk: Desk, stack: Stack) -> None:
    """A doorbell was lost with the web process; the worker that notices dies of it."""
    web = stack.start_web(CONTESTA_DIE_AT="ring.before")
    worker = doom(stack, place)
    desk.conversation(3)
    desk.sandbox.customer_writes("one", conversation_id=3)
    see_it_die(worker)
    web.kill()
    stack.start_web()
    check(desk, stack)


@pytest.mark.parametrize("place", ["accept.after", *both("ring", "saw")])
def test_web(place: str, desk: Desk, stack: Stack) -> None:
    """What is in the mailbox is answered, whether anybody was told so or not."""
    web = stack.start_web(CONTESTA_DIE_AT=place)
    worker = stack.start_worker()
    desk.conversation(3)
    desk.sandbox.customer_writes("one", conversation_id=3)
    wait_until(lambda: cut_off(desk), what="a webhook to be cut off")
    web.kill()
    worker.kill()
    stack.start_web()
    check(desk, stack)


@pytest.mark.parametrize("place", both("learn"))
def test_web_that_hears_of_people(place: str, desk: Desk, stack: Stack) -> None:
    """A person takes the conversation, and the web process dies of that news: the bot is silent all the same."""
    web = stack.start_web(CONTESTA_DIE_AT=place)
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.customer_writes("one", conversation_id=3)
    desk.wait_for_replies(1)
    desk.assign_to_a_person(3)
    wait_until(lambda: cut_off(desk), what="a webhook to be cut off")
    web.kill()
    stack.start_web()
    desk.sandbox.customer_writes("two", conversation_id=3)
    desk.sandbox.settle()
    assert desk.replies() == ["Echo: one"]
    desk.assign_to_a_person(3, None)
    assert desk.wait_for_replies(2) == ["Echo: one", "Echo: two"]


@pytest.mark.parametrize("place", both("revise"))
def test_web_that_hears_of_a_change(place: str, desk: Desk, stack: Stack) -> None:
    """It is answered as it reads, whether that news was lost or not."""
    stack.env["COALESCE_SECONDS"] = "4"
    web = stack.start_web(CONTESTA_DIE_AT=place)
    desk.conversation(3)
    message = desk.sandbox.customer_writes("three pizzas", conversation_id=3)
    desk.sandbox.settle()
    desk.sandbox.customer_edits(message.id, "two pizzas")
    wait_until(lambda: cut_off(desk), what="a webhook to be cut off")
    web.kill()
    stack.start_web()
    stack.start_worker()
    assert desk.wait_for_replies(1) == ["Echo: two pizzas"]


@pytest.mark.parametrize("place", both("know"))
def test_web_that_hears_of_an_absence(place: str, desk: Desk, stack: Stack) -> None:
    """It is not answered, whether that news was lost or not."""
    web = stack.start_web(CONTESTA_DIE_AT=place)
    stack.start_worker()
    desk.conversation(3)
    absence = {"email": {"auto_reply": True}}
    desk.sandbox.customer_writes("I am away", conversation_id=3, content_attributes=absence)
    wait_until(lambda: cut_off(desk), what="a webhook to be cut off")
    web.kill()
    stack.start_web()
    desk.sandbox.customer_writes("one", conversation_id=3)
    wait_until(lambda: "one" in answered(desk.replies()), what="what is no absence to be answered")
    desk.sandbox.settle()
    assert len(desk.replies()) == 1


@pytest.mark.parametrize("place", both("forget_message"))
def test_web_that_hears_of_a_deletion(place: str, desk: Desk, stack: Stack) -> None:
    """What was deleted is not answered: where that news was lost, Chatwoot's list shows it."""
    stack.env["COALESCE_SECONDS"] = "4"
    web = stack.start_web(CONTESTA_DIE_AT=place)
    desk.conversation(3)
    message = desk.sandbox.customer_writes("one", conversation_id=3)
    desk.sandbox.settle()
    desk.delete_message(3, message.id)
    wait_until(lambda: cut_off(desk), what="a webhook to be cut off")
    web.kill()
    stack.start_web()
    stack.start_worker()
    desk.sandbox.customer_writes("two", conversation_id=3)
    wait_until(lambda: "two" in answered(desk.replies()), what="what was not deleted to be answered")
    assert answered(desk.replies()) == ["two"]


@pytest.mark.parametrize(("place", "letters"), [("keep_dead_letter.before", 0), ("keep_dead_letter.after", 1)])
def test_web_that_hears_of_a_failure(place: str, letters: int, desk: Desk, stack: Stack) -> None:
    """The channel refuses later what Chatwoot has taken: a dead letter, unless that news was lost."""
    web = stack.start_web(CONTESTA_DIE_AT=place)
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.customer_writes("one", conversation_id=3)
    desk.wait_for_replies(1)
    reply = next(each["id"] for each in desk.sandbox.messages(3) if each["message_type"] == 1)
    desk.sandbox.channel_reports(reply, "failed", "(#131047) Re-engagement message")
    wait_until(lambda: cut_off(desk), what="a webhook to be cut off")
    web.kill()
    stack.start_web()
    assert flask(stack, "dead-letters", "list").stdout.count("not delivered") == letters
    check(desk, stack)


def test_web_before_it_accepts(desk: Desk, stack: Stack) -> None:
    """Nothing of the message is left but in Chatwoot itself, which is asked for it."""
    stack.env |= {"RECONCILE_SECONDS": "1", "RECONCILE_GRACE_SECONDS": "0.5"}
    web = stack.start_web(CONTESTA_DIE_AT="accept.before")
    desk.conversation(3)
    desk.sandbox.customer_writes("one", conversation_id=3)
    wait_until(lambda: cut_off(desk), what="a webhook to be cut off")
    web.kill()
    stack.start("beat")
    stack.start_web()
    check(desk, stack)


@pytest.mark.parametrize("place", both("reclaim_from_dead"))
def test_worker_that_inherits(place: str, desk: Desk, stack: Stack) -> None:
    """A worker is killed while it thinks; the one that finds it dead, long before it is overdue, dies of it."""
    stack.env["LEASE_SECONDS"] = "20"
    stack.start_web()
    desk.conversation(3)
    first = doom(stack, "think.before")
    desk.sandbox.customer_writes("one", conversation_id=3)
    see_it_die(first)
    see_it_die(stack.start("worker", CONTESTA_DIE_AT=place))
    check(desk, stack)


@pytest.mark.parametrize("place", ["enqueue.before", "enqueue.after", "post.before", "post.after", "settle.after"])
def test_worker_that_sends_by_hand(place: str, desk: Desk, stack: Stack, redis_client: redis.Redis) -> None:
    """Until it stands in the outbox, a message sent by hand is in the broker only, which brings it again."""
    desk.conversation(3)
    worker = doom(stack, place)
    stack.celery("call", "tasks.send_reply", "--kwargs", '{"conversation_id": 3, "content": "by hand"}')
    see_it_die(worker)
    let_the_visibility_timeout_pass(redis_client)
    stack.start_worker()
    wait_until(lambda: desk.replies() == ["by hand"], what="the message")
    stack.celery("call", "tasks.send_reply", "--kwargs", '{"conversation_id": 3, "content": "again"}')
    wait_until(lambda: "again" in desk.replies(), what="the next message")
    assert desk.replies() == ["by hand", "again"]


def let_the_visibility_timeout_pass(client: redis.Redis) -> None:
    """For what the broker has delivered and nobody has acknowledged."""
    client.zadd("unacked_index", {str(tag): 0 for tag in client.zrange("unacked_index", 0, -1)})


@pytest.mark.parametrize("place", both("requeue"))
def test_operator_who_tries_a_dead_letter_again(place: str, desk: Desk, stack: Stack) -> None:
    """The command dies; the operator repeats it."""
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.faults.add("401")
    desk.sandbox.customer_writes("one", conversation_id=3)
    wait_until(lambda: desk.notes(3), what="the reply to be given up")
    retry = ("dead-letters", "retry", "--all")
    assert flask(stack, *retry, CONTESTA_DIE_AT=place).returncode == -SIGKILL
    flask(stack, *retry)
    assert desk.wait_for_replies(1) == ["Echo: one"]
    desk.set_status(3, "pending")
    check(desk, stack)


@pytest.mark.parametrize("place", both("forget"))
def test_operator_who_has_it_forgotten(place: str, desk: Desk, stack: Stack) -> None:
    """The command dies; the operator repeats it. What was answered is not answered again."""
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.customer_writes("one", conversation_id=3)
    desk.wait_for_replies(1)
    forget = ("forget", "--conversation", "3")
    assert flask(stack, *forget, CONTESTA_DIE_AT=place).returncode == -SIGKILL
    assert flask(stack, *forget).returncode == 0
    check(desk, stack)


def flask(stack: Stack, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """An operator's command."""
    return stack.run("flask", *words, **env)


def test_no_step_is_forgotten() -> None:
    """Each script of the mailbox is a step, and each step dies in this file."""
    scripts = {path.stem for path in (ROOT / "tasks" / "mailbox" / "lua").glob("[a-z]*.lua")}
    here = Path(__file__).read_text()
    assert {script for script in scripts if f'"{script}.' not in here and f'"{script}"' not in here} == set()
