"""What a channel takes, and what becomes of a reply that is more."""

from __future__ import annotations

import pytest

from chatwoot.channels import ANY, CHANNELS
from graph.outcome import File, Reply
from tasks.thinking.bubbles import Bubble, bubbles, joined

WHATSAPP, INSTAGRAM = CHANNELS["Channel::Whatsapp"], CHANNELS["Channel::Instagram"]
LIMIT = 4_096
A, B = File("a.jpg", b"a", "image/jpeg"), File("b.pdf", b"b", "application/pdf")
VOICE = File("v.ogg", b"v", "audio/ogg")


def on_whatsapp(reply: Reply) -> list[Bubble]:
    return list(bubbles(reply, WHATSAPP, LIMIT))


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply("Here", files=(A, B)), [Bubble("Here", files=(A,)), Bubble(files=(B,))]),
        (Reply("", files=(A, B)), [Bubble(files=(A,)), Bubble(files=(B,))]),
        (Reply("Listen", files=(VOICE,)), [Bubble("Listen"), Bubble(files=(VOICE,))]),
        (Reply("Which?", ("Yes", "No"), files=(A,)), [Bubble(files=(A,)), Bubble("Which?", ("Yes", "No"))]),
        (Reply("x" * 1_025, files=(A,)), [Bubble("x" * 1_025), Bubble(files=(A,))]),
        (Reply("", ()), []),
    ],
)
def test_a_message_has_one_file(reply: Reply, expected: list[Bubble]) -> None:
    assert on_whatsapp(reply) == expected


def test_elsewhere_it_has_all_of_them() -> None:
    assert list(bubbles(Reply("Here", ("Yes",), files=(A, B)), ANY, LIMIT)) == [Bubble("Here", ("Yes",), (A, B))]


def test_a_question_with_buttons_is_shorter_than_other_texts() -> None:
    *before, last = on_whatsapp(Reply("word " * 300, ("Yes", "No")))
    assert [bubble.quick_replies for bubble in before] == [()]
    assert last.quick_replies == ("Yes", "No")
    assert all(len(bubble.text) <= 1_024 for bubble in (*before, last))


def test_a_title_that_is_too_long_is_cut() -> None:
    (few,) = on_whatsapp(Reply("Which?", ("A title of more than twenty", "No")))
    assert few.quick_replies == ("A title of more tha…", "No")
    (many,) = on_whatsapp(Reply("Which?", ("A title of more than twenty-four", "B", "C", "D")))
    assert many.quick_replies == ("A title of more than tw…", "B", "C", "D")
    assert max(map(len, few.quick_replies)) <= 20


@pytest.mark.parametrize(
    "choices",
    [
        tuple(f"Choice {number}" for number in range(12)),
        ("The same beginning of a title: 1", "The same beginning of a title: 2"),
    ],
)
def test_what_no_list_takes_is_numbered(choices: tuple[str, ...]) -> None:
    (bubble,) = on_whatsapp(Reply("Which?", choices))
    assert bubble.quick_replies == ()
    assert bubble.text.splitlines() == ["Which?", *(f"{number}. {each}" for number, each in enumerate(choices, 1))]


def test_choices_without_words_are_said_all_the_same() -> None:
    for channel in (WHATSAPP, ANY):
        (bubble,) = bubbles(Reply("", ("A", "B")), channel, LIMIT)
        assert (bubble.text, bubble.quick_replies) == ("1. A\n2. B", ())


def test_instagram_counts_bytes() -> None:
    parts = list(bubbles(Reply("ñ" * 700), INSTAGRAM, LIMIT))
    assert [len(part.text.encode()) <= 1_000 for part in parts] == [True, True]


def test_letters_are_joined() -> None:
    assert joined([Reply("One", files=(A,)), Reply("Two", ("Yes",))]) == Reply("One\n\nTwo", ("Yes",), None, (A,))
