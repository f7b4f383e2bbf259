"""The judge of tests/people, on timelines made by hand: what it holds against the bot, and what it does not."""

from __future__ import annotations

import pytest

from tests.people.judge import Verdict, is_peoples, judge
from tests.people.timeline import Act, By, Doing, Said, Timeline

ASSIGN, OPEN, WRITE, PAUSE, RESOLVE = Doing.ASSIGN, Doing.OPEN, Doing.WRITE, Doing.PAUSE, Doing.RESOLVE
UNASSIGN, SET_PENDING, HAND_BACK = Doing.UNASSIGN, Doing.SET_PENDING, Doing.HAND_BACK


def customer(at: float, text: str) -> Said:
    return Said(0, at, By.CUSTOMER, text)


def person(at: float, text: str = "I am here", *, is_private: bool = False) -> Said:
    return Said(0, at, By.PERSON, text, is_private)


def bot(at: float, *texts: str, is_private: bool = False) -> Said:
    return Said(0, at, By.BOT, "Echo: " + "\n".join(texts), is_private)


def act(doing: Doing, begun: float, answered: float) -> Act:
    return Act(doing, begun, answered)


def timeline(*what: Said | Act) -> Timeline:
    """Ids are given in the order of time."""
    said = sorted((each for each in what if isinstance(each, Said)), key=lambda each: each.at)
    numbered = [Said(id, each.at, each.by, each.text, each.is_private) for id, each in enumerate(said, 1)]
    return Timeline(3, tuple(numbered), tuple(each for each in what if isinstance(each, Act)))


def verdict(*what: Said | Act) -> Verdict:
    return judge(timeline(*what))


class TestSpokenOver:
    @pytest.mark.parametrize("taken", [ASSIGN, OPEN, WRITE, PAUSE, RESOLVE])
    def test_who_speaks_after_people_took_it(self, taken: Doing) -> None:
        (over,) = verdict(customer(0, "a"), act(taken, 1, 2), bot(2.6, "a")).spoken_over
        assert (over.said.text, over.act.doing, round(over.after_s, 3)) == ("Echo: a", taken, 0.6)

    @pytest.mark.parametrize("at", [0.5, 1.5, 2.4])
    def test_who_spoke_before_or_while_they_took_it(self, at: float) -> None:
        assert not verdict(customer(0, "a"), act(ASSIGN, 1, 2), bot(at, "a")).spoken_over

    def test_a_note_speaks_over_nobody(self) -> None:
        assert not verdict(customer(0, "a"), act(OPEN, 1, 2), bot(3, "a", is_private=True)).spoken_over

    @pytest.mark.parametrize(
        ("taken", "back"),
        [
            (ASSIGN, UNASSIGN),
            (ASSIGN, SET_PENDING),
            (ASSIGN, HAND_BACK),
            (OPEN, SET_PENDING),
            (OPEN, HAND_BACK),
            (WRITE, SET_PENDING),
            (WRITE, HAND_BACK),
            (PAUSE, HAND_BACK),
            (RESOLVE, SET_PENDING),
            (RESOLVE, HAND_BACK),
        ],
    )
    def test_who_speaks_after_it_was_begun_to_be_handed_back(self, taken: Doing, back: Doing) -> None:
        before, after = bot(3.9, "a"), bot(4.1, "a")
        assert verdict(customer(0, "a"), act(taken, 1, 2), act(back, 4, 5), before).spoken_over
        assert not verdict(customer(0, "a"), act(taken, 1, 2), act(back, 4, 5), after).spoken_over

    @pytest.mark.parametrize(
        ("taken", "no_back"),
        [
            (OPEN, UNASSIGN),
            (WRITE, UNASSIGN),
            (PAUSE, UNASSIGN),
            (PAUSE, SET_PENDING),
            (RESOLVE, UNASSIGN),
        ],
    )
    def test_what_gives_back_something_else(self, taken: Doing, no_back: Doing) -> None:
        assert verdict(customer(0, "a"), act(taken, 1, 2), act(no_back, 4, 5), bot(9, "a")).spoken_over

    def test_each_taking_is_to_be_given_back(self) -> None:
        taken = act(PAUSE, 1, 2), act(OPEN, 3, 4)
        (over,) = verdict(customer(0, "a"), *taken, act(SET_PENDING, 6, 7), bot(9, "a")).spoken_over
        assert over.act.doing is PAUSE

    def test_taken_again_after_it_was_handed_back(self) -> None:
        acts = act(OPEN, 1, 2), act(SET_PENDING, 3, 4), act(OPEN, 5, 6)
        (over,) = verdict(customer(0, "a"), *acts, bot(9, "a")).spoken_over
        assert over.act.begun == 5

    @pytest.mark.parametrize(("begun", "answered"), [(0.5, 1.5), (1.5, 2.5), (0.5, 2.5), (1.2, 1.8)])
    def test_taken_and_handed_back_at_the_same_time(self, begun: float, answered: float) -> None:
        """By two people: nobody knows which came last."""
        acts = act(OPEN, 1, 2), act(SET_PENDING, begun, answered)
        assert not verdict(customer(0, "a"), *acts, bot(9, "a")).spoken_over

    def test_a_customer_who_comes_back_gives_it_back(self) -> None:
        acts = act(ASSIGN, 1, 2), act(OPEN, 3, 4), act(WRITE, 5, 6), act(RESOLVE, 7, 8)
        assert verdict(*acts, bot(9, "a"), customer(0, "a")).spoken_over
        assert not verdict(*acts, customer(9, "a"), bot(10, "a")).spoken_over

    def test_a_customer_who_comes_back_takes_no_label_off(self) -> None:
        assert verdict(act(PAUSE, 1, 2), act(RESOLVE, 3, 4), customer(5, "a"), bot(6, "a")).spoken_over

    def test_a_customer_who_writes_while_it_is_resolved_may_have_come_back(self) -> None:
        assert not verdict(act(OPEN, 1, 2), act(RESOLVE, 3, 5), customer(4, "a"), bot(6, "a")).spoken_over

    def test_a_customer_who_writes_in_what_was_opened_again_gives_nothing_back(self) -> None:
        acts = act(RESOLVE, 1, 2), act(OPEN, 3, 4)
        assert verdict(*acts, customer(5, "a"), bot(6, "a")).spoken_over

    def test_a_customer_comes_back_once(self) -> None:
        acts = act(RESOLVE, 1, 2), act(ASSIGN, 5, 6)
        assert verdict(*acts, customer(3, "a"), customer(7, "b"), bot(9, "a", "b")).spoken_over

    def test_a_customer_who_writes_in_what_is_open_gives_nothing_back(self) -> None:
        assert verdict(act(OPEN, 1, 2), customer(3, "a"), bot(4, "a")).spoken_over


class TestTwice:
    def test_a_text_that_is_echoed_once_more(self) -> None:
        assert verdict(customer(0, "a"), bot(1, "a"), customer(2, "b"), bot(3, "a", "b")).twice == ("a",)

    def test_each_once(self) -> None:
        assert not verdict(customer(0, "a"), customer(1, "b"), bot(2, "a", "b"), customer(3, "c"), bot(4, "c")).twice


class TestOutOfOrder:
    def test_an_earlier_text_after_a_later_one(self) -> None:
        assert verdict(customer(0, "a"), customer(1, "b"), bot(2, "b"), bot(3, "a")).out_of_order == ("a",)

    def test_in_one_reply(self) -> None:
        assert verdict(customer(0, "a"), customer(1, "b"), bot(2, "b", "a")).out_of_order == ("a",)

    def test_one_that_people_answered_may_be_missing(self) -> None:
        assert not verdict(customer(0, "a"), customer(1, "b"), customer(2, "c"), bot(3, "a", "c")).out_of_order


class TestLeftAlone:
    def test_a_text_that_nobody_answered(self) -> None:
        assert verdict(customer(0, "a"), customer(1, "b"), bot(2, "a")).left_alone == ("b",)

    def test_all_are_answered(self) -> None:
        assert not verdict(customer(0, "a"), customer(1, "b"), bot(2, "a", "b")).left_alone

    def test_a_person_answered_all_that_was_there(self) -> None:
        assert verdict(customer(0, "a"), person(1), customer(2, "b")).left_alone == ("b",)

    def test_a_note_answers_nobody(self) -> None:
        assert verdict(customer(0, "a"), person(1, is_private=True)).left_alone == ("a",)

    def test_people_ended_the_conversation(self) -> None:
        said = customer(0, "a"), customer(4, "b")
        assert verdict(*said, act(RESOLVE, 1, 3)).left_alone == ("b",)

    def test_people_may_have_ended_it_after_that(self) -> None:
        assert not verdict(customer(2, "a"), act(RESOLVE, 1, 3)).left_alone


class TestWhetherPeopleHaveIt:
    @pytest.mark.parametrize("taken", [ASSIGN, OPEN, WRITE, PAUSE, RESOLVE])
    def test_taken(self, taken: Doing) -> None:
        assert is_peoples(timeline(act(taken, 1, 2)))

    def test_handed_back(self) -> None:
        assert not is_peoples(timeline(act(ASSIGN, 1, 2), act(UNASSIGN, 3, 4)))
        assert not is_peoples(timeline(act(RESOLVE, 1, 2), customer(3, "a")))
        assert not is_peoples(timeline())

    def test_handed_back_in_part(self) -> None:
        assert is_peoples(timeline(act(PAUSE, 1, 2), act(OPEN, 3, 4), act(SET_PENDING, 5, 6)))

    def test_where_nobody_can_know(self) -> None:
        """Then it is handed back once more."""
        assert is_peoples(timeline(act(RESOLVE, 1, 3), customer(2, "a")))


def test_a_verdict_shows_what_is_wrong_and_how_it_came() -> None:
    wrong = verdict(customer(100, "a"), act(OPEN, 101, 102), bot(103, "a"), customer(104, "b"))
    assert not wrong.is_clean
    assert str(wrong).splitlines() == [
        "spoken over: 'Echo: a', 1.00 s after Marta opens",
        "left alone: b",
        "conversation 3",
        "     0.00             customer, 1: 'a'",
        "     1.00 to   2.00   Marta opens",
        "     3.00             bot, 2: 'Echo: a'",
        "     4.00             customer, 3: 'b'",
    ]
    assert verdict(customer(0, "a"), bot(1, "a")).is_clean
