"""What a message says, and what kind of a message it is: read alike from webhooks and from the API's answers."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum, auto
from typing import Any

from chatwoot.reading import identifier, items, mapping, text

_CALL = "voice_call"
_STORY_MENTION = "story_mention"


class Kind(StrEnum):
    """What a customer's message is, where that is more than its words and files."""

    TEXT = auto()
    EMAIL = auto()
    AUTO_REPLY = auto()
    """A machine's: an absence note, or "could not be delivered". Chatwoot marks the message, and not the conversation
    where that was there before (tests/recorded/27-e-mail.json)."""
    REACTION = auto()
    """Such as a thumb on an earlier message. 4.15.1 tells of none (tests/recorded/04-whatsapp.json)."""
    CALL = auto()
    STORY_MENTION = auto()
    """The customer mentioned the business in a story of theirs."""
    EDIT = auto()
    """They wrote it otherwise before. Only `message_updated` tells."""
    CHOICE = auto()
    """Something chosen, or filled in, in a message that was sent to the customer."""

    @property
    def is_aside(self) -> bool:
        """Nothing that wants an answer: to be known only."""
        return self in (Kind.AUTO_REPLY, Kind.REACTION)


class Wording:
    """What `MessageEvent` and `Message` have in common: they have these fields."""

    content: str | None
    content_type: str | None
    content_attributes: Mapping[str, Any]
    source_id: str | None
    status: str | None

    @property
    def external_error(self) -> str | None:
        """Why the channel did not deliver it, in the channel's words."""
        return text(self.content_attributes.get("external_error"))

    @property
    def has_arrived(self) -> bool:
        """One of ours: the channel has taken it, or refused it for good. What is said next cannot overtake it.

        Most channels give it their own id; Line only its status. tests/recorded/26-whatsapp-what-meta-gets.json
        """
        is_told = self.status in ("delivered", "read", "failed") or self.external_error is not None
        return is_told or self.source_id is not None

    @property
    def in_reply_to(self) -> int | None:
        """The id of the message that this one quotes."""
        return identifier(self.content_attributes.get("in_reply_to"))

    @property
    def is_deleted(self) -> bool:
        return self.content_attributes.get("deleted") is True

    @property
    def is_automatic(self) -> bool:
        """An automation rule has sent it."""
        return self.content_attributes.get("automation_rule_id") is not None

    @property
    def subject(self) -> str | None:
        """An e-mail's."""
        return text(self._email.get("subject"))

    @property
    def submitted_values(self) -> tuple[str, ...]:
        """What the customer chose or filled in, in a message of quick replies or a form, in words."""
        submitted = items(self.content_attributes.get("submitted_values"))
        chosen = [text(value.get("title")) or text(value.get("value")) for value in submitted]
        return tuple(words for words in chosen if words)

    @property
    def customers_words(self) -> str | None:
        """Of an e-mail its own words, without the thread that it quotes; its subject where there are no others."""
        if self.submitted_values:
            return "\n".join(self.submitted_values)
        return self._words_of_email or self.content or self.subject

    @property
    def customers_kind(self) -> Kind:
        if self.submitted_values:
            return Kind.CHOICE
        if self.content_attributes.get("is_reaction") is True:
            return Kind.REACTION
        if self.content_type == _CALL:
            return Kind.CALL
        if self._email.get("auto_reply") is True:
            return Kind.AUTO_REPLY
        if self.content_attributes.get("image_type") == _STORY_MENTION:
            return Kind.STORY_MENTION
        return Kind.EMAIL if self._email else Kind.TEXT

    @property
    def _email(self) -> Mapping[str, Any]:
        return mapping(self.content_attributes.get("email"))

    @property
    def _words_of_email(self) -> str | None:
        """`quoted` is what is left without the quoted thread, whatever its name says."""
        parts = (mapping(self._email.get(name)) for name in ("text_content", "html_content"))
        return next((words for part in parts if (words := text(part.get("quoted")))), None)
