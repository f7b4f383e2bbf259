"""What channels take, by the names that Chatwoot gives them."""

from __future__ import annotations

import pytest

from chatwoot.channels import ANY, Channel, channel


@pytest.mark.parametrize(
    ("channel_type", "medium", "takes"),
    [
        ("Channel::Telegram", None, Channel(characters=4_096)),
        ("Channel::TwilioSms", "whatsapp", Channel(characters=1_600, window_hours=24)),
        ("Channel::TwilioSms", "sms", Channel(characters=1_600)),
        ("Channel::Instagram", None, Channel(characters=1_000, counts_bytes=True)),
        ("Channel::Api", None, ANY),
        ("Channel::OfTomorrow", None, ANY),
        (None, None, ANY),
    ],
)
def test_what_it_takes(channel_type: str | None, medium: str | None, takes: Channel) -> None:
    assert channel(channel_type, medium=medium) == takes
