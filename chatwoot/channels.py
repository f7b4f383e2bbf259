"""What each channel can take: the one table of it. Chatwoot does not say; the channels' own manuals do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Channel:
    """What a channel takes. None: no limit of its own that we know of."""

    characters: int | None = None
    """Of a message, counted as UTF-16 does: Telegram counts an emoji as two, others as one."""
    window_hours: int | None = None
    """Free text reaches customers only so long after they last wrote; then an approved template does."""


ANY = Channel()
TWILIO_WHATSAPP = Channel(characters=1_600, window_hours=24)
CHANNELS = {
    "Channel::FacebookPage": Channel(characters=2_000),
    "Channel::Instagram": Channel(characters=1_000),
    "Channel::Line": Channel(characters=5_000),
    "Channel::Sms": Channel(characters=1_600),
    "Channel::Telegram": Channel(characters=4_096),
    "Channel::TwilioSms": Channel(characters=1_600),
    "Channel::Whatsapp": Channel(characters=4_096, window_hours=24),
}


def channel(channel_type: str | None, *, medium: str | None = None) -> Channel:
    """By Chatwoot's name of it, such as "Channel::Whatsapp"; `medium`: of a Twilio inbox, "sms" or "whatsapp"."""
    if medium == "whatsapp":
        return TWILIO_WHATSAPP
    return CHANNELS.get(channel_type or "", ANY)
