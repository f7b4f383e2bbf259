"""The mailbox while people take a conversation over, give it back, and end it. More of it: tests/mailbox/people.py.

Times are Chatwoot's, in milliseconds; here they are small numbers.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from tasks.mailbox import (
    Accepted,
    DeadLetterRecord,
    LeftToPeople,
    Listed,
    Mailbox,
    News,
    Sending,
    Turn,
    WakeSender,
    WakeThinker,
    Word,
)
from tests.mailbox.steps import AT_ONCE, AnyMailbox, accepted, begun, claimed, said

OPENED = News(at=5, signs=("status:open",))
PENDING = News(at=6)
IsTheirs = Callable[..., bool]


def word(id: int, at: int, text: str = "I am on it") -> News:
    return News(words=(Word(id, at, text),))


def theirs(mailbox: AnyMailbox, *news: News) -> bool:
    """Whose it is in the end."""
    for each in news:
        mailbox.learn(3, each)
    return mailbox.is_owned_by_human(3)


def again(doorbell: WakeThinker | WakeSender | None, mailbox: AnyMailbox) -> Turn:
    assert isinstance(doorbell, WakeThinker)
    return claimed(mailbox, doorbell)


def test_who_has_it_is_told(mailbox: AnyMailbox) -> None:
    assert not mailbox.is_owned_by_human(3)
    mailbox.learn(3, OPENED)
    assert mailbox.is_owned_by_human(3)
    assert not mailbox.is_owned_by_human(4)
    mailbox.learn(3, PENDING)
    assert not mailbox.is_owned_by_human(3)


class TestWhoseItIs:
    """Webhooks come in any order, with states that are newer than what they tell of: whatever the order, one result."""

    @pytest.fixture(params=["in-order", "the-last-first"])
    def is_theirs(self, request: pytest.FixtureRequest, mailbox: AnyMailbox) -> IsTheirs:
        def of(*news: News) -> bool:
            return theirs(mailbox, *(news if request.param == "in-order" else reversed(news)))

        return of

    def test_a_late_state_does_not_make_an_act_newer(self, is_theirs: IsTheirs) -> None:
        """Reopened, a person writes, and the webhook of the reopening tells the state after that."""
        assert is_theirs(News(at=1640, back=1000, all=1000), word(7, 1613))

    def test_handed_back_after_the_word_it_is_the_bots(self, is_theirs: IsTheirs) -> None:
        assert not is_theirs(word(7, 1613), News(at=1800, back=1800, all=1800))

    def test_assigned_after_it_was_handed_back(self, is_theirs: IsTheirs) -> None:
        """Also where the webhook of the handing back shows the state after both."""
        handed_back = News(at=20, signs=("assigned:7",), gone={"status": 10}, back=10, all=10)
        assigned = News(at=20, signs=("assigned:7",), present={"assigned:7": 20})
        status_changed = News(at=20, signs=("assigned:7",))
        assert is_theirs(News(at=5, signs=("status:open",)), handed_back, assigned, status_changed)

    def test_who_was_assigned_before_is_not_in_the_way(self, is_theirs: IsTheirs) -> None:
        assigned = News(at=8, signs=("assigned:7", "status:open"), present={"assigned:7": 8})
        handed_back = News(at=20, signs=("assigned:7",), gone={"status": 20}, back=20, all=20)
        assert not is_theirs(News(at=5, signs=("status:open",)), assigned, handed_back)

    def test_another_one_who_is_assigned_since_is(self, is_theirs: IsTheirs) -> None:
        assigned = News(at=8, signs=("assigned:7", "status:open"), present={"assigned:7": 8})
        handed_back = News(at=20, signs=("assigned:7",), gone={"status": 20}, back=20, all=20)
        other = News(at=30, signs=("assigned:9",), present={"assigned:9": 30})
        assert is_theirs(assigned, handed_back, other)

    def test_one_who_went_and_came_back_is(self, is_theirs: IsTheirs) -> None:
        assigned = News(at=8, signs=("assigned:7", "status:open"), present={"assigned:7": 8})
        handed_back = News(at=20, signs=("assigned:7",), gone={"status": 20}, back=20, all=20)
        gone = News(at=30, gone={"assigned": 30}, back=30)
        back_again = News(at=40, signs=("assigned:7",), present={"assigned:7": 40})
        assert is_theirs(assigned, handed_back, gone, back_again)

    def test_who_is_gone_has_given_back_nothing_while_it_is_open(self, is_theirs: IsTheirs) -> None:
        opened = News(at=5, signs=("assigned:7", "status:open"), present={"status:open": 5})
        assert is_theirs(opened, News(at=6, signs=("status:open",), gone={"assigned": 6}, back=6))

    def test_a_bot_that_is_assigned_in_an_open_one_has_it(self, is_theirs: IsTheirs) -> None:
        assert not is_theirs(News(at=5, signs=("status:open",)), News(at=9, signs=("status:open",), back=9, all=9))

    def test_until_somebody_opens_it_again(self, is_theirs: IsTheirs) -> None:
        bot = News(at=9, signs=("status:open",), back=9, all=9)
        pending = News(at=12, gone={"status": 12}, back=12, all=12)
        opened = News(at=15, signs=("status:open",), present={"status:open": 15})
        assert is_theirs(bot, pending, opened)

    def test_the_label_counts_until_it_is_taken_off(self, is_theirs: IsTheirs) -> None:
        """Put on a resolved conversation, say, which the customer opens again by writing."""
        paused = News(at=8, signs=("paused",), over=True, present={"paused": 8})
        reopened = News(at=20, signs=("paused",), gone={"status": 20}, back=20, all=20)
        assert is_theirs(News(at=5, over=True), paused, reopened)

    def test_resolved_it_is_the_bots_whatever_came_before(self, is_theirs: IsTheirs) -> None:
        opened = News(at=5, signs=("assigned:7", "status:open"))
        assert not is_theirs(opened, word(7, 6), News(at=8, signs=("assigned:7",), over=True))

    def test_the_bot_has_handed_it_over(self, is_theirs: IsTheirs) -> None:
        assert is_theirs(News(at=4, back=4, all=4), News(at=5, handed=6), News(at=5, back=5))


def test_what_showed_and_shows_no_more_was_given_back_although_nobody_told(mailbox: AnyMailbox) -> None:
    assert theirs(mailbox, News(at=5, signs=("assigned:7", "status:open")))
    assert not theirs(mailbox, News(at=9, signs=("assigned:7",)))
    assert theirs(mailbox, News(at=12, signs=("assigned:8",)))


def test_nothing_older_gives_back_what_is_just_being_handed_over(mailbox: AnyMailbox) -> None:
    mailbox.learn(3, News(handed=-1))
    assert theirs(mailbox, News(at=8, gone={"assigned": 8}, back=8, all=8))
    assert theirs(mailbox, News(at=10, handed=11))
    assert not theirs(mailbox, News(at=12, back=12, all=12))


def test_what_was_never_dated_is_given_back_a_minute_later(mailbox: AnyMailbox) -> None:
    """By our own clock, which may be a little wrong: else nobody could ever give it back."""
    mailbox.learn(3, News(handed=-1, handed_by=100_000))
    assert theirs(mailbox, News(at=110_000, back=110_000, all=110_000))
    assert not theirs(mailbox, News(at=161_000, back=161_000, all=161_000))


def test_a_persons_time_is_known_better_by_its_webhook(mailbox: AnyMailbox) -> None:
    """The API tells the second only, so a handing back within it counts once the webhook has told the rest."""
    assert theirs(mailbox, word(7, 1999), News(at=1800, back=1800, all=1800))
    assert not theirs(mailbox, word(7, 1613))


class TestOurOwnWordsComeBack:
    """A phone's echo, or a bridge's user's, without our key."""

    def said_by_us(self, mailbox: AnyMailbox, words: str) -> None:
        mailbox.commit(claimed(mailbox, accepted(mailbox, 10)), ["reply"])
        sending = begun(mailbox)
        mailbox.confirm(sending, says=words)
        mailbox.settle(sending, answer="posted")

    def test_they_are_ours_however_often_they_are_told(self, mailbox: AnyMailbox) -> None:
        self.said_by_us(mailbox, "hola")
        for _ in range(2):
            assert mailbox.learn(3, word(11, 5, "hola"), message=said(11, by="person"), opens="open") is None
        assert not mailbox.is_owned_by_human(3)
        assert claimed(mailbox, accepted(mailbox, 12)).earlier == ()

    def test_said_once_more_they_are_a_persons(self, mailbox: AnyMailbox) -> None:
        self.said_by_us(mailbox, "hola")
        mailbox.learn(3, word(11, 5, "hola"), message=said(11, by="person"))
        mailbox.learn(3, word(12, 6, "hola"), message=said(12, by="person"))
        assert mailbox.is_owned_by_human(3)

    def test_other_words_are_a_persons(self, mailbox: AnyMailbox) -> None:
        self.said_by_us(mailbox, "hola")
        assert theirs(mailbox, word(11, 5, "adios"))


def test_a_person_who_writes_has_it_opened_once(mailbox: AnyMailbox) -> None:
    for expected in (WakeSender(), None):
        assert mailbox.learn(3, word(11, 5), message=said(11, by="person"), opens="open") == expected
    sending = begun(mailbox)
    assert sending.action == "open"
    assert mailbox.settle(sending) is None


def test_what_the_customer_chooses_in_a_persons_message_is_answered(mailbox: AnyMailbox) -> None:
    mailbox.learn(3, word(11, 5), message=said(11, by="person"))
    assert mailbox.accept(3, 11, said(11)).is_new
    turn = again(mailbox.learn(3, News(at=9, back=9, all=9)), mailbox)
    assert (turn.messages, turn.earlier) == ((said(11),), (said(11, by="person"),))


class TestHearing:
    """Chatwoot's own list, right before a turn is thought."""

    @pytest.fixture
    def turn(self, mailbox: AnyMailbox) -> Turn:
        doorbell = mailbox.accept(3, 12, said(12)).doorbell
        assert doorbell is not None
        return claimed(mailbox, doorbell)

    def test_what_no_webhook_told_of_is_answered_in_its_place(self, mailbox: AnyMailbox, turn: Turn) -> None:
        heard, unknown = mailbox.hear(turn, [Listed(11, said(11)), Listed(13, said(13))], up_to=13)
        assert isinstance(heard, Turn)
        assert (heard.messages, unknown) == ((said(11), said(12), said(13)), 2)
        assert not mailbox.accept(3, 11, said(11)).is_new
        mailbox.commit(heard, [])
        assert claimed(mailbox, accepted(mailbox, 14)).looked == 13

    def test_a_message_reads_as_it_does_now(self, mailbox: AnyMailbox, turn: Turn) -> None:
        heard, _ = mailbox.hear(turn, [Listed(12, "two pizzas")], up_to=12)
        assert isinstance(heard, Turn)
        assert heard.messages == ("two pizzas",)

    def test_what_was_deleted_is_not_answered(self, mailbox: AnyMailbox, turn: Turn) -> None:
        heard, _ = mailbox.hear(turn, [], up_to=12, deleted=[12])
        assert isinstance(heard, Turn)
        assert heard.messages == ()

    def test_what_a_person_has_answered_is_known_and_not_answered(self, mailbox: AnyMailbox, turn: Turn) -> None:
        answered = Listed(13, said(13, by="person"), word=Word(13, 5, "yes"))
        heard, _ = mailbox.hear(turn, [answered, Listed(14, said(14))], up_to=14)
        assert isinstance(heard, Turn)
        assert (heard.messages, heard.earlier) == ((said(14),), (said(12), said(13, by="person")))

    def test_a_word_that_counts_leaves_the_turn_to_people(self, mailbox: AnyMailbox, turn: Turn) -> None:
        told = Word(13, 5, "yes")
        answered = Listed(13, said(13, by="person"), word=told, opens="open")
        heard, _ = mailbox.hear(turn, [Listed(14, said(14)), answered], up_to=14, news=News(words=(told,)))
        assert heard == LeftToPeople(WakeSender())
        sending = begun(mailbox)
        assert sending.action == "open"
        mailbox.settle(sending)
        assert again(mailbox.learn(3, News(at=9, back=9, all=9)), mailbox).messages == (said(14),)

    def test_a_turn_that_is_tried_again_is_not_heard_again(self, mailbox: AnyMailbox, turn: Turn) -> None:
        mailbox.hear(turn, [Listed(11, said(11))], up_to=12)
        doorbell = mailbox.release(turn, delay_s=0, counts=False)
        once_more = again(doorbell, mailbox)
        assert (once_more.messages, once_more.is_heard, once_more.attempt) == ((said(11), said(12)), True, 1)

    def test_handed_back_the_list_is_to_be_read_though_nothing_is_known_to_wait(self, mailbox: AnyMailbox) -> None:
        turn = again(mailbox.learn(3, News(at=9, signs=("status:open",), back=9, all=9)), mailbox)
        assert (turn.messages, turn.is_to_be_heard) == ((), True)
        heard, _ = mailbox.hear(turn, [Listed(11, said(11))], up_to=11)
        assert isinstance(heard, Turn)
        assert heard.messages == (said(11),)
        assert mailbox.commit(heard, []) is None


class TestWaitingForPeople:
    @pytest.fixture
    def mailbox(self, mailbox: AnyMailbox) -> AnyMailbox:
        """A turn has left a decision to people, and they have the conversation."""
        mailbox.commit(claimed(mailbox, accepted(mailbox, 10)), [], awaits="m10")
        mailbox.learn(3, word(11, 1), message=said(11, by="person"))
        return mailbox

    def given_back(self, mailbox: AnyMailbox, at: int = 2) -> Turn:
        return again(mailbox.learn(3, News(at=at, back=at, all=at)), mailbox)

    def test_handed_back_it_goes_on_though_nobody_has_written(self, mailbox: AnyMailbox) -> None:
        turn = self.given_back(mailbox)
        assert (turn.messages, turn.resumes, len(turn.earlier)) == ((), "m10", 1)
        assert mailbox.commit(turn, []) is None

    def test_it_goes_on_once(self, mailbox: AnyMailbox) -> None:
        mailbox.commit(self.given_back(mailbox), [])
        mailbox.learn(3, News(at=3, signs=("status:open",)))
        assert self.given_back(mailbox, at=4).resumes == ""

    def test_a_customer_who_is_to_be_answered_comes_first(self, mailbox: AnyMailbox) -> None:
        mailbox.accept(3, 12, said(12))
        turn = self.given_back(mailbox)
        assert (len(turn.messages), turn.resumes) == (1, "")

    def test_a_turn_that_its_graph_did_not_run_leaves_it_waiting(self, mailbox: AnyMailbox) -> None:
        """A voice note that could not be heard, say, or a message that was deleted."""
        mailbox.accept(3, 12, said(12))
        mailbox.commit(self.given_back(mailbox), [], has_learnt=False)
        assert mailbox.know(3, 13, said(13, by="note"), whose="note")
        mailbox.learn(3, News(at=3, signs=("status:open",)))
        assert self.given_back(mailbox, at=4).resumes == "m10"

    def test_who_dies_each_time_is_counted(self, mailbox: AnyMailbox) -> None:
        turn = self.given_back(mailbox)
        once_more = again(mailbox.release(turn, delay_s=0), mailbox)
        assert (once_more.attempt, once_more.resumes) == (2, "m10")

    def test_it_waits_on_where_people_take_it_again(self, mailbox: AnyMailbox) -> None:
        doorbell = mailbox.learn(3, News(at=2, back=2, all=2))
        assert isinstance(doorbell, WakeThinker)
        mailbox.learn(3, News(at=3, signs=("status:open",)))
        assert mailbox.claim(3, doorbell.bell) is None
        assert self.given_back(mailbox, at=4).resumes == "m10"

    def test_once_it_is_over_nobody_is_told_anything(self, mailbox: AnyMailbox) -> None:
        assert mailbox.learn(3, News(at=2, over=True)) is None


class TestPeople:
    @pytest.fixture
    def turn(self, mailbox: AnyMailbox) -> Turn:
        doorbell = mailbox.accept(3, 10, said(10), news=News(at=10)).doorbell
        assert doorbell is not None
        return claimed(mailbox, doorbell)

    def test_what_was_withheld_is_theirs_to_answer(self, mailbox: AnyMailbox, turn: Turn) -> None:
        mailbox.commit(turn, ["reply"])
        mailbox.learn(3, News(at=11, signs=("paused",)))
        mailbox.settle(begun(mailbox), answer="suppressed")
        assert not mailbox.is_done_with(3, 10)
        assert again(mailbox.learn(3, News(at=12)), mailbox).messages == (said(10),)

    def test_what_chatwoot_answers_right_before_is_news(self, mailbox: AnyMailbox, turn: Turn) -> None:
        mailbox.commit(turn, ["reply"])
        sending = begun(mailbox)
        assert not sending.owned_by_human
        assert mailbox.confirm(sending, news=News(at=11, signs=("assigned:7",)))
        assert mailbox.is_owned_by_human(3)

    def test_what_was_heard_is_not(self, mailbox: AnyMailbox, turn: Turn) -> None:
        mailbox.commit(turn, ["reply", "another bubble"])
        another = mailbox.settle(begun(mailbox), answer="posted")
        assert isinstance(another, Sending)
        mailbox.learn(3, News(at=11, signs=("paused",)))
        mailbox.settle(another, answer="suppressed")
        assert again(mailbox.learn(3, News(at=12)), mailbox).messages == ()

    def test_once_it_is_over_nothing_more_is_said(self, mailbox: AnyMailbox, turn: Turn) -> None:
        mailbox.learn(3, News(at=11, over=True))
        mailbox.commit(turn, ["reply"])
        sending = begun(mailbox)
        assert sending.owned_by_human
        mailbox.settle(sending, answer="suppressed")
        doorbell = mailbox.accept(3, 11, said(11), news=News(at=12)).doorbell
        assert doorbell is not None
        turn = claimed(mailbox, doorbell)
        assert (turn.messages, turn.earlier) == ((said(11),), (said(10),))

    def test_an_end_that_came_before_what_the_customer_said_is_none(self, mailbox: AnyMailbox, turn: Turn) -> None:
        mailbox.learn(3, News(at=9, over=True))
        mailbox.commit(turn, ["reply"])
        assert not begun(mailbox).owned_by_human

    def test_an_operator_has_it_answered_although_it_is_open(self, mailbox: AnyMailbox, turn: Turn) -> None:
        for shown in (News(at=11, signs=("status:open",)), News(at=12, over=True)):
            mailbox.learn(3, shown)
        mailbox.commit(turn, [], dead_letter=DeadLetterRecord("3.1", "{}"))
        doorbell = mailbox.requeue_messages(3, "3.1", {10: said(10)})
        turn = again(doorbell, mailbox)
        mailbox.commit(turn, ["reply"])
        assert not mailbox.confirm(begun(mailbox), news=News(at=12, over=True))

    def test_who_repeats_a_message_may_be_the_first_to_tell_that_it_was_given_back(self, mailbox: AnyMailbox) -> None:
        assigned = News(at=2, signs=("assigned:7",))
        assert mailbox.accept(3, 10, said(10), news=assigned) == Accepted(True, None)
        told = mailbox.accept(3, 10, said(10), news=News(at=3))
        assert not told.is_new
        assert again(told.doorbell, mailbox).messages == (said(10),)

    def test_a_turn_that_was_given_up_leaves_what_was_said_to_the_next(self, mailbox: AnyMailbox) -> None:
        mailbox.learn(3, word(9, 1), message=said(9, by="person"))
        doorbell = mailbox.learn(3, News(at=2, back=2, all=2))
        mailbox.commit(again(doorbell, mailbox), [], has_learnt=False)
        for id in (10, 11):
            turn = again(mailbox.accept(3, id, said(id), news=News(at=3)).doorbell, mailbox)
            assert turn.earlier == (said(9, by="person"),)
            mailbox.commit(turn, [], has_learnt=False)

    def test_what_still_looks_like_theirs_is_known_for_as_long_as_what_is(self, redis_client: redis.Redis) -> None:
        mailbox = Mailbox(redis_client, account_id=1, timing=AT_ONCE)
        mailbox.learn(3, News(at=1, signs=("assigned:7", "status:open")))
        mailbox.learn(3, News(at=2, signs=("assigned:7",)))
        mailbox.accept(3, 10, said(10), news=News(at=3, signs=("assigned:7",)))
        assert redis_client.ttl(mailbox.state_key(3)) > 29 * 24 * 3600


class TestWhatVersion01Wrote:
    """Whom it knew to be assigned, it did not say."""

    def test_what_people_have_is_theirs_until_they_give_it_back(self, redis_client: redis.Redis) -> None:
        mailbox = Mailbox(redis_client, account_id=1)
        old = {"with_people": "1", "shown": "assigned", "acted_at": "5", "unheard": "", "heard_at": "4"}
        redis_client.hset(mailbox.state_key(3), mapping=old)
        assigned = News(at=6000, signs=("assigned:7",))
        assert mailbox.accept(3, 10, said(10), news=assigned).doorbell is None
        assert mailbox.is_owned_by_human(3)
        assert mailbox.accept(3, 11, said(11), news=News(at=7000)).doorbell is not None
        assert not set(old) & set(redis_client.hgetall(mailbox.state_key(3)))

    def test_who_stayed_assigned_is_not_in_the_way(self, redis_client: redis.Redis) -> None:
        mailbox = Mailbox(redis_client, account_id=1)
        redis_client.hset(mailbox.state_key(3), mapping={"with_people": "0", "shown": "assigned", "acted_at": "5"})
        assert mailbox.accept(3, 10, said(10), news=News(at=6000, signs=("assigned:7",))).doorbell is not None


class TestPeopleWhoAreQuick:
    """They take it and give it back between two steps of ours: the customer is answered once."""

    @pytest.fixture
    def turn(self, mailbox: AnyMailbox) -> Turn:
        doorbell = mailbox.accept(3, 10, said(10), news=News(at=10)).doorbell
        assert doorbell is not None
        return claimed(mailbox, doorbell)

    def test_taken_while_it_is_thought_and_given_back_before_anybody_sends(
        self, mailbox: AnyMailbox, turn: Turn
    ) -> None:
        mailbox.learn(3, News(at=11, signs=("status:open",)))
        mailbox.commit(turn, ["reply"])
        mailbox.learn(3, News(at=12))
        sending = begun(mailbox)
        assert (sending.action, sending.owned_by_human) == ("reply", False)
        looks = mailbox.settle(sending, answer="posted")
        assert again(looks, mailbox).messages == ()

    def test_given_back_while_it_is_being_suppressed(self, mailbox: AnyMailbox, turn: Turn) -> None:
        mailbox.commit(turn, ["reply"])
        sending = begun(mailbox)
        assert mailbox.confirm(sending, news=News(at=11, signs=("status:open",)))
        mailbox.learn(3, News(at=12))
        assert again(mailbox.settle(sending, answer="suppressed"), mailbox).messages == (said(10),)

    def test_of_a_turn_all_is_said_or_nothing(self, mailbox: AnyMailbox, turn: Turn) -> None:
        mailbox.commit(turn, ["reply", "another bubble"])
        sending = begun(mailbox)
        assert mailbox.confirm(sending, news=News(at=11, signs=("status:open",)))
        another = mailbox.settle(sending, answer="suppressed")
        mailbox.learn(3, News(at=12))
        assert isinstance(another, Sending)
        assert mailbox.confirm(another)
        assert again(mailbox.settle(another, answer="suppressed"), mailbox).messages == (said(10),)
