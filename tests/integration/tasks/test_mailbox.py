"""The mailbox, on a real Redis: what is accepted is thought once and sent once, in order, whoever dies."""

from __future__ import annotations

import pytest
import redis

from tasks.mailbox import Accepted, DeadLetter, Mailbox, Ring, Send, Sending, Timing, Turn, TurnLost, Wait

AT_ONCE = Timing(quiet_s=0, most_quiet_s=0, lease_s=30, grace_s=30)
LOST_AT_ONCE = Timing(quiet_s=0, most_quiet_s=0, lease_s=0, grace_s=0)


@pytest.fixture
def mailbox(redis_client: redis.Redis) -> Mailbox:
    return Mailbox(redis_client, account_id=1, timing=AT_ONCE)


@pytest.fixture
def hasty(redis_client: redis.Redis) -> Mailbox:
    """Sees every holder as gone, and every doorbell as lost, at once."""
    return Mailbox(redis_client, account_id=1, timing=LOST_AT_ONCE)


def accepted(mailbox: Mailbox, *ids: int, conversation_id: int = 3) -> Ring:
    doorbells = [mailbox.accept(conversation_id, id, f"message {id}").doorbell for id in ids]
    assert doorbells[0] is not None
    return doorbells[0]


def claimed(mailbox: Mailbox, doorbell: Ring, conversation_id: int = 3) -> Turn:
    turn = mailbox.claim(conversation_id, doorbell.bell)
    assert isinstance(turn, Turn)
    return turn


def begun(mailbox: Mailbox, conversation_id: int = 3) -> Sending:
    sending = mailbox.begin_sending(conversation_id)
    assert sending is not None
    return sending


class TestComingIn:
    def test_a_message_rings_once(self, mailbox: Mailbox) -> None:
        assert mailbox.accept(3, 10, "hello").doorbell is not None
        assert mailbox.accept(3, 11, "are you there?") == Accepted(is_new=True, doorbell=None)

    def test_a_message_that_comes_again_is_dropped(self, mailbox: Mailbox) -> None:
        doorbell = accepted(mailbox, 10, 10)
        assert claimed(mailbox, doorbell).messages == ("message 10",)

    def test_a_message_that_was_answered_is_dropped(self, mailbox: Mailbox) -> None:
        mailbox.commit(claimed(mailbox, accepted(mailbox, 10)), [])
        assert mailbox.accept(3, 10, "hello") == Accepted(is_new=False, doorbell=None)

    def test_a_channel_that_delivers_twice_is_heard_once(self, mailbox: Mailbox) -> None:
        doorbell = mailbox.accept(3, 10, "hello", source_id="SM1").doorbell
        assert doorbell is not None
        mailbox.accept(3, 11, "hello", source_id="SM1")
        assert claimed(mailbox, doorbell).messages == ("hello",)

    def test_late_webhooks_sort_into_place(self, mailbox: Mailbox) -> None:
        doorbell = accepted(mailbox, 12, 10, 11)
        assert claimed(mailbox, doorbell).messages == ("message 10", "message 11", "message 12")

    def test_conversations_do_not_meet(self, mailbox: Mailbox) -> None:
        doorbell = accepted(mailbox, 10)
        accepted(mailbox, 11, conversation_id=4)
        assert claimed(mailbox, doorbell).messages == ("message 10",)

    def test_a_burst_is_waited_for(self, redis_client: redis.Redis) -> None:
        mailbox = Mailbox(redis_client, account_id=1, timing=Timing(quiet_s=60, most_quiet_s=60))
        doorbell = accepted(mailbox, 10)
        assert doorbell.delay_s == 60
        wait = mailbox.claim(3, doorbell.bell)
        assert isinstance(wait, Wait)
        assert 0 < wait.seconds <= 60

    def test_a_burst_is_not_waited_for_for_ever(self, redis_client: redis.Redis) -> None:
        mailbox = Mailbox(redis_client, account_id=1, timing=Timing(quiet_s=60, most_quiet_s=0))
        doorbell = accepted(mailbox, 10, 11)
        assert isinstance(mailbox.claim(3, doorbell.bell), Turn)


class TestThinking:
    def test_one_worker_has_the_turn(self, mailbox: Mailbox) -> None:
        doorbell = accepted(mailbox, 10)
        claimed(mailbox, doorbell)
        assert mailbox.claim(3, doorbell.bell) is None

    def test_a_doorbell_of_an_earlier_turn_is_stale(self, mailbox: Mailbox) -> None:
        old = accepted(mailbox, 10)
        mailbox.commit(claimed(mailbox, old), [])
        accepted(mailbox, 11)
        assert mailbox.claim(3, old.bell) is None

    def test_what_comes_while_thinking_is_the_next_turn(self, mailbox: Mailbox) -> None:
        turn = claimed(mailbox, accepted(mailbox, 10))
        assert mailbox.accept(3, 11, "message 11").doorbell is None
        following = mailbox.commit(turn, [])
        assert isinstance(following, Ring)
        assert claimed(mailbox, following).messages == ("message 11",)

    def test_a_turn_that_was_lost_cannot_be_ended(self, mailbox: Mailbox, hasty: Mailbox) -> None:
        doorbell = accepted(hasty, 10)
        paused = claimed(hasty, doorbell)
        assert hasty.revive(3) == Ring(doorbell.bell, 0)
        heir = claimed(mailbox, doorbell)
        with pytest.raises(TurnLost):
            mailbox.commit(paused, ["too late"])
        assert mailbox.commit(heir, ["in time"]) == Send()
        assert begun(mailbox).act == "in time"

    def test_a_turn_that_is_taken_up_again_is_the_same_turn(self, mailbox: Mailbox, hasty: Mailbox) -> None:
        doorbell = accepted(hasty, 10)
        first = claimed(hasty, doorbell)
        hasty.accept(3, 11, "meanwhile")
        hasty.revive(3)
        second = claimed(mailbox, doorbell)
        assert (second.messages, second.number, second.attempt) == (first.messages, first.number, 2)

    def test_a_turn_given_back_can_be_claimed_again(self, mailbox: Mailbox) -> None:
        doorbell = accepted(mailbox, 10)
        mailbox.release(claimed(mailbox, doorbell), delay_s=0)
        assert claimed(mailbox, doorbell).attempt == 2

    def test_a_turn_given_back_for_later_must_wait(self, mailbox: Mailbox) -> None:
        doorbell = accepted(mailbox, 10)
        mailbox.release(claimed(mailbox, doorbell), delay_s=60)
        assert isinstance(mailbox.claim(3, doorbell.bell), Wait)

    def test_silence_is_an_answer(self, mailbox: Mailbox) -> None:
        assert mailbox.commit(claimed(mailbox, accepted(mailbox, 10)), []) is None
        assert mailbox.begin_sending(3) is None


class TestSending:
    @pytest.fixture
    def replying(self, mailbox: Mailbox) -> Mailbox:
        mailbox.commit(claimed(mailbox, accepted(mailbox, 10)), ["one", "two"])
        return mailbox

    def test_acts_come_in_order(self, replying: Mailbox) -> None:
        one = begun(replying)
        two = replying.settle(one)
        assert isinstance(two, Sending)
        assert (one.act, two.act, replying.settle(two)) == ("one", "two", None)

    def test_one_worker_sends(self, replying: Mailbox) -> None:
        begun(replying)
        assert replying.begin_sending(3) is None

    def test_a_second_try_knows_of_the_first(self, replying: Mailbox) -> None:
        first = begun(replying)
        replying.release(first, delay_s=0)
        assert (first.tries, begun(replying).tries) == (1, 2)

    def test_a_killed_senders_try_counts(self, hasty: Mailbox) -> None:
        hasty.commit(claimed(hasty, accepted(hasty, 10)), ["one"])
        begun(hasty)
        assert hasty.revive(3) == Send()
        assert begun(hasty).tries == 2

    def test_tries_are_counted_for_each_act(self, replying: Mailbox) -> None:
        replying.release(begun(replying), delay_s=0)
        two = replying.settle(begun(replying))
        assert isinstance(two, Sending)
        assert two.tries == 1

    def test_nothing_is_sent_before_its_time(self, replying: Mailbox) -> None:
        replying.release(begun(replying), delay_s=60)
        assert replying.begin_sending(3) is None

    def test_a_sender_that_lost_the_outbox_cannot_settle(self, hasty: Mailbox, mailbox: Mailbox) -> None:
        hasty.commit(claimed(hasty, accepted(hasty, 10)), ["one"])
        paused = begun(hasty)
        hasty.revive(3)
        begun(mailbox)
        with pytest.raises(TurnLost):
            mailbox.settle(paused)

    def test_the_next_turn_waits_until_all_is_sent(self, replying: Mailbox) -> None:
        assert replying.accept(3, 11, "message 11").doorbell is None
        two = replying.settle(begun(replying))
        assert isinstance(two, Sending)
        following = replying.settle(two)
        assert isinstance(following, Ring)
        assert claimed(replying, following).messages == ("message 11",)

    def test_what_is_given_up_is_kept(self, replying: Mailbox, redis_client: redis.Redis) -> None:
        replying.settle(begun(replying), dead_letter=DeadLetter("3.m10", "{}"), besides=["alert"])
        (key,) = redis_client.scan_iter("contesta:*dead_letters")
        assert redis_client.hgetall(key) == {"3.m10": "{}"}
        assert redis_client.lrange(redis_client.keys("contesta:*:3:outbox")[0], 0, -1) == ["two", "alert"]


class TestPostingByHand:
    def test_it_is_sent(self, mailbox: Mailbox) -> None:
        mailbox.post(3, "a", "by hand")
        assert begun(mailbox).act == "by hand"

    def test_it_is_sent_once_for_its_key(self, mailbox: Mailbox) -> None:
        for _ in range(3):
            mailbox.post(3, "a", "by hand")
        assert mailbox.settle(begun(mailbox)) is None

    def test_it_does_not_overtake_a_reply(self, mailbox: Mailbox) -> None:
        turn = claimed(mailbox, accepted(mailbox, 10))
        mailbox.post(3, "a", "by hand")
        assert mailbox.begin_sending(3) is None
        mailbox.commit(turn, ["reply"])
        assert begun(mailbox).act == "by hand"

    def test_the_customer_who_was_waiting_is_answered_after_it(self, mailbox: Mailbox) -> None:
        accepted(mailbox, 10)
        mailbox.post(3, "a", "by hand")
        following = mailbox.settle(begun(mailbox))
        assert isinstance(following, Ring)
        assert claimed(mailbox, following).messages == ("message 10",)


class TestRecovery:
    def test_who_is_in_time_is_left_alone(self, mailbox: Mailbox) -> None:
        accepted(mailbox, 10)
        assert list(mailbox.overdue()) == []
        assert mailbox.revive(3) is None

    def test_a_lost_doorbell_is_rung_again_and_stays_the_same(self, hasty: Mailbox) -> None:
        doorbell = accepted(hasty, 10)
        assert list(hasty.overdue()) == [3]
        assert hasty.revive(3) == Ring(doorbell.bell, 0)

    def test_of_several_watchdogs_one_gets_the_doorbell(self, hasty: Mailbox, mailbox: Mailbox) -> None:
        accepted(hasty, 10)
        assert [mailbox.revive(3) is not None for _ in range(3)] == [True, False, False]

    def test_a_heartbeat_keeps_the_turn(self, hasty: Mailbox, mailbox: Mailbox) -> None:
        turn = claimed(hasty, accepted(hasty, 10))
        assert mailbox.extend(3, turn.token)
        assert list(mailbox.overdue()) == []

    def test_a_heartbeat_without_the_turn_keeps_nothing(self, mailbox: Mailbox) -> None:
        accepted(mailbox, 10)
        assert not mailbox.extend(3, "not the holder's")

    def test_an_idle_conversation_is_not_watched(self, hasty: Mailbox) -> None:
        hasty.commit(claimed(hasty, accepted(hasty, 10)), [])
        assert list(hasty.overdue()) == []
