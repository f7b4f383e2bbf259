"""A busy Chatwoot: webhooks come late and in another order, API calls take their time."""

import threading
import time
from datetime import datetime

import pytest

from sandbox.journal import Delivery
from sandbox.lag import Lag
from tests.sandbox.desk import CONVERSATION, Desk
from tests.stack import wait_until


def created_at(delivery: Delivery) -> float:
    return datetime.fromisoformat(delivery.body["created_at"]).timestamp()


def call_s(lag: Lag) -> tuple[float, float]:
    call = lag.of_a_call()
    return call.before_s, call.after_s


def messages_told(desk: Desk, to: str = "bot") -> list[Delivery]:
    """In the order in which they came."""
    return [each for each in desk.sandbox.deliveries if (each.to, each.event) == (to, "message_created")]


def test_without_a_lag_nothing_waits() -> None:
    lag = Lag()
    assert (lag.of_a_webhook_s(), call_s(lag)) == (0, (0, 0))


def test_times_lie_between_the_bounds_and_come_again_with_the_seed() -> None:
    lag = Lag()
    lag.set(webhooks_s=(2, 10), api_s=(0.3, 1.2), seed=7)
    webhooks = [lag.of_a_webhook_s() for _ in range(50)]
    calls = [call_s(lag) for _ in range(50)]
    assert all(2 <= webhook <= 10 for webhook in webhooks)
    assert all(before >= 0 <= after for before, after in calls)
    assert all(0.3 <= round(before + after, 6) <= 1.2 for before, after in calls)
    lag.set(webhooks_s=(2, 10), api_s=(0.3, 1.2), seed=7)
    assert [lag.of_a_webhook_s() for _ in range(50)] == webhooks
    assert [call_s(lag) for _ in range(50)] == calls


@pytest.mark.parametrize("bounds", [(2, 1), (-1, 1), (1,), ("soon", 1)])
def test_what_is_no_span_of_time_is_refused(bounds: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Lag().set(webhooks_s=bounds)


def test_a_list_shows_what_there_was_a_while_ago(desk: Desk) -> None:
    desk.sandbox.let_lists_lag(600)
    desk.reply("uno")
    path = f"conversations/{CONVERSATION}/messages"
    assert desk.call("GET", path, token="admin").json()["payload"] == []
    desk.sandbox.let_lists_lag(0)
    assert [each["content"] for each in desk.call("GET", path, token="admin").json()["payload"]] == ["uno"]


def test_every_webhook_is_late_and_settling_waits_for_it(desk: Desk) -> None:
    desk.sandbox.lag.set(webhooks_s=(1, 1))
    desk.customer_writes()
    desk.sandbox.settle(timeout_s=0)
    for to in ("bot", "account"):
        (delivery,) = messages_told(desk, to)
        assert delivery.at - created_at(delivery) >= 1


def test_a_late_webhook_says_what_it_would_have_said_in_time(desk: Desk) -> None:
    desk.sandbox.lag.set(webhooks_s=(0.5, 0.5))
    desk.customer_writes()
    desk.call("POST", f"conversations/{CONVERSATION}/toggle_status", {"status": "open"}, token="admin")
    (received,) = desk.told("bot", "message_created")
    assert received.body["conversation"]["status"] == "pending"


def test_webhooks_come_in_another_order(desk: Desk) -> None:
    desk.sandbox.lag.set(webhooks_s=(0, 1), seed=7)
    ids = [desk.customer_writes(str(number)) for number in range(8)]
    desk.sandbox.settle()
    came = [each.body["id"] for each in messages_told(desk)]
    assert came != ids
    assert sorted(came) == ids


def test_late_webhooks_keep_no_others_waiting(desk: Desk) -> None:
    """More are late than there are threads that deliver."""
    desk.sandbox.lag.set(webhooks_s=(600, 600))
    for number in range(12):
        desk.customer_writes(f"late {number}")
    desk.sandbox.lag.clear()
    desk.customer_writes("in time")
    wait_until(lambda: messages_told(desk), what="the webhook that is in time")
    assert [each.body["content"] for each in messages_told(desk)] == ["in time"]


def test_a_call_is_carried_out_within_its_time(desk: Desk) -> None:
    desk.sandbox.lag.set(api_s=(0.5, 0.5), seed=7)
    begun = time.time()
    desk.reply("Hola").raise_for_status()
    answered = time.time()
    desk.sandbox.lag.clear()
    desk.sandbox.settle()
    (told,) = messages_told(desk)
    assert answered - begun >= 0.5
    # Chatwoot tells the milliseconds only.
    assert begun - 0.001 <= created_at(told) <= answered


def test_who_waits_holds_up_nobody_and_is_let_go(desk: Desk) -> None:
    desk.sandbox.lag.set(api_s=(600, 600))
    answers: list[int] = []
    posting = threading.Thread(target=lambda: answers.append(desk.reply("uno").status_code))
    posting.start()
    wait_until(lambda: [each for each in desk.sandbox.requests if each.in_flight], what="the call")
    desk.customer_writes("dos")
    assert desk.contents == ["dos"]
    desk.sandbox.lag.clear()
    posting.join(10)
    assert answers == [200]
    assert desk.contents == ["dos", "uno"]


def test_a_refused_call_takes_its_time_too(desk: Desk) -> None:
    desk.sandbox.lag.set(api_s=(0.3, 0.3))
    desk.sandbox.faults.add("503")
    begun = time.time()
    assert desk.reply().status_code == 503
    assert time.time() - begun >= 0.3


def test_it_is_set_shown_and_cleared_over_http(desk: Desk) -> None:
    given = {"webhooks_s": [0, 10], "api_s": [0.3, 1.2], "channel_s": [0, 0.5], "files_s": [2.5, 7], "seed": 7}
    assert desk.http.put("/sandbox/lag", json=given).json() == given
    assert desk.http.get("/sandbox/state").json()["lag"] == given
    desk.http.delete("/sandbox/lag")
    none = {name: None if name == "seed" else [0, 0] for name in given}
    assert desk.http.get("/sandbox/state").json()["lag"] == none


@pytest.mark.parametrize("given", [{"webhooks_s": [2, 1]}, {"api_s": 5}, {"colour": "red"}])
def test_a_wrong_lag_is_refused_with_the_reason(desk: Desk, given: dict[str, object]) -> None:
    refused = desk.http.put("/sandbox/lag", json=given)
    assert refused.status_code == 422
    assert refused.json()["error"]
