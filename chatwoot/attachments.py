"""What came with a message: files, places, cards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from chatwoot.reading import identifier, items, number, text


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """One attachment. Whoever downloads it has to follow redirects; the URL is public to those who know it."""

    kind: str
    """Chatwoot's `file_type`: image, audio, video, file, location, contact, …"""
    data_url: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    extension: str | None = None
    content_type: str | None = None
    size_bytes: int | None = None
    latitude: float | None = field(default=None, repr=False)
    longitude: float | None = field(default=None, repr=False)
    title: str | None = field(default=None, repr=False)
    """A place's name; the phone number on a contact's card; `fallback_title` in Chatwoot."""
    transcript: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Upload:
    """A file to be sent with a message; at most 15 in one."""

    name: str
    content: bytes = field(repr=False)
    content_type: str = "application/octet-stream"


def attachments(value: object) -> tuple[Attachment, ...]:
    """From `attachments`, a key that is absent where there are none."""
    return tuple(_attachment(item) for item in items(value))


def _attachment(item: Mapping[str, Any]) -> Attachment:
    data_url = text(item.get("data_url"))
    return Attachment(
        kind=text(item.get("file_type")) or "file",
        data_url=data_url,
        name=_name_in(data_url),
        extension=text(item.get("extension")),
        content_type=text(item.get("content_type")),
        size_bytes=identifier(item.get("file_size")),
        latitude=number(item.get("coordinates_lat")),
        longitude=number(item.get("coordinates_long")),
        title=text(item.get("fallback_title")),
        transcript=text(item.get("transcribed_text")),
    )


def _name_in(data_url: str | None) -> str | None:
    """The file's name, which Chatwoot puts at the end of the URL and nowhere else."""
    try:
        path = urlsplit(data_url or "").path
    except ValueError:
        return None
    return unquote(path.rpartition("/")[2]) or None
