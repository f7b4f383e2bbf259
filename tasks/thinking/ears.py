"""What was spoken, in words: where Chatwoot writes voice notes down too late, or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Protocol

import httpx
import structlog

from chatwoot.http import ssl_context
from chatwoot.storage import Fetched, NotFetched
from tasks.records.incoming import Incoming

log = structlog.get_logger()

_OPENAI = "openai:"
_TIMEOUT_S = 30.0


class Transcribes(Protocol):
    """A user's own function, or that of `TRANSCRIBE=openai:…`."""

    def __call__(self, content: bytes, content_type: str, name: str, /) -> str:
        """The words of a recording; "" where nothing is said. May raise anything."""


class NotHeard(Exception):
    """A recording could not be put into words. The text says why, and nothing of what was said."""


class Unheard(Exception):
    """All that was said in a turn could not be put into words. The text says why."""


class NoEars(ValueError):
    """TRANSCRIBE names nothing that transcribes."""


def transcriber(spec: str) -> Transcribes:
    """`openai:<model>`, with OPENAI_API_KEY and perhaps OPENAI_BASE_URL; or `package.module:function`.

    Raises:
        NoEars: there is no such function, or no key.
    """
    if spec.startswith(_OPENAI):
        return _OpenAi.of(spec.removeprefix(_OPENAI), os.environ)
    module, _, name = spec.rpartition(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise NoEars(f"TRANSCRIBE={spec}: {error}") from error
    if not callable(found):
        raise NoEars(f"TRANSCRIBE={spec} is no function")
    transcribes: Transcribes = found
    return transcribes


@dataclass(frozen=True)
class Ears:
    """How this process hears voice notes."""

    fetch: Callable[[str], Fetched]
    transcribe: Transcribes

    def all_heard(self, messages: Sequence[Incoming], *, is_first_try: bool) -> list[Incoming]:
        """Those with recordings as `heard`; what cannot be put into words at the second try stays as it is.

        Raises:
            NotHeard: at the first try.
            Unheard: nothing else was said.
        """
        heard, why = [], ""
        for message in messages:
            try:
                heard.append(self.heard(message))
            except NotHeard as error:
                log.warning("not_heard", why=str(error))
                if is_first_try:
                    raise
                heard.append(message)
                why = str(error)
        if why and all(map(is_unheard, heard)):
            raise Unheard(why)
        return heard

    def heard(self, message: Incoming) -> Incoming:
        """The same with a transcript for each recording that has none.

        Raises:
            NotHeard: one of them could not be put into words now.
        """
        return replace(message, attachments=tuple(map(self._heard, message.attachments)))

    def _heard(self, attachment: dict[str, Any]) -> dict[str, Any]:
        if not _is_unheard(attachment):
            return attachment
        try:
            file = self.fetch(attachment["data_url"])
            words = self.transcribe(file.content, file.content_type, attachment.get("name") or "voice")
        except NotFetched as error:
            raise NotHeard(str(error)) from error
        except Exception as error:  # somebody's function
            raise NotHeard(type(error).__name__) from error
        return {**attachment, "transcript": words.strip() or "[nothing is said]"}


def is_unheard(message: Incoming) -> bool:
    """Whether all that it says is in recordings that nobody has put into words."""
    return not message.text.strip() and any(map(_is_unheard, message.attachments))


def _is_unheard(attachment: Mapping[str, Any]) -> bool:
    return attachment.get("kind") == "audio" and not attachment.get("transcript") and bool(attachment.get("data_url"))


@dataclass(frozen=True)
class _OpenAi:
    """OpenAI's API, or another server that speaks it. https://platform.openai.com/docs/api-reference/audio"""

    model: str
    url: str
    key: str

    @classmethod
    def of(cls, model: str, environment: Mapping[str, str]) -> _OpenAi:
        key = environment.get("OPENAI_API_KEY", "")
        if not key:
            raise NoEars("TRANSCRIBE=openai:… needs OPENAI_API_KEY")
        base = environment.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"
        return cls(model, f"{base.rstrip('/')}/audio/transcriptions", key)

    def __call__(self, content: bytes, content_type: str, name: str, /) -> str:
        answer = httpx.post(
            self.url,
            headers={"Authorization": f"Bearer {self.key}"},
            data={"model": self.model},
            files={"file": (name, content, content_type)},
            timeout=_TIMEOUT_S,
            verify=ssl_context(),
        )
        return str(answer.raise_for_status().json()["text"])
