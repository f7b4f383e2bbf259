"""Switches of the webhooks: never sent, late, twice, shuffled."""

import pytest

from sandbox import Sandbox
from tests.sandbox.desk import Desk
from tests.sandbox.receiver import Received


def contents(received: list[Received]) -> list[str]:
    return [each.body["content"] for each in received]


def test_a_message_is_stored_and_nobody_is_ever_told(desk: Desk) -> None:
    """As on a Chatwoot whose Redis is away for a few seconds. Each target counts: here the bot's and the account's."""
    desk.sandbox.webhook_faults.add("never", times=2)
    desk.customer_writes("uno")
    desk.customer_writes("dos")
    assert contents(desk.told("bot", "message_created")) == ["dos"]
    assert contents(desk.told("account", "message_created")) == ["dos"]
    assert desk.contents == ["uno", "dos"]
    unsent = [each for each in desk.sandbox.deliveries if each.error == "never sent"]
    assert [(each.to, each.fault) for each in unsent] == [("bot", "never"), ("account", "never")]


def test_late_comes_after_what_came_later(desk: Desk) -> None:
    desk.sandbox.webhook_faults.add("late", to="bot", seconds=0.3)
    desk.customer_writes("uno")
    desk.customer_writes("dos")
    assert contents(desk.told("bot", "message_created")) == ["dos", "uno"]


def test_twice_is_the_same_delivery_again(desk: Desk) -> None:
    desk.sandbox.webhook_faults.add("twice", to="bot")
    desk.customer_writes("uno")
    first, second = desk.told("bot", "message_created")
    assert (first.delivery_id, first.raw) == (second.delivery_id, second.raw)


def test_shuffled_turns_a_burst_round(desk: Desk) -> None:
    desk.sandbox.webhook_faults.add("shuffled", to="bot", times=3)
    for content in ("uno", "dos", "tres"):
        desk.customer_writes(content)
    assert contents(desk.told("bot", "message_created")) == ["tres", "dos", "uno"]


def test_shuffled_holds_back_no_longer_than_told(desk: Desk) -> None:
    desk.sandbox.webhook_faults.add("shuffled", to="bot", times=3, seconds=0.05)
    desk.customer_writes("uno")
    desk.sandbox.webhook_faults.add("late", event="contact_updated", seconds=0.3)
    desk.customer_writes("dos")
    assert sorted(contents(desk.told("bot", "message_created"))) == ["dos", "uno"]


def test_what_is_held_back_comes_when_the_switches_are_cleared(desk: Desk) -> None:
    desk.sandbox.webhook_faults.add("shuffled", to="bot", times=5)
    desk.customer_writes("uno")
    assert desk.told("bot", "message_created") == []
    desk.sandbox.webhook_faults.clear()
    assert contents(desk.told("bot", "message_created")) == ["uno"]


def test_concerns_the_event_and_the_text_that_it_names(desk: Desk) -> None:
    desk.sandbox.webhook_faults.add("never", to="bot", content="dos", times=None)
    for content in ("uno", "dos", "tres"):
        desk.customer_writes(content)
    assert sorted(contents(desk.told("bot", "message_created"))) == ["tres", "uno"]


@pytest.mark.parametrize(("kind", "times"), [("lost", 1), ("shuffled", 1)])
def test_a_wrong_switch_is_refused(sandbox: Sandbox, kind: str, times: int) -> None:
    with pytest.raises(ValueError, match=r"lost|shuffled"):
        sandbox.webhook_faults.add(kind, times=times)
