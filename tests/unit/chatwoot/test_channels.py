"""What channels take, by the names that Chatwoot gives them."""

from __future__ import annotations

import pytest

from chatwoot.channels import ANY, Channel, channel, gives_unique_ids, overtakes


@pytest.mark.parametrize(
    ("channel_type", "medium", "takes"),
    [
        ("Channel::Telegram", None, Channel(characters=4_096, overtakes=True)),
        ("Channel::TwilioSms", "whatsapp", Channel(characters=1_600, window_hours=24, overtakes=True)),
        ("Channel::TwilioSms", "sms", Channel(characters=1_600, overtakes=True)),
        ("Channel::Instagram", None, Channel(characters=1_000, counts_bytes=True, overtakes=True)),
        ("Channel::Api", None, ANY),
        ("Channel::OfTomorrow", None, ANY),
        (None, None, ANY),
    ],
)
def test_what_it_takes(channel_type: str | None, medium: str | None, takes: Channel) -> None:
    assert channel(channel_type, medium=medium) == takes


@pytest.mark.parametrize(
    ("channel_type", "expected"),
    [
        ("Channel::Whatsapp", True),
        ("Channel::FacebookPage", True),
        ("Channel::Line", True),
        ("Channel::Sms", True),
        ("Channel::Email", False),
        ("Channel::WebWidget", False),
        ("Channel::Api", False),
        (None, None),
    ],
)
def test_whether_messages_overtake_each_other(channel_type: str | None, expected: bool | None) -> None:
    assert overtakes(channel_type) is expected


@pytest.mark.parametrize(
    ("channel_type", "source_id", "expected"),
    [
        ("Channel::Whatsapp", "wamid.HBgLMzQ2", True),
        ("Channel::TwilioSms", "SM1", True),
        ("Channel::Telegram", "1234567890123456789", False),
        ("Channel::Api", "WAID:3EB0C767D26B1D8A2F5E", True),
        ("Channel::Api", "17", False),
        (None, "wamid.HBgLMzQ2", False),
    ],
)
def test_whether_no_other_message_has_the_same_id(channel_type: str | None, source_id: str, expected: bool) -> None:
    assert gives_unique_ids(channel_type, source_id) is expected
