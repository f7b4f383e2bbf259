"""The mailbox while people take a conversation over, give it back, and end it. More of it: tests/mailbox/people.py."""

from __future__ import annotations

import json

import pytest
import redis

from tasks.mailbox import Accepted, Mailbox, Sending, Turn, WakeThinker
from tests.mailbox.steps import AT_ONCE, AnyMailbox, accepted, begun, claimed, said


def test_who_has_it_is_told(mailbox: AnyMailbox) -> None:
    assert not mailbox.is_owned_by_human(3)
    mailbox.human_took_over(3, at=1)
    assert mailbox.is_owned_by_human(3)
    assert not mailbox.is_owned_by_human(4)
    mailbox.handed_back(3, at=2)
    assert not mailbox.is_owned_by_human(3)


class TestWaitingForPeople:
    @pytest.fixture
    def mailbox(self, mailbox: AnyMailbox) -> AnyMailbox:
        """A turn has left a decision to people, and they have the conversation."""
        mailbox.commit(claimed(mailbox, accepted(mailbox, 10)), [], awaits="m10")
        mailbox.human_took_over(3, at=1, message=(11, json.dumps({"by": "person"})))
        return mailbox

    def test_handed_back_it_goes_on_though_nobody_has_written(self, mailbox: AnyMailbox) -> None:
        doorbell = mailbox.handed_back(3, at=2)
        assert isinstance(doorbell, WakeThinker)
        turn = claimed(mailbox, doorbell)
        assert (turn.messages, turn.resumes, len(turn.earlier)) == ((), "m10", 1)
        assert mailbox.commit(turn, []) is None

    def test_it_goes_on_once(self, mailbox: AnyMailbox) -> None:
        doorbell = mailbox.handed_back(3, at=2)
        assert isinstance(doorbell, WakeThinker)
        mailbox.commit(claimed(mailbox, doorbell), [])
        mailbox.human_took_over(3, at=3)
        assert mailbox.handed_back(3, at=4) is None

    def test_a_customer_who_is_to_be_answered_comes_first(self, mailbox: AnyMailbox) -> None:
        mailbox.accept(3, 12, json.dumps({"by": "customer"}))
        doorbell = mailbox.handed_back(3, at=2)
        assert isinstance(doorbell, WakeThinker)
        turn = claimed(mailbox, doorbell)
        assert (len(turn.messages), turn.resumes) == (1, "")

    def test_who_dies_each_time_is_counted(self, mailbox: AnyMailbox) -> None:
        doorbell = mailbox.handed_back(3, at=2)
        assert isinstance(doorbell, WakeThinker)
        mailbox.release(claimed(mailbox, doorbell), delay_s=0)
        again = claimed(mailbox, doorbell)
        assert (again.attempt, again.resumes) == (2, "m10")

    def test_it_waits_on_where_people_take_it_again(self, mailbox: AnyMailbox) -> None:
        doorbell = mailbox.handed_back(3, at=2)
        assert isinstance(doorbell, WakeThinker)
        mailbox.human_took_over(3, at=3)
        assert mailbox.claim(3, doorbell.bell) is None
        assert isinstance(mailbox.handed_back(3, at=4), WakeThinker)

    def test_once_it_is_over_nobody_is_told_anything(self, mailbox: AnyMailbox) -> None:
        assert mailbox.handed_back(3, at=2, to_be_answered=False) is None


class TestPeople:
    @pytest.fixture
    def turn(self, mailbox: AnyMailbox) -> Turn:
        doorbell = mailbox.accept(3, 10, said(10), at=10).doorbell
        assert doorbell is not None
        return claimed(mailbox, doorbell)

    def test_what_was_withheld_is_theirs_to_answer(self, mailbox: AnyMailbox, turn: Turn) -> None:
        mailbox.commit(turn, ["reply"])
        mailbox.human_took_over(3, at=11)
        mailbox.settle(begun(mailbox), answer="suppressed")
        assert not mailbox.is_done_with(3, 10)
        doorbell = mailbox.handed_back(3, at=12)
        assert isinstance(doorbell, WakeThinker)
        assert claimed(mailbox, doorbell).messages == (said(10),)

    def test_what_was_heard_is_not(self, mailbox: AnyMailbox, turn: Turn) -> None:
        mailbox.commit(turn, ["reply", "another bubble"])
        another = mailbox.settle(begun(mailbox), answer="posted")
        assert isinstance(another, Sending)
        mailbox.human_took_over(3, at=11)
        mailbox.settle(another, answer="suppressed")
        assert mailbox.handed_back(3, at=12) is None

    def test_once_it_is_over_nothing_more_is_said(self, mailbox: AnyMailbox, turn: Turn) -> None:
        mailbox.handed_back(3, at=11, to_be_answered=False)
        mailbox.commit(turn, ["reply"])
        sending = begun(mailbox)
        assert sending.owned_by_human
        mailbox.settle(sending, answer="suppressed")
        doorbell = mailbox.accept(3, 11, said(11), at=12).doorbell
        assert doorbell is not None
        turn = claimed(mailbox, doorbell)
        assert (turn.messages, turn.earlier) == ((said(11),), (said(10),))

    def test_an_end_that_came_before_what_the_customer_said_is_none(self, mailbox: AnyMailbox, turn: Turn) -> None:
        mailbox.handed_back(3, at=9, to_be_answered=False)
        mailbox.commit(turn, ["reply"])
        assert not begun(mailbox).owned_by_human

    def test_who_repeats_a_message_may_be_the_first_to_tell_that_it_was_given_back(self, mailbox: AnyMailbox) -> None:
        mailbox.human_took_over(3, at=1, takeover_evidence="assigned")
        assert mailbox.accept(3, 10, said(10), takeover_evidence="assigned", at=2) == Accepted(True, None)
        told = mailbox.accept(3, 10, said(10), at=3)
        assert not told.is_new
        assert told.doorbell is not None
        assert claimed(mailbox, told.doorbell).messages == (said(10),)

    def test_a_turn_that_was_given_up_leaves_what_was_said_to_the_next(self, mailbox: AnyMailbox) -> None:
        mailbox.human_took_over(3, at=1, message=(9, said(9, by="person")))
        mailbox.handed_back(3, at=2)
        for id in (10, 11):
            doorbell = mailbox.accept(3, id, said(id), at=3).doorbell
            assert doorbell is not None
            turn = claimed(mailbox, doorbell)
            assert turn.earlier == (said(9, by="person"),)
            mailbox.commit(turn, [], has_learnt=False)

    def test_what_still_looks_like_theirs_is_known_for_as_long_as_what_is(self, redis_client: redis.Redis) -> None:
        mailbox = Mailbox(redis_client, account_id=1, timing=AT_ONCE)
        mailbox.human_took_over(3, at=1, takeover_evidence="assigned+status:open")
        mailbox.handed_back(3, at=2, takeover_evidence="assigned")
        mailbox.accept(3, 10, said(10), takeover_evidence="assigned", at=3)
        assert redis_client.ttl(mailbox.state_key(3)) > 29 * 24 * 3600


def test_what_an_earlier_version_wrote_is_understood(redis_client: redis.Redis) -> None:
    """What people took over before the fields had their present names is theirs still."""
    mailbox = Mailbox(redis_client, account_id=1)
    old = {"with_people": "1", "shown": "assigned", "acted_at": "5", "unheard": "", "heard_at": "4"}
    redis_client.hset(mailbox.state_key(3), mapping=old)
    assert mailbox.accept(3, 10, '{"id": 10, "by": "customer"}', takeover_evidence="assigned", at=6).doorbell is None
    assert mailbox.is_owned_by_human(3)
    assert mailbox.accept(3, 11, '{"id": 11, "by": "customer"}', at=7).doorbell is not None
    assert not set(old) - {"acted_at"} & set(redis_client.hgetall(mailbox.state_key(3)))


class TestWhoDidWhatWhen:
    """Webhooks come in any order: the newest act decides, by Chatwoot's own time."""

    def test_an_older_act_changes_nothing(self, mailbox: AnyMailbox) -> None:
        mailbox.human_took_over(3, at=5)
        mailbox.handed_back(3, at=4)
        assert mailbox.is_owned_by_human(3)
        mailbox.handed_back(3, at=6)
        mailbox.human_took_over(3, at=5)
        assert not mailbox.is_owned_by_human(3)

    def test_what_had_shown_when_they_gave_it_back_tells_nothing_new(self, mailbox: AnyMailbox) -> None:
        """Who stays assigned has given it back all the same; what has not shown before is news."""
        mailbox.human_took_over(3, at=5, takeover_evidence="assigned")
        mailbox.handed_back(3, at=6, takeover_evidence="assigned")
        mailbox.accept(3, 10, said(10), takeover_evidence="assigned", at=7)
        assert not mailbox.is_owned_by_human(3)
        mailbox.accept(3, 11, said(11), takeover_evidence="assigned+status:open", at=8)
        assert mailbox.is_owned_by_human(3)
