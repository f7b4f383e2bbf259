"""/metrics: every process counts, and any web process shows the sum."""

from __future__ import annotations

import httpx
import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

from settings import Settings
from tasks.mailbox import Mailbox, Timing
from tasks.runtime.counters import Counted, CounterFlusher, CounterStore, count
from tests.desk import Desk
from tests.mailbox.worlds import RedisWorld
from tests.stack import Stack, settings, wait_until
from webhook_app import create_app

TEXT, PHONE = "a secret of mine", "+34623226544"


def shown(stack: Stack) -> str:
    return httpx.get(f"http://127.0.0.1:{stack.port}/metrics").raise_for_status().text


def figures(stack: Stack) -> dict[str, float]:
    """`name` or `name label` -> what /metrics says."""
    found = {}
    for family in text_string_to_metric_families(shown(stack)):
        for sample in family.samples:
            found[" ".join([sample.name, *sample.labels.values()])] = sample.value
    return found


def wait_for(stack: Stack, **expected: float) -> None:
    """Wait until each figure is there; a space in a name is written as two underscores."""
    wanted = {f"contesta_{name.replace('__', ' ')}": value for name, value in expected.items()}
    wait_until(lambda: wanted.items() <= figures(stack).items(), what=f"{wanted}")


def test_all_processes_add_to_the_same_figures(desk: Desk, stack: Stack) -> None:
    stack.start_web(WEB_CONCURRENCY="2")
    stack.start_worker()
    stack.start_worker()
    for id in range(3, 9):
        desk.conversation(id, f"+3460000000{id}")
        desk.sandbox.customer_writes(TEXT, conversation_id=id)
    stack.celery("call", "tasks.send_reply", "--kwargs", '{"conversation_id": 3, "content": "by hand"}')
    wait_for(
        stack,
        messages_sent_total__reply=6,
        messages_sent_total__outreach=1,
        turns_answered_total=6,
        webhooks_total__customer_message_to_answer=6,
        busy_conversations=0,
        dead_letters_now=0,
        oldest_overdue_seconds=0,
        handovers_total=0,
        reconciled_total=0,
    )


def test_what_went_wrong_is_counted(desk: Desk, stack: Stack) -> None:
    desk.sandbox.faults.add("429", times=1)
    desk.sandbox.faults.add("401", times=1)
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.customer_writes(TEXT, conversation_id=3)
    wait_for(
        stack,
        retries_total__sending=1,
        dead_letters_total__post=1,
        dead_letters_now=1,
        handovers_total=1,
    )


def test_it_shows_nobodys_words_and_ids(desk: Desk, stack: Stack) -> None:
    stack.start_web()
    stack.start_worker()
    desk.conversation(345678, PHONE)
    desk.sandbox.customer_writes(TEXT, conversation_id=345678)
    wait_for(stack, messages_sent_total__reply=1)
    text = shown(stack)
    assert TEXT not in text
    assert "345678" not in text
    assert PHONE[1:] not in text


def test_a_process_that_ends_loses_no_count(desk: Desk, stack: Stack, redis_client: redis.Redis) -> None:
    stack.start_web()
    worker = stack.start_worker()
    desk.conversation(3)
    desk.sandbox.customer_writes(TEXT, conversation_id=3)
    desk.wait_for_replies(1)
    worker.stop()
    assert CounterStore(redis_client, 1).all()[Counted.MESSAGES_SENT, "reply"] == 1


def test_without_redis_it_says_so(stack: Stack) -> None:
    web = stack.start("web", REDIS_URL="redis://127.0.0.1:1")
    address = f"http://127.0.0.1:{stack.port}"

    def status() -> int | None:
        try:
            return httpx.get(f"{address}/metrics").status_code
        except httpx.ConnectError:
            return None

    assert wait_until(status, what=f"web, see {web.log}") == 503


class TestLedger:
    @pytest.fixture
    def ledger(self, redis_client: redis.Redis) -> CounterStore:
        ledger = CounterStore(redis_client, 1)
        ledger.add_pending()  # what other tests of this process have counted
        redis_client.delete(ledger.key)
        return ledger

    def test_adds_up(self, ledger: CounterStore) -> None:
        for _ in range(2):
            count(Counted.HANDOVERS)
            count(Counted.RETRIES, "sending", by=2)
            ledger.add_pending()
        assert ledger.all() == {(Counted.HANDOVERS, ""): 2, (Counted.RETRIES, "sending"): 4}

    def test_keeps_what_redis_could_not_take(self, ledger: CounterStore) -> None:
        count(Counted.HANDOVERS)
        with redis.Redis(port=1) as away, pytest.raises(redis.ConnectionError):
            CounterStore(away, 1).add_pending()
        ledger.add_pending()
        assert ledger.all() == {(Counted.HANDOVERS, ""): 1}

    def test_passes_over_what_another_version_counted(self, ledger: CounterStore, redis_client: redis.Redis) -> None:
        redis_client.hset(ledger.key, "smiles of_joy", 3)
        assert ledger.all() == {}

    def test_a_bookkeeper_adds_the_rest_at_its_end(self, ledger: CounterStore) -> None:
        books = CounterFlusher(ledger)
        books.start()
        books.start()
        count(Counted.HANDOVERS)
        books.stop()
        assert ledger.all() == {(Counted.HANDOVERS, ""): 1}


def test_a_conversation_that_is_overdue(redis_client: redis.Redis) -> None:
    mailbox = Mailbox(redis_client, account_id=1)
    assert (mailbox.figures().unfinished, mailbox.figures().overdue_s) == (0, 0)
    mailbox.accept(3, 1, '{"id": 1}')
    assert (mailbox.figures().unfinished, mailbox.figures().overdue_s) == (1, 0)
    [due] = redis_client.scan_iter(match="*:due")
    redis_client.zincrby(due, -3600_000, "3")
    assert 3500 < mailbox.figures().overdue_s < 3601


def test_a_customer_who_waits_is_seen_however_often_it_is_taken_up(redis_client: redis.Redis) -> None:
    """Being taken up moves the deadline, and so hides for how long nobody has done anything."""
    world = RedisWorld(redis_client, 1)
    mailbox = world.open("", Timing())
    mailbox.accept(3, 1, '{"id": 1}')
    world.pass_time(90)
    assert mailbox.reclaim_overdue(3)
    assert mailbox.figures().overdue_s == 0
    assert 89 < mailbox.figures().unanswered_s < 120


def test_a_worker_that_takes_no_thinking(desk: Desk, stack: Stack) -> None:
    stack.start_web()
    stack.start_worker()
    stack.celery("control", "cancel_consumer", "messages")
    wait_for(stack, workers__messages=0, workers__replies=1)
    desk.conversation(3)
    desk.sandbox.customer_writes(TEXT, conversation_id=3)
    wait_until(lambda: figures(stack)["contesta_oldest_unanswered_seconds"] > 0, what="the customer to be seen")
    stack.celery("control", "add_consumer", "messages")
    wait_for(stack, workers__messages=1, oldest_unanswered_seconds=0)


def test_a_worker_that_is_gone_is_not_counted(stack: Stack) -> None:
    stack.start_web()
    killed, stopped = stack.start_worker(), stack.start_worker()
    wait_for(stack, workers__messages=2, workers__replies=2)
    killed.kill()
    stopped.stop()
    wait_for(stack, workers__messages=0, workers__replies=0)


def test_what_is_done_again_and_again_tells_when_it_was(desk: Desk, stack: Stack) -> None:
    stack.start_web()
    stack.start_worker()
    desk.sandbox.faults.add("500", method="GET", path=r".*/conversations$", times=1)
    stack.celery("call", "tasks.reconcile")
    wait_until(lambda: "could not look for lost messages" in stack.logs(), what="a look that fails")
    assert "contesta_last_done_timestamp_seconds reconcile" not in figures(stack)
    for task in ("reconcile", "watch", "tell_people_again"):
        stack.celery("call", f"tasks.{task}")
        wait_until(
            lambda task=task: figures(stack).get(f"contesta_last_done_timestamp_seconds {task}", 0) > 1e9, what=task
        )


class TestWhoMaySee:
    """It is on the webhooks' port, which the whole internet may reach."""

    @staticmethod
    def status(stack: Stack, **headers: str) -> int:
        return httpx.get(f"http://127.0.0.1:{stack.port}/metrics", headers=headers).status_code

    def test_without_a_token_who_asks_here(self, stack: Stack) -> None:
        stack.start_web()
        assert self.status(stack) == 200

    @pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
    def test_without_a_token_nobody_through_a_proxy(self, stack: Stack, header: str) -> None:
        stack.start_web()
        assert self.status(stack, **{header: "127.0.0.1"}) == 401

    def test_with_a_token_who_has_it(self, stack: Stack) -> None:
        stack.start_web(METRICS_TOKEN="a-token")
        assert self.status(stack, Authorization="Bearer a-token") == 200
        assert [self.status(stack, **headers) for headers in ({}, {"Authorization": "Bearer wrong"})] == [401, 401]

    def test_from_elsewhere_nobody_without_a_token(self, redis_client: redis.Redis) -> None:
        app = create_app(Settings.from_env(settings("redis://127.0.0.1:1", "http://127.0.0.1:1")))
        for address in ("172.17.0.1", "2001:db8::1", "", "nowhere"):
            answer = app.test_client().get("/metrics", environ_base={"REMOTE_ADDR": address})
            assert answer.status_code == 401
