"""The mailbox, on a real Redis and as the fake: what is accepted is thought and sent once, in order, whoever dies."""

from __future__ import annotations

import json

import pytest

from tasks.mailbox import (
    Accepted,
    DeadLetterRecord,
    Listed,
    News,
    NoSuchDeadLetter,
    NotYet,
    Sending,
    Timing,
    Turn,
    TurnLost,
    WakeSender,
    WakeThinker,
    Word,
)
from tests.mailbox.steps import AT_ONCE, AnyMailbox, Open, accepted, begun, claimed


class TestComingIn:
    def test_a_message_rings_once(self, mailbox: AnyMailbox) -> None:
        assert mailbox.accept(3, 10, "hello").doorbell is not None
        assert mailbox.accept(3, 11, "are you there?") == Accepted(is_new=True, doorbell=None)

    def test_a_message_that_comes_again_is_dropped(self, mailbox: AnyMailbox) -> None:
        doorbell = accepted(mailbox, 10, 10)
        assert claimed(mailbox, doorbell).messages == ("message 10",)

    def test_a_message_that_was_answered_is_dropped(self, mailbox: AnyMailbox) -> None:
        mailbox.commit(claimed(mailbox, accepted(mailbox, 10)), [])
        assert mailbox.accept(3, 10, "hello") == Accepted(is_new=False, doorbell=None)

    def test_a_channel_that_delivers_twice_is_heard_once(self, mailbox: AnyMailbox) -> None:
        doorbell = mailbox.accept(3, 10, "message 10", source_id="SM1").doorbell
        assert doorbell is not None
        assert not mailbox.accept(3, 11, "message 11", source_id="SM1").is_new
        assert claimed(mailbox, doorbell).messages == ("message 10",)

    def test_late_webhooks_sort_into_place(self, mailbox: AnyMailbox) -> None:
        doorbell = accepted(mailbox, 12, 10, 11)
        assert claimed(mailbox, doorbell).messages == ("message 10", "message 11", "message 12")

    def test_conversations_do_not_meet(self, mailbox: AnyMailbox) -> None:
        doorbell = accepted(mailbox, 10)
        accepted(mailbox, 11, conversation_id=4)
        assert claimed(mailbox, doorbell).messages == ("message 10",)

    def test_a_burst_is_waited_for(self, open_mailbox: Open) -> None:
        mailbox = open_mailbox(Timing(quiet_s=60, most_quiet_s=60))
        doorbell = accepted(mailbox, 10)
        assert doorbell.delay_s == 60
        wait = mailbox.claim(3, doorbell.bell)
        assert isinstance(wait, NotYet)
        assert 0 < wait.seconds <= 60

    def test_a_burst_is_not_waited_for_for_ever(self, open_mailbox: Open) -> None:
        mailbox = open_mailbox(Timing(quiet_s=60, most_quiet_s=0))
        doorbell = accepted(mailbox, 10, 11)
        assert isinstance(mailbox.claim(3, doorbell.bell), Turn)


class TestThinking:
    def test_one_worker_has_the_turn(self, mailbox: AnyMailbox) -> None:
        doorbell = accepted(mailbox, 10)
        claimed(mailbox, doorbell)
        assert mailbox.claim(3, doorbell.bell) is None

    def test_a_doorbell_of_an_earlier_turn_is_stale(self, mailbox: AnyMailbox) -> None:
        old = accepted(mailbox, 10)
        mailbox.commit(claimed(mailbox, old), [])
        accepted(mailbox, 11)
        assert mailbox.claim(3, old.bell) is None

    def test_what_comes_while_thinking_is_the_next_turn(self, mailbox: AnyMailbox) -> None:
        turn = claimed(mailbox, accepted(mailbox, 10))
        assert mailbox.accept(3, 11, "message 11").doorbell is None
        following = mailbox.commit(turn, [])
        assert isinstance(following, WakeThinker)
        assert claimed(mailbox, following).messages == ("message 11",)

    def test_a_turn_that_was_lost_cannot_be_ended(self, mailbox: AnyMailbox, hasty: AnyMailbox) -> None:
        doorbell = accepted(hasty, 10)
        paused = claimed(hasty, doorbell)
        assert hasty.reclaim_overdue(3) == WakeThinker(doorbell.bell, 0)
        heir = claimed(mailbox, doorbell)
        with pytest.raises(TurnLost):
            mailbox.commit(paused, ["too late"])
        assert mailbox.commit(heir, ["in time"]) == WakeSender()
        assert begun(mailbox).action == "in time"

    def test_a_turn_that_is_taken_up_again_is_the_same_turn(self, mailbox: AnyMailbox, hasty: AnyMailbox) -> None:
        doorbell = accepted(hasty, 10)
        first = claimed(hasty, doorbell)
        hasty.accept(3, 11, "meanwhile")
        hasty.reclaim_overdue(3)
        second = claimed(mailbox, doorbell)
        assert (second.messages, second.number, second.attempt) == (first.messages, first.number, 2)

    def test_a_turn_given_back_can_be_claimed_again(self, mailbox: AnyMailbox) -> None:
        doorbell = accepted(mailbox, 10)
        mailbox.release(claimed(mailbox, doorbell), delay_s=0)
        assert claimed(mailbox, doorbell).attempt == 2

    def test_a_turn_given_back_for_later_must_wait(self, mailbox: AnyMailbox) -> None:
        doorbell = accepted(mailbox, 10)
        mailbox.release(claimed(mailbox, doorbell), delay_s=60)
        assert isinstance(mailbox.claim(3, doorbell.bell), NotYet)

    def test_a_turn_takes_no_more_than_fifty_messages(self, mailbox: AnyMailbox) -> None:
        turn = claimed(mailbox, accepted(mailbox, *range(60, 0, -1)))
        following = mailbox.commit(turn, [])
        assert isinstance(following, WakeThinker)
        rest = claimed(mailbox, following)
        assert turn.messages + rest.messages == tuple(f"message {id}" for id in range(1, 61))
        assert len(turn.messages) == 50

    def test_silence_is_an_answer(self, mailbox: AnyMailbox) -> None:
        assert mailbox.commit(claimed(mailbox, accepted(mailbox, 10)), []) is None
        assert mailbox.begin_sending(3) is None


class TestActs:
    """What tools do once."""

    @pytest.fixture
    def turn(self, hasty: AnyMailbox) -> Turn:
        return claimed(hasty, accepted(hasty, 10))

    def act(self, turn: Turn, **more: str) -> str:
        return json.dumps({"tool": "book", "token": turn.token, **more})

    def acts(self, mailbox: AnyMailbox, *messages: str) -> list[dict[str, str]]:
        return [json.loads(act) for act in mailbox.acts(3, messages)]

    def test_they_are_known_by_each_message_that_they_answer(self, hasty: AnyMailbox, turn: Turn) -> None:
        hasty.intend(turn, "a", self.act(turn), ["10", "11"])
        hasty.intend(turn, "b", self.act(turn, day="Tuesday"), ["11"])
        assert self.acts(hasty, "10") == [{"tool": "book", "token": turn.token}]
        assert [act.get("day") for act in self.acts(hasty, "10", "11", "12")] == [None, "Tuesday"]
        assert self.acts(hasty, "12") == self.acts(hasty) == []
        assert hasty.acts(4, ["10"]) == []

    def test_one_that_was_done_stays_so(self, hasty: AnyMailbox, turn: Turn) -> None:
        hasty.intend(turn, "a", self.act(turn), ["10"])
        hasty.did(turn, "a", "booked")
        hasty.did(turn, "a", "booked again")
        hasty.did(turn, "a", "")
        assert json.loads(hasty.intend(turn, "a", self.act(turn), ["10", "11"]))["result"] == "booked"
        assert [act["result"] for act in self.acts(hasty, "11")] == ["booked"]

    def test_one_that_was_not_done_is_forgotten(self, hasty: AnyMailbox, turn: Turn) -> None:
        hasty.intend(turn, "a", self.act(turn), ["10"])
        hasty.did(turn, "a", "")
        assert self.acts(hasty, "10") == []
        hasty.did(turn, "a", "booked")
        assert self.acts(hasty, "10") == []

    def test_who_has_lost_the_turn_begins_none(self, hasty: AnyMailbox, turn: Turn) -> None:
        successor = taken_up(hasty)
        with pytest.raises(TurnLost):
            hasty.intend(turn, "a", self.act(turn), ["10"])
        hasty.intend(successor, "b", self.act(successor), ["10"])
        assert len(self.acts(hasty, "10")) == 1

    def test_but_says_what_came_of_one_that_was_begun(self, hasty: AnyMailbox, turn: Turn) -> None:
        hasty.intend(turn, "a", self.act(turn), ["10"])
        taken_up(hasty)
        hasty.did(turn, "a", "booked")
        assert [act["result"] for act in self.acts(hasty, "10")] == ["booked"]

    def test_and_does_not_forget_what_another_has_begun_since(self, hasty: AnyMailbox, turn: Turn) -> None:
        hasty.intend(turn, "a", self.act(turn), ["10"])
        successor = taken_up(hasty)
        hasty.intend(successor, "a", self.act(successor), ["10"])
        hasty.did(turn, "a", "")
        assert len(self.acts(hasty, "10")) == 1

    def test_they_are_forgotten_with_the_conversation(self, hasty: AnyMailbox, turn: Turn) -> None:
        hasty.intend(turn, "a", self.act(turn), ["10"])
        hasty.forget(3)
        assert self.acts(hasty, "10") == []


def taken_up(mailbox: AnyMailbox) -> Turn:
    """By whoever finds the turn's holder gone."""
    doorbell = mailbox.reclaim_overdue(3)
    assert isinstance(doorbell, WakeThinker)
    return claimed(mailbox, doorbell)


class TestEdits:
    """Of messages that were answered, where edits are answered, too."""

    def test_one_is_answered_once(self, mailbox: AnyMailbox) -> None:
        self.answered(mailbox, "three")
        doorbell = self.edited(mailbox, "two")
        assert isinstance(doorbell, WakeThinker)
        assert self.edited(mailbox, "two") is None
        turn = claimed(mailbox, doorbell)
        assert turn.messages == (said("two", edit="x"),)
        assert turn.is_to_be_heard
        assert mailbox.commit(turn, []) is None
        assert self.edited(mailbox, "two") is None
        assert mailbox.accept(3, 11, said("next", 11)).doorbell is not None

    def test_each_is_answered(self, mailbox: AnyMailbox) -> None:
        self.answered(mailbox, "three")
        for text in ("two", "three", "two"):
            doorbell = self.edited(mailbox, text)
            assert isinstance(doorbell, WakeThinker)
            mailbox.commit(claimed(mailbox, doorbell), [])

    def test_one_is_of_now_whatever_was_said_after_its_message(self, mailbox: AnyMailbox) -> None:
        self.answered(mailbox, "three")
        next_one = mailbox.accept(3, 17, said("thanks", 17)).doorbell
        assert next_one is not None
        mailbox.commit(claimed(mailbox, next_one), [])
        doorbell = self.edited(mailbox, "two")
        assert isinstance(doorbell, WakeThinker)
        assert claimed(mailbox, doorbell).newest == 17

    def test_one_that_comes_while_its_message_is_thought_is_the_next_turn(self, mailbox: AnyMailbox) -> None:
        turn = claimed(mailbox, accept(mailbox, "three"))
        assert self.edited(mailbox, "three") is None
        assert self.edited(mailbox, "two") is None
        following = mailbox.commit(turn, [])
        assert isinstance(following, WakeThinker)
        following_turn = claimed(mailbox, following)
        assert (following_turn.messages, following_turn.earlier) == ((said("two", edit="x"),), ())

    def test_one_that_was_taken_back_while_it_was_thought_is_none(self, mailbox: AnyMailbox) -> None:
        turn = claimed(mailbox, accept(mailbox, "three"))
        self.edited(mailbox, "two")
        self.edited(mailbox, "three")
        following = mailbox.commit(turn, [])
        assert isinstance(following, WakeThinker)  # to look at the list
        assert claimed(mailbox, following).messages == ()

    def test_one_that_comes_while_the_answer_is_sent_waits_for_that(self, mailbox: AnyMailbox) -> None:
        mailbox.commit(claimed(mailbox, accept(mailbox, "three")), ["answer"])
        sending = begun(mailbox)
        assert self.edited(mailbox, "two") is None
        assert isinstance(mailbox.settle(sending, answer="posted"), WakeThinker)

    def test_what_waits_is_answered_as_it_reads_and_is_no_edit(self, mailbox: AnyMailbox) -> None:
        doorbell = accept(mailbox, "three")
        self.edited(mailbox, "two")
        assert claimed(mailbox, doorbell).messages == (said("two"),)

    def test_one_that_the_list_shows_as_answered_is_dropped(self, mailbox: AnyMailbox) -> None:
        self.answered(mailbox, "two")
        late = self.edited(mailbox, "three")
        assert isinstance(late, WakeThinker)
        listed = Listed(10, said("two", edit="x"))
        heard, unknown = mailbox.hear(claimed(mailbox, late), [listed], up_to=10)
        assert isinstance(heard, Turn)
        assert (heard.messages, unknown) == ((), 0)

    def test_one_of_a_deleted_message_begins_nothing(self, mailbox: AnyMailbox) -> None:
        self.answered(mailbox, "three")
        mailbox.forget_message(3, 10, said("", by="deleted"))
        assert self.edited(mailbox, "two") is None

    def test_one_in_peoples_hands_is_known(self, mailbox: AnyMailbox) -> None:
        self.answered(mailbox, "three")
        mailbox.learn(3, News(at=1, signs=("assigned:7",)))
        assert self.edited(mailbox, "two") is None
        doorbell = mailbox.learn(3, News(at=2, back=2, all=2))
        assert isinstance(doorbell, WakeThinker)
        turn = claimed(mailbox, doorbell)
        assert (turn.messages, turn.earlier) == ((), (said("two", by="aside"),))

    def test_one_is_answered_also_where_a_person_wrote_after_its_message(self, mailbox: AnyMailbox) -> None:
        self.answered(mailbox, "three")
        doorbell = self.edited(mailbox, "two")
        assert isinstance(doorbell, WakeThinker)
        word = Listed(12, said("hello", 12, by="person"), word=Word(12, 1, ""))
        now = News(at=3, back=3, all=3, words=(Word(12, 1, ""),))
        edit = Listed(10, said("two", edit="x"))
        heard, _ = mailbox.hear(claimed(mailbox, doorbell), [edit, word], up_to=12, news=now)
        assert isinstance(heard, Turn)
        assert heard.messages == (said("two", edit="x"),)

    def answered(self, mailbox: AnyMailbox, text: str) -> None:
        mailbox.commit(claimed(mailbox, accept(mailbox, text)), [])

    def edited(self, mailbox: AnyMailbox, text: str) -> WakeThinker | WakeSender | None:
        return mailbox.revise(3, 10, said(text), to_know=said(text, by="aside"), edit=said(text, edit="x"))


def accept(mailbox: AnyMailbox, text: str) -> WakeThinker:
    doorbell = mailbox.accept(3, 10, said(text)).doorbell
    assert doorbell is not None
    return doorbell


def said(text: str, id: int = 10, by: str = "customer", edit: str = "") -> str:
    return json.dumps({"id": id, "text": text, "by": by, "edit": edit})


class TestSending:
    @pytest.fixture
    def replying(self, mailbox: AnyMailbox) -> AnyMailbox:
        mailbox.commit(claimed(mailbox, accepted(mailbox, 10)), ["one", "two"])
        return mailbox

    def test_acts_come_in_order(self, replying: AnyMailbox) -> None:
        one = begun(replying)
        two = replying.settle(one)
        assert isinstance(two, Sending)
        assert (one.action, two.action, replying.settle(two)) == ("one", "two", None)

    def test_one_worker_sends(self, replying: AnyMailbox) -> None:
        begun(replying)
        assert replying.begin_sending(3) is None

    def test_a_second_try_knows_of_the_first(self, replying: AnyMailbox) -> None:
        first = begun(replying)
        replying.release(first, delay_s=0)
        assert (first.tries, begun(replying).tries) == (1, 2)

    def test_a_killed_senders_try_counts(self, hasty: AnyMailbox) -> None:
        hasty.commit(claimed(hasty, accepted(hasty, 10)), ["one"])
        begun(hasty)
        assert hasty.reclaim_overdue(3) == WakeSender()
        assert begun(hasty).tries == 2

    def test_tries_are_counted_for_each_act(self, replying: AnyMailbox) -> None:
        replying.release(begun(replying), delay_s=0)
        two = replying.settle(begun(replying))
        assert isinstance(two, Sending)
        assert two.tries == 1

    def test_nothing_is_sent_before_its_time(self, replying: AnyMailbox) -> None:
        replying.release(begun(replying), delay_s=60)
        assert replying.begin_sending(3) is None

    def test_a_sender_that_lost_the_outbox_cannot_settle(self, hasty: AnyMailbox, mailbox: AnyMailbox) -> None:
        hasty.commit(claimed(hasty, accepted(hasty, 10)), ["one"])
        paused = begun(hasty)
        hasty.reclaim_overdue(3)
        begun(mailbox)
        with pytest.raises(TurnLost):
            mailbox.settle(paused)

    def test_the_next_turn_waits_until_all_is_sent(self, replying: AnyMailbox) -> None:
        assert replying.accept(3, 11, "message 11").doorbell is None
        two = replying.settle(begun(replying))
        assert isinstance(two, Sending)
        following = replying.settle(two)
        assert isinstance(following, WakeThinker)
        assert claimed(replying, following).messages == ("message 11",)

    def test_what_is_given_up_is_kept(self, replying: AnyMailbox) -> None:
        two = replying.settle(begun(replying), dead_letter=DeadLetterRecord("3.m10", "{}"), besides=["alert"])
        assert list(replying.dead_letters()) == [DeadLetterRecord("3.m10", "{}")]
        assert isinstance(two, Sending)
        alert = replying.settle(two)
        assert isinstance(alert, Sending)
        assert (two.action, alert.action, replying.settle(alert)) == ("two", "alert", None)

    def test_what_broke_off_stays_in_doubt(self, replying: AnyMailbox) -> None:
        replying.release(begun(replying), delay_s=0, decided=False)
        assert begun(replying).doubt_s > 0

    def test_a_look_that_failed_leaves_it_in_doubt(self, replying: AnyMailbox) -> None:
        """Only a post that was answered ends the doubt, and whoever is in doubt does not post."""
        replying.release(begun(replying), delay_s=0, decided=False)
        replying.release(begun(replying), delay_s=0)
        assert begun(replying).doubt_s > 0

    def test_its_time_begins_when_chatwoot_has_first_answered(self, replying: AnyMailbox) -> None:
        """However long ago the try was: until then nobody can tell whether it was begun at all."""
        replying.release(begun(replying), delay_s=0, decided=False)
        first = begun(replying)
        replying.release(first, delay_s=0)  # a look that failed
        second = begun(replying)
        assert first.doubt_s == second.doubt_s == replying.doubt(second) == AT_ONCE.doubt_s
        assert replying.begin_sending(3) is None

    def test_what_was_refused_is_not_in_doubt(self, replying: AnyMailbox) -> None:
        replying.release(begun(replying), delay_s=0)
        assert begun(replying).doubt_s == 0

    @pytest.mark.parametrize(("key", "is_there"), [("m10.0", True), ("m10.1", False)])
    def test_what_chatwoot_has_told_us_is_remembered(self, mailbox: AnyMailbox, key: str, is_there: bool) -> None:
        mailbox.enqueue(3, key, json.dumps({"key": key}))
        mailbox.saw(3, "m10.0")
        assert begun(mailbox).is_there is is_there


class TestPostingByHand:
    def test_it_is_sent(self, mailbox: AnyMailbox) -> None:
        mailbox.enqueue(3, "a", "by hand")
        assert begun(mailbox).action == "by hand"

    def test_it_is_sent_once_for_its_key(self, mailbox: AnyMailbox) -> None:
        for _ in range(3):
            mailbox.enqueue(3, "a", "by hand")
        assert mailbox.settle(begun(mailbox)) is None

    def test_it_does_not_overtake_a_reply(self, mailbox: AnyMailbox) -> None:
        turn = claimed(mailbox, accepted(mailbox, 10))
        mailbox.enqueue(3, "a", "by hand")
        assert mailbox.begin_sending(3) is None
        mailbox.commit(turn, ["reply"])
        assert begun(mailbox).action == "by hand"

    def test_the_customer_who_was_waiting_is_answered_after_it(self, mailbox: AnyMailbox) -> None:
        accepted(mailbox, 10)
        mailbox.enqueue(3, "a", "by hand")
        following = mailbox.settle(begun(mailbox))
        assert isinstance(following, WakeThinker)
        assert claimed(mailbox, following).messages == ("message 10",)


class TestPuttingOff:
    def test_it_is_sent_once_it_is_due(self, mailbox: AnyMailbox) -> None:
        for _ in range(2):
            mailbox.schedule(3, "a", "later", delay_s=0)
        mailbox.schedule(3, "b", "much later", delay_s=60)
        assert (list(mailbox.overdue()), mailbox.reclaim_overdue(3)) == ([3], WakeSender())
        assert (begun(mailbox).action, list(mailbox.overdue())) == ("later", [])
        assert mailbox.figures().unfinished == 1

    def test_it_waits_for_what_is_under_way(self, mailbox: AnyMailbox) -> None:
        turn = claimed(mailbox, accepted(mailbox, 10))
        mailbox.schedule(3, "a", "later", delay_s=0)
        assert list(mailbox.overdue()) == []
        assert mailbox.commit(turn, []) is None
        assert mailbox.reclaim_overdue(3) == WakeSender()

    @pytest.mark.parametrize(("newest", "is_sent"), [(10, True), (11, False)])
    def test_it_may_depend_on_the_customers_silence(self, mailbox: AnyMailbox, newest: int, is_sent: bool) -> None:
        mailbox.schedule(3, "a", "are you there?", delay_s=0, unless_newer_than=10)
        mailbox.commit(claimed(mailbox, accepted(mailbox, newest)), [])
        assert (mailbox.reclaim_overdue(3) == WakeSender()) == is_sent
        assert list(mailbox.unfinished()) == ([3] if is_sent else [])

    def test_forgotten_it_is_not_sent(self, mailbox: AnyMailbox) -> None:
        mailbox.schedule(3, "a", "later", delay_s=0)
        assert mailbox.forget(3)[1] == 1
        assert mailbox.reclaim_overdue(3) is None


class TestRecovery:
    def test_who_is_in_time_is_left_alone(self, mailbox: AnyMailbox) -> None:
        accepted(mailbox, 10)
        assert list(mailbox.overdue()) == []
        assert mailbox.reclaim_overdue(3) is None

    def test_a_lost_doorbell_is_rung_again_and_stays_the_same(self, hasty: AnyMailbox) -> None:
        doorbell = accepted(hasty, 10)
        assert list(hasty.overdue()) == [3]
        assert hasty.reclaim_overdue(3) == WakeThinker(doorbell.bell, 0)

    def test_of_several_watchdogs_one_gets_the_doorbell(self, hasty: AnyMailbox, mailbox: AnyMailbox) -> None:
        accepted(hasty, 10)
        assert [mailbox.reclaim_overdue(3) is not None for _ in range(3)] == [True, False, False]

    def test_a_heartbeat_keeps_the_turn(self, hasty: AnyMailbox, mailbox: AnyMailbox) -> None:
        turn = claimed(hasty, accepted(hasty, 10))
        assert mailbox.extend(3, turn.token)
        assert list(mailbox.overdue()) == []

    def test_a_heartbeat_without_the_turn_keeps_nothing(self, mailbox: AnyMailbox) -> None:
        accepted(mailbox, 10)
        assert not mailbox.extend(3, "not the holder's")

    def test_an_idle_conversation_is_not_watched(self, hasty: AnyMailbox) -> None:
        hasty.commit(claimed(hasty, accepted(hasty, 10)), [])
        assert list(hasty.overdue()) == []

    def test_what_a_dead_process_held_is_taken_up_at_once(self, mailbox: AnyMailbox) -> None:
        doorbell = accepted(mailbox, 10)
        claimed(mailbox, doorbell)
        assert mailbox.reclaim_from_dead(3, "elsewhere") is None
        assert mailbox.reclaim_from_dead(3, "here") == WakeThinker(doorbell.bell, 0)
        assert mailbox.reclaim_from_dead(3, "here") is None

    def test_all_that_is_not_idle_is_unfinished(self, mailbox: AnyMailbox) -> None:
        mailbox.commit(claimed(mailbox, accepted(mailbox, 10)), [])
        accepted(mailbox, 11, conversation_id=4)
        assert list(mailbox.unfinished()) == [4]


class TestDeadLetters:
    @pytest.fixture
    def buried(self, mailbox: AnyMailbox) -> AnyMailbox:
        """Nothing is left to be done, but message 10 was given up."""
        turn = claimed(mailbox, accepted(mailbox, 10))
        mailbox.commit(turn, [], dead_letter=DeadLetterRecord("3.m10", "{}"))
        return mailbox

    def test_its_messages_can_be_thought_about_again(self, buried: AnyMailbox) -> None:
        following = buried.requeue_messages(3, "3.m10", {10: "message 10"})
        assert isinstance(following, WakeThinker)
        assert claimed(buried, following).messages == ("message 10",)
        assert list(buried.dead_letters()) == []

    def test_its_act_can_be_tried_again(self, buried: AnyMailbox) -> None:
        assert buried.requeue_action(3, "3.m10", "again") == WakeSender()
        assert begun(buried).action == "again"

    def test_it_is_tried_again_once(self, buried: AnyMailbox) -> None:
        buried.requeue_action(3, "3.m10", "again")
        with pytest.raises(NoSuchDeadLetter):
            buried.requeue_action(3, "3.m10", "again")
        assert buried.settle(begun(buried)) is None

    def test_it_can_be_forgotten(self, buried: AnyMailbox) -> None:
        assert (buried.discard(3, "3.m10"), buried.discard(3, "3.m10")) == (True, False)
        assert list(buried.dead_letters()) == []
