"""A web process is away: what Chatwoot opens for it is the bot's again and is answered; what people have is theirs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import redis

from tasks.runtime.counters import Counted, CounterStore
from tests.desk import Desk
from tests.stack import Process, Stack, wait_until

RECONCILED = '"event": "reconciled"'


@pytest.fixture(autouse=True)
def _at_once(stack: Stack) -> None:
    stack.env |= {"RECONCILE_GRACE_SECONDS": "0", "RECONCILE_SECONDS": "3600"}


@pytest.fixture
def web(desk: Desk, stack: Stack) -> Process:
    """Has heard of conversation 3, which the bot has answered."""
    web = stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.customer_writes("before", conversation_id=3)
    desk.wait_for_replies(1)
    desk.sandbox.settle()
    return web


def reconcile(stack: Stack) -> None:
    before = stack.logs().count(RECONCILED)
    stack.celery("call", "tasks.reconcile")
    wait_until(lambda: stack.logs().count(RECONCILED) > before, what="reconcile to end")


def status(desk: Desk, id: int = 3) -> str:
    url = f"{desk.sandbox.url}/api/v1/accounts/1/conversations/{id}"
    return str(httpx.get(url, headers={"Api-Access-Token": "admin-token"}).raise_for_status().json()["status"])


def opened(desk: Desk, text: str, id: int = 3) -> None:
    """The customer writes while nobody is there."""
    desk.sandbox.customer_writes(text, conversation_id=id)
    wait_until(lambda: status(desk, id) == "open", what="Chatwoot to open it")


def call(desk: Desk, path: str, body: dict[str, object] | None = None) -> None:
    desk._call(path, body or {})


def test_what_was_opened_because_of_us_is_answered(
    web: Process, desk: Desk, stack: Stack, redis_client: redis.Redis
) -> None:
    """One that the bot knows, one that begins meanwhile; and those who go on writing."""
    web.kill()
    desk.conversation(4, "+34600000004")
    opened(desk, "one")
    opened(desk, "first", 4)
    desk.sandbox.customer_writes("two", conversation_id=3)
    desk.sandbox.settle()
    stack.start_web()
    desk.sandbox.customer_writes("three", conversation_id=3)
    desk.sandbox.settle()
    reconcile(stack)
    assert desk.wait_for_replies(1, 4) == ["Echo: first"]
    assert desk.wait_for_replies(2)[1:] == ["Echo: one\ntwo\nthree"]
    assert (status(desk), status(desk, 4)) == ("pending", "pending")
    desk.sandbox.customer_writes("afterwards", conversation_id=3)
    assert desk.wait_for_replies(3)[2:] == ["Echo: afterwards"]
    wait_until(lambda: CounterStore(redis_client, 1).all().get((Counted.TAKEN_BACK, "")) == 2, what="both counted")


def test_nobody_need_wait_for_the_next_look(web: Process, desk: Desk, stack: Stack) -> None:
    """The web process that comes back asks for it."""
    web.kill()
    opened(desk, "one")
    stack.start_web()
    assert desk.wait_for_replies(2)[1:] == ["Echo: one"]


def test_while_nobody_is_back_yet_it_is_taken_back_too(web: Process, desk: Desk, stack: Stack) -> None:
    web.kill()
    opened(desk, "one")

    def answered() -> bool:
        reconcile(stack)
        return len(desk.replies()) == 2

    wait_until(answered, what="the silence to be noticed")


def test_in_whatever_language(web: Process, desk: Desk, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.conversations.BOT_FAILED", "Debido a un error con el bot, el sistema la abrió.")
    web.kill()
    opened(desk, "one")
    stack.start_web()
    reconcile(stack)
    assert desk.wait_for_replies(2)[1:] == ["Echo: one"]


def test_what_was_opened_for_our_own_words_is_the_bots_again(desk: Desk, stack: Stack, tmp_path: Path) -> None:
    (gate := tmp_path / "gate").mkdir()
    (closed := gate / "closed").touch()
    stack.env |= {"GRAPH": "tests.graphs:gated", "TEST_GATE": str(gate)}
    web = stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.customer_writes("one", conversation_id=3)
    wait_until(lambda: list(gate.glob("thinking-*")), what="the turn to be thought")
    web.kill()
    closed.unlink()
    assert desk.wait_for_replies(1) == ["Echo: one"]
    wait_until(lambda: status(desk) == "open", what="Chatwoot to open it")
    stack.start_web()
    reconcile(stack)
    assert status(desk) == "pending"
    desk.sandbox.customer_writes("two", conversation_id=3)
    assert desk.wait_for_replies(2) == ["Echo: one", "Echo: two"]


def opens_it(desk: Desk) -> None:
    desk.set_status(3, "open")
    desk.sandbox.customer_writes("one", conversation_id=3)


def opens_it_before_chatwoot_does(desk: Desk) -> None:
    """Sidekiq lost the webhook, say."""
    desk.sandbox.webhook_faults.add("never", event="message_created", times=1)
    desk.sandbox.customer_writes("one", conversation_id=3)
    desk.sandbox.settle()
    desk.set_status(3, "open")


def is_assigned(desk: Desk) -> None:
    opened(desk, "one")
    desk.assign_to_a_person(3)


def was_assigned(desk: Desk) -> None:
    opened(desk, "one")
    desk.assign_to_a_person(3)
    desk.assign_to_a_person(3, None)


def writes(desk: Desk) -> None:
    opened(desk, "one")
    desk.person_writes("I am on it")


def wrote_first(desk: Desk) -> None:
    """Of which nobody is told either, so Chatwoot opens it."""
    desk.person_writes("I am on it")
    wait_until(lambda: status(desk) == "open", what="Chatwoot to open it")


def makes_a_note(desk: Desk) -> None:
    opened(desk, "one")
    call(desk, "conversations/3/messages", {"content": "Who takes this one?", "private": True})


def pauses_the_bot(desk: Desk) -> None:
    opened(desk, "one")
    desk.label(3, "bot-paused")


def looks_at_it(desk: Desk) -> None:
    opened(desk, "one")
    call(desk, "conversations/3/update_last_seen")


ACTS = (
    opens_it,
    opens_it_before_chatwoot_does,
    is_assigned,
    was_assigned,
    writes,
    wrote_first,
    makes_a_note,
    pauses_the_bot,
    looks_at_it,
)


@pytest.mark.parametrize("act", ACTS)
def test_what_a_person_has_touched_meanwhile_is_left(
    act: Callable[[Desk], None], web: Process, desk: Desk, stack: Stack
) -> None:
    web.kill()
    desk.conversation(4, "+34600000004")
    act(desk)
    opened(desk, "other", 4)
    desk.sandbox.settle()
    stack.start_web()
    reconcile(stack)
    assert desk.wait_for_replies(1, 4) == ["Echo: other"]
    assert status(desk) == "open"
    assert [reply for reply in desk.replies() if reply.startswith("Echo")] == ["Echo: before"]


def test_what_people_had_before_is_left(web: Process, desk: Desk, stack: Stack) -> None:
    """Snoozed, say: the customer's next message opens it, and names nobody."""
    desk.set_status(3, "snoozed")
    desk.sandbox.settle()
    web.kill()
    opened(desk, "one")
    desk.sandbox.settle()
    stack.start_web()
    reconcile(stack)
    assert status(desk) == "open"
    assert desk.replies() == ["Echo: before"]


def test_what_the_bot_has_handed_over_meanwhile_is_left(desk: Desk, stack: Stack) -> None:
    """Its own opening names nobody of the team either."""
    stack.env["GRAPH"] = "tests.graphs:asking"
    web = stack.start_web()
    desk.conversation(3)
    desk.sandbox.customer_writes("I want my money back", conversation_id=3)
    desk.sandbox.settle()
    web.kill()
    stack.start_worker()
    wait_until(
        lambda: any(each.path.endswith("/toggle_status") for each in desk.sandbox.requests), what="the hand-over"
    )
    desk.sandbox.settle()
    stack.start_web()
    reconcile(stack)
    assert status(desk) == "open"
    assert [note.splitlines()[0] for note in desk.notes(3)] == ["May I refund 40 euros?"]


def test_what_was_opened_long_ago_is_left(web: Process, desk: Desk, stack: Stack) -> None:
    """What the customer said is not answered any more, so people must see it."""
    stack.processes[1].kill()
    stack.start_worker(RECONCILE_HORIZON_SECONDS="0.001")
    web.kill()
    opened(desk, "one")
    desk.sandbox.settle()
    stack.start_web()
    reconcile(stack)
    assert (status(desk), desk.replies()) == ("open", ["Echo: before"])


def test_it_may_be_turned_off(desk: Desk, stack: Stack) -> None:
    stack.env["TAKE_BACK"] = "false"
    web = stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    web.kill()
    opened(desk, "one")
    desk.sandbox.settle()
    stack.start_web()
    reconcile(stack)
    assert (status(desk), desk.replies()) == ("open", [])


def test_where_nobody_was_away_chatwoot_is_asked_nothing(web: Process, desk: Desk, stack: Stack) -> None:
    desk.sandbox.forget_requests()
    reconcile(stack)
    assert [request.query for request in desk.sandbox.requests if "status=open" in request.query] == []
