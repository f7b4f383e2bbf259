"""What a turn wants becomes actions in Chatwoot: each with its own key, in order, no longer than the channel takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from chatwoot.channels import CHANNELS
from graph.outcome import Attributes, BadWant, File, HandOver, Labels, Later, Note, Reply, Resolve, Silence, Want
from tasks.records import actions
from tasks.records.actions import (
    Assign,
    Attached,
    ChangeLabels,
    Customer,
    MergeAttributes,
    PostMessage,
    ScheduleMessage,
    SetStatus,
)
from tasks.thinking.actions_from_wants import TurnActions

ANA = Customer(17, 1, "34586533524")


@pytest.fixture
def turn_actions() -> TurnActions:
    return TurnActions(key="m8", asked_at=1.0, limit=20, answers=(7, 8), customer=ANA, newest=8)


def said(content: str, key: str, **more: object) -> PostMessage:
    return PostMessage(key=key, asked_at=1.0, customer=ANA, content=content, answers=(7, 8), **more)  # type: ignore[arg-type]


def note(content: str, key: str) -> PostMessage:
    return PostMessage(key=key, asked_at=1.0, customer=ANA, content=content, private=True)


def test_each_part_of_a_long_reply_is_a_bubble_with_a_key_of_its_own(turn_actions: TurnActions) -> None:
    made = turn_actions.of((Reply("One sentence. Another one here."), Reply("Bye")))
    assert made == [said("One sentence.", "m8.0"), said("Another one here.", "m8.1"), said("Bye", "m8.2")]


def test_buttons_and_files_hang_on_the_last_part_and_the_quote_on_the_first(turn_actions: TurnActions) -> None:
    reply = Reply("One sentence. Another one here.", ("A", "B"), 7, (File("a.txt", b"\xff", "text/plain"),))
    assert turn_actions.of((reply,)) == [
        said("One sentence.", "m8.0", in_reply_to=7),
        said(
            "Another one here.",
            "m8.1",
            quick_replies=("A", "B"),
            files=(Attached("a.txt", "/w==", "text/plain"),),
        ),
    ]


def test_where_each_message_is_a_letter_a_turn_is_one(turn_actions: TurnActions) -> None:
    by_mail = replace(turn_actions, channel=CHANNELS["Channel::Email"], limit=100)
    made = by_mail.of((Reply("One"), Note("seen"), Reply("Two")))
    assert made == [said("One\n\nTwo", "m8.0"), note("seen", "m8.1")]


def test_a_file_may_come_without_words(turn_actions: TurnActions) -> None:
    (post,) = turn_actions.of((Reply("", files=(File("a.txt", b"a"),)),))
    assert isinstance(post, PostMessage)
    assert (post.content, len(post.files)) == ("", 1)


def test_what_a_model_wrote_is_no_template(turn_actions: TurnActions) -> None:
    made = turn_actions.of((Reply("{{a}}"), Note("{%b%}"), HandOver("{{c}}", closing="{{d}}")))
    assert not [
        action
        for action in made
        if isinstance(action, PostMessage) and ("{{" in action.content or "{%" in action.content)
    ]


def test_a_hand_over_says_its_closing_line_and_opens_the_conversation_last(turn_actions: TurnActions) -> None:
    made = turn_actions.of((HandOver("asks for a person", team_id=2, assignee_id=3, closing="A colleague goes on."),))
    assert made == [
        said("A colleague goes on.", "m8.0"),
        Assign(key="m8.0.team", asked_at=1.0, customer=ANA, team_id=2),
        Assign(key="m8.0.assignee", asked_at=1.0, customer=ANA, assignee_id=3),
        note("asks for a person", "m8.0.note"),
        SetStatus(key="m8.0.open", asked_at=1.0, customer=ANA, status="open"),
    ]


def test_silence_does_nothing(turn_actions: TurnActions) -> None:
    assert turn_actions.of((Silence("only thanks"),)) == []


def test_all_else_is_one_act_each(turn_actions: TurnActions) -> None:
    made = turn_actions.of((Note("n"), Labels(("a",), ("b",)), Attributes({"size": 42}), Resolve()))
    assert made == [
        note("n", "m8.0"),
        ChangeLabels(key="m8.1", asked_at=1.0, customer=ANA, add=("a",), remove=("b",)),
        MergeAttributes(key="m8.2", asked_at=1.0, customer=ANA, values={"size": 42}),
        SetStatus(key="m8.3", asked_at=1.0, customer=ANA, status="resolved"),
    ]


@pytest.mark.parametrize(
    "want",
    [
        Reply("Hola \ud83d", ("A",), 7, (File("a", b"\xff"),)),
        HandOver("r", 2, 3, "c"),
        Labels(("a",)),
        Attributes({"a": {"b": ["\ud83d"]}}),
    ],
    ids=lambda want: type(want).__name__,
)
def test_every_act_survives_as_json_that_redis_can_hold(turn_actions: TurnActions, want: Want) -> None:
    for action in turn_actions.of((want,)):
        assert actions.load(actions.dump(action).encode().decode()) == action


def test_an_act_of_another_version_is_understood_as_far_as_it_is_known() -> None:
    text = '{"act": "post", "key": "k", "content": "c", "asked_at": 1.0, "of_tomorrow": 1}'
    assert actions.load(text) == PostMessage(key="k", content="c", asked_at=1.0)


def test_what_is_said_later_is_asked_for_then_and_keeps_its_order(turn_actions: TurnActions) -> None:
    made = turn_actions.of((Later("One sentence. Another one here.", after_s=60, unless_they_write=True),))
    assert all(isinstance(action, ScheduleMessage) and action.unless_newer_than == 8 for action in made)
    posts = [action.post for action in made if isinstance(action, ScheduleMessage)]
    assert [post.content for post in posts] == ["One sentence.", "Another one here."]
    assert [post.unless_newer_than for post in posts] == [8, 8]
    assert 61 == posts[0].asked_at < posts[1].asked_at
    assert [actions.load(actions.dump(action)) for action in made] == made


@pytest.mark.parametrize(
    "want",
    [
        Attributes({"born": date(1990, 5, 17)}),
        Reply("Here", files=(File("a.txt", "no bytes"),)),  # type: ignore[arg-type]
        Reply(None),  # type: ignore[arg-type]
        Note(7),  # type: ignore[arg-type]
    ],
    ids=repr,
)
def test_what_cannot_be_made_or_written_down_is_named(turn_actions: TurnActions, want: Want) -> None:
    """Of what is checked elsewhere already nothing should come so far."""
    with pytest.raises(BadWant, match=f"^{type(want).__name__}: "):
        turn_actions.of((Reply("Hola"), want))
