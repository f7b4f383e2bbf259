"""What a model wrote reaches the customer: not run, not eaten, in parts that the channel takes."""

from __future__ import annotations

import json
import re

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from liquid import Environment, Mode
from liquid.exceptions import LiquidError

from chatwoot.client import Client
from chatwoot.liquid import INVISIBLE_SPACE, escaped
from tasks.thinking.text import in_parts

_LIQUID = Environment(tolerance=Mode.STRICT)
_CODE = re.compile(r"`(.*?)`", re.DOTALL)

# What templates are made of, so that random texts hold many.
PIECES = [
    "{",
    "{{",
    "{%",
    "%}",
    "}}",
    "`",
    "```",
    "contact.name",
    " raw ",
    " endraw ",
    " if true ",
    "-",
    "'",
    "\n",
    "\0",
    "\ud83d",
    "x",
]
templates = st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.text()


def posted(text: str) -> str:
    """What reaches Chatwoot of a text that the client is given."""
    bodies: list[str] = []

    def chatwoot(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content)["content"])
        return httpx.Response(200, json={"id": 1})

    with Client("http://chatwoot.test", 1, "token", transport=httpx.MockTransport(chatwoot)) as client:
        client.send_message(3, text)
    return bodies[0]


def as_chatwoot_stores(text: str) -> str:
    """As a real one does (tests/recorded/09-liquid.json): code is protected, what is no template stays as it is."""
    try:
        template = _LIQUID.from_string(_CODE.sub(r"{% raw %}`\1`{% endraw %}", text))
        return template.render(contact={"name": "Ana"})
    except LiquidError:
        return text


def seen(text: str) -> str:
    return text.replace(INVISIBLE_SPACE, "").replace("\0", "").replace("\ud83d", "?")


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("Hola {{contact.name}}", "Hola Ana"),
        ("nada: [{{ nope }}]", "nada: []"),
        ("{% if true %}sí{% endif %}", "sí"),
        ("`{{contact.name}}` en comillas", "`{{contact.name}}` en comillas"),
        ("abierto {{ sin cerrar", "abierto {{ sin cerrar"),
        ("{\u200b{contact.name}}", "{\u200b{contact.name}}"),
        ("{% bad tag %}", "{% bad tag %}"),
    ],
)
def test_the_renderer_does_as_a_real_chatwoot_did(text: str, stored: str) -> None:
    assert as_chatwoot_stores(text) == stored


@given(templates)
@example("Hola {{contact.name}}, {% if true %}x{% endif %}")
@example("{\0{ contact.name }}")
@example("{`a`}} `{% endraw %}{{contact.name}}`")
def test_the_customer_reads_what_the_model_wrote(text: str) -> None:
    stored = as_chatwoot_stores(posted(escaped(text)))
    assert stored == escaped(text)
    assert seen(stored) == seen(text)


@pytest.mark.parametrize(
    "text",
    ["{\0{ contact.name }}", "{\0\0% if true %}x{% endif %}", "{\0`{{contact.name}}`"],
    ids=["object", "tag", "code"],
)
def test_what_is_taken_out_on_the_way_makes_no_template(text: str) -> None:
    for stored in (text, escaped(text)):  # what an earlier version has stored is escaped no more
        assert seen(as_chatwoot_stores(posted(stored))) == seen(text)


@given(templates)
def test_escaping_again_changes_nothing(text: str) -> None:
    assert escaped(escaped(text)) == escaped(text)


def test_half_a_surrogate_pair_can_be_sent() -> None:
    assert escaped("a\ud83db").encode() == b"a?b"


@example("👩" * 9, 4)
@given(st.text(alphabet="ab .!?\n\u0301👩\u200d", max_size=200), st.integers(4, 40))
def test_parts_fit_and_lose_nothing_but_white_space(text: str, limit: int) -> None:
    found = list(in_parts(text, limit))
    assert all(0 < len(part.encode("utf-16-le")) // 2 <= limit for part in found)
    assert "".join("".join(found).split()) == "".join(text.split())


@given(templates, st.integers(4, 40))
def test_parts_of_an_escaped_text_are_no_templates_either(text: str, limit: int) -> None:
    assert not [part for part in in_parts(escaped(text), limit) if as_chatwoot_stores(part) != part]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("short", ["short"]),
        ("", []),
        (" \n ", []),
        ("One paragraph.\n\nAnother one.", ["One paragraph.", "Another one."]),
        ("One sentence. Another one here.", ["One sentence.", "Another one here."]),
        ("seven words that go on and on", ["seven words that go", "on and on"]),
        ("x" * 45, ["x" * 20, "x" * 20, "x" * 5]),
        ('He said "no." Then he left', ['He said "no."', "Then he left"]),
        ("第一句話在這裡結束了。第二句話也在這裡了嗎", ["第一句話在這裡結束了。", "第二句話也在這裡了嗎"]),
        ("Costs 3.50 euros each, or more", ["Costs 3.50 euros", "each, or more"]),
        ("I. " + "y" * 19, ["I.", "y" * 19]),
    ],
)
def test_a_text_is_broken_where_a_reader_would(text: str, found: list[str]) -> None:
    assert list(in_parts(text, 20)) == found


FLAG_OF_TAGS = "🏴" + "".join(chr(0xE0000 + ord(letter)) for letter in "gbeng") + "\U000e007f"


@pytest.mark.parametrize(
    "grapheme",
    ["👩\u200d👩\u200d👧", "e\u0301", "👍🏽", "🇪🇸", FLAG_OF_TAGS, "क्षि", "1\ufe0f\u20e3"],
    ids=["family", "accent", "skin tone", "flag", "flag of tags", "conjunct", "keycap"],
)
def test_what_a_reader_sees_as_one_stays_together(grapheme: str) -> None:
    for before in range(20):
        text = "x" * before + grapheme * 9
        found = list(in_parts(text, 20))
        assert "".join(found) == text
        assert not "".join(part.replace(grapheme, "") for part in found).strip("x")


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "kind",
    ["palabra ", "a", "Una frase de palabras. ", "Un párrafo.\n\n", "\n \n\t", "👨‍👩‍👧", "é", "{", "{\0"],
)
def test_a_long_text_is_read_once(kind: str) -> None:
    """Whoever measures the whole rest for each part needs half an hour."""
    parts = list(in_parts(escaped(kind * (2_000_000 // len(kind)) + "."), 100))
    assert all(len(part) <= 100 for part in parts)
