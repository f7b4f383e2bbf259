"""What each channel can take: the one table of it. Chatwoot does not say; the channels' own manuals do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Channel:
    """What a channel takes. None: no limit of its own that we know of."""

    characters: int | None = None
    """Of a message, counted as UTF-16 does: Telegram counts an emoji as two, others as one."""
    counts_bytes: bool = False
    """`characters` are bytes of UTF-8."""
    caption: int | None = None
    """Characters beside a file."""
    question: int | None = None
    """Characters of a message with buttons."""
    buttons: int | None = None
    """So many choices are buttons, more a list of up to `rows`; still more are refused by the channel."""
    button_characters: int | None = None
    rows: int | None = None
    row_characters: int | None = None
    files_in_a_message: int | None = None
    """Chatwoot hands on no more than so many, and says nothing of the others (seen with WhatsApp)."""
    is_letters: bool = False
    """Each message is a letter of its own: what is said in one turn is one."""
    window_hours: int | None = None
    """Free text reaches customers only so long after they last wrote; then an approved template does."""
    overtakes: bool = False
    """Chatwoot hands on each message by a job of its own: of two, the second may reach the customer first. That one
    has arrived, its `source_id` or its status says, a moment after the channel took it."""


_LONGER_THAN_A_NUMBER = 16
ANY = Channel()
TWILIO_WHATSAPP = Channel(characters=1_600, window_hours=24, overtakes=True)
CHANNELS = {
    "Channel::Email": Channel(is_letters=True),
    "Channel::FacebookPage": Channel(characters=2_000, overtakes=True),
    "Channel::Instagram": Channel(characters=1_000, counts_bytes=True, overtakes=True),
    "Channel::Line": Channel(characters=5_000, overtakes=True),
    "Channel::Sms": Channel(characters=1_600, overtakes=True),
    "Channel::Telegram": Channel(characters=4_096, overtakes=True),
    "Channel::TwilioSms": Channel(characters=1_600, overtakes=True),
    "Channel::Whatsapp": Channel(
        characters=4_096,
        caption=1_024,
        question=1_024,
        buttons=3,
        button_characters=20,
        rows=10,
        row_characters=24,
        files_in_a_message=1,
        window_hours=24,
        overtakes=True,
    ),
}


def channel(channel_type: str | None, *, medium: str | None = None) -> Channel:
    """By Chatwoot's name of it, such as "Channel::Whatsapp"; `medium`: of a Twilio inbox, "sms" or "whatsapp"."""
    if medium == "whatsapp":
        return TWILIO_WHATSAPP
    return CHANNELS.get(channel_type or "", ANY)


def overtakes(channel_type: str | None) -> bool | None:
    """Whether messages overtake each other on their way to the customer; None: the channel was not told."""
    return channel(channel_type).overtakes if channel_type else None


def gives_unique_ids(channel_type: str | None, source_id: str) -> bool:
    """Whether no other message of its inbox has this `source_id`.

    Telegram counts in each chat, and whoever posts into an API inbox may; what they make of a bridge's ids is long.
    """
    if channel_type in (None, "Channel::Telegram"):
        return False
    return channel_type != "Channel::Api" or len(source_id) >= _LONGER_THAN_A_NUMBER
