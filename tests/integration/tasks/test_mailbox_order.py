"""What the mailbox knows of our own messages' way to the customer, on a real Redis and as the fake."""

from __future__ import annotations

import pytest

from tasks.mailbox import Sending, WakeSender
from tests.mailbox.steps import AnyMailbox, accepted, begun, claimed


@pytest.fixture
def said(mailbox: AnyMailbox) -> AnyMailbox:
    """Message 50 was posted, and another is to be."""
    mailbox.commit(claimed(mailbox, accepted(mailbox, 10)), ["one", "two"])
    mailbox.settle(begun(mailbox), said=50)
    return mailbox


def second(mailbox: AnyMailbox) -> Sending:
    """The second action, given back by whoever sent the first, and taken up again."""
    mailbox.reclaim_from_dead(3, mailbox.owner)
    return begun(mailbox)


def way_of(sending: Sending) -> int | None:
    return sending.on_its_way.message_id if sending.on_its_way else None


def test_what_was_said_is_on_its_way_until_it_arrives(said: AnyMailbox) -> None:
    assert way_of(second(said)) == 50
    assert said.saw(3, "one", public_id=50, has_arrived=True) is None
    assert way_of(second(said)) is None


def test_so_is_what_chatwoot_tells_of_first(mailbox: AnyMailbox) -> None:
    """The worker was killed between the post and saying so."""
    mailbox.commit(claimed(mailbox, accepted(mailbox, 10)), ["one", "two"])
    mailbox.saw(3, "one", public_id=50, overtakes=True)
    sending = begun(mailbox)
    assert (way_of(sending), sending.overtakes) == (50, True)


def test_a_note_is_not(mailbox: AnyMailbox) -> None:
    mailbox.commit(claimed(mailbox, accepted(mailbox, 10)), ["one"])
    mailbox.saw(3, "one", public_id=None)
    assert way_of(begun(mailbox)) is None


def test_an_older_ones_arrival_says_nothing_of_it(said: AnyMailbox) -> None:
    said.saw(3, "zero", public_id=49, has_arrived=True)
    assert way_of(second(said)) == 50


def test_whoever_waits_for_it_is_rung_for_once(said: AnyMailbox) -> None:
    sending = second(said)
    assert said.defer(sending, delay_s=60, awaits=50) == 60
    assert said.begin_sending(3) is None
    assert said.saw(3, "one", public_id=50) is None
    assert said.saw(3, "one", public_id=50, has_arrived=True) == WakeSender()
    assert said.saw(3, "one", public_id=50, has_arrived=True) is None
    assert begun(said).tries == sending.tries


def test_what_arrives_before_one_waits_is_not_waited_for(said: AnyMailbox) -> None:
    sending = second(said)
    said.saw(3, "one", public_id=50, has_arrived=True)
    assert said.defer(sending, delay_s=60, awaits=50) == 0
    assert way_of(begun(said)) is None


def test_an_arrival_ends_no_other_waiting(said: AnyMailbox) -> None:
    """Such as until Chatwoot takes more."""
    said.release(second(said), delay_s=60)
    assert said.saw(3, "one", public_id=50, has_arrived=True) is None
    assert said.begin_sending(3) is None


def test_the_channel_is_known_by_whoever_tells_of_it(mailbox: AnyMailbox) -> None:
    mailbox.enqueue(3, "one", "one")
    assert second(mailbox).overtakes is None
    mailbox.know_channel(3, overtakes=False)
    assert second(mailbox).overtakes is False
    mailbox.accept(3, 10, "message 10", overtakes=True)
    assert second(mailbox).overtakes is True


def test_what_the_graph_did_not_say_it_is_told_with_the_next_turn(mailbox: AnyMailbox) -> None:
    mailbox.enqueue(3, "by hand", "by hand")
    note = '{"id": 50, "by": "bot"}'
    assert mailbox.settle(begun(mailbox), said=50, to_know=note) is None
    turn = claimed(mailbox, accepted(mailbox, 60))
    assert turn.earlier == (note,)
    mailbox.commit(turn, [])
    assert claimed(mailbox, accepted(mailbox, 70)).earlier == ()
