"""How our messages are marked, on newer and on older servers."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatwoot import marker
from chatwoot.marker import Marker

AT = 1795388484.9


@pytest.mark.parametrize(
    ("version", "keeps"),
    [
        ("3.16.0", False),
        ("4.8.0", False),
        ("4.9.0", True),
        ("4.10.0-rc1", True),
        ("4.15.1", True),
        ("5.0", True),
        ("4", True),
        ("develop", True),
        ("", True),
    ],
)
def test_servers_before_4_9_drop_our_key(version: str, keeps: bool) -> None:
    assert marker.keeps_keys(version) is keeps


def test_a_newer_server_gets_the_key_and_no_other_time() -> None:
    assert marker.written("turn-1/0", version="4.15.1", at=AT) == Marker({"contesta_key": "turn-1/0"})


def test_an_older_server_gets_the_time_with_the_key_in_its_fraction() -> None:
    written = marker.written("turn-1/0", version="4.8.0", at=AT)
    assert written.content_attributes == {}
    assert written.external_created_at is not None
    assert int(written.external_created_at) == 1795388484


def test_a_server_of_unknown_version_gets_both() -> None:
    written = marker.written("turn-1/0", version=None, at=AT)
    assert written.content_attributes == {"contesta_key": "turn-1/0"}
    assert written.external_created_at == marker.as_number("turn-1/0", AT)


@given(st.text(), st.text(), st.integers(1_000_000_000, 4_000_000_000))
def test_a_key_is_known_again_after_its_trip_through_json(key: str, other: str, at: int) -> None:
    """As a number, and also where a server has made a text of the number."""
    number = json.loads(json.dumps(marker.as_number(key, at)))
    for told in (number, str(number)):
        attributes = {"external_created_at": told}
        assert marker.carries(attributes, key)
        assert marker.is_marked(attributes)
        assert not marker.carries(attributes, other + "another")
    assert marker.carries({"contesta_key": key}, key)
    assert not marker.carries({"contesta_key": key}, other + key + "another")


def test_the_key_itself_counts_for_more_than_the_number() -> None:
    """One number in a million is another key's too."""
    attributes = {"contesta_key": "turn-1/1", "external_created_at": marker.as_number("turn-1/0", AT)}
    assert not marker.carries(attributes, "turn-1/0")


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"contesta_key": ""},
        {"contesta_key": 7},
        {"contesta_key": None},
        {"external_created_at": 1795388484},
        {"external_created_at": 1795388484.0},
        {"external_created_at": "1795388484"},
        {"external_created_at": "2026-11-22T23:01:46.293Z"},
        {"external_created_at": float("nan")},
        {"external_created_at": float("inf")},
        {"external_created_at": True},
        {"external_created_at": [1.5]},
    ],
)
def test_what_chatwoot_or_others_write_is_no_mark_of_ours(attributes: dict[str, object]) -> None:
    assert not marker.is_marked(attributes)
    assert not marker.carries(attributes, "turn-1/0")
