"""What is said in a conversation, as LangChain messages: customers', people's, and what came with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

PERSON = "person"
"""The name of an `AIMessage` that a member of the team wrote, not the graph."""
TEXT = "text"
_ATTACHMENTS, _IN_REPLY_TO, _KIND, _SUBJECT = "attachments", "in_reply_to", "kind", "subject"


@dataclass(frozen=True)
class Attachment:
    """What came with a message."""

    kind: str
    """image, audio, video, file, location, contact, sticker, ..."""
    data_url: str | None = field(default=None, repr=False)
    """Where the file is, for whoever follows redirects."""
    name: str | None = field(default=None, repr=False)
    content_type: str | None = None
    latitude: float | None = field(default=None, repr=False)
    longitude: float | None = field(default=None, repr=False)
    title: str | None = field(default=None, repr=False)
    """A place's name; the phone number on a contact's card."""
    transcript: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Said:
    """One message of a conversation."""

    id: str
    """The same at each attempt, so that saying it again adds nothing to the memory."""
    text: str = field(repr=False)
    by: Literal["customer", "aside", "unanswered", "person", "note", "bot", "deleted"] = "customer"
    """`aside`: the customer's, and not to be answered. `unanswered`: the customer's, which was given up. `note`: the
    team's, in private. `bot`: the customer was told it, and not by the graph.
    """
    attachments: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    in_reply_to: str | None = None
    """The id of the message that this one quotes."""
    kind: str = TEXT
    """email, auto_reply, reaction, call, story_mention, choice, or plain text."""
    subject: str | None = field(default=None, repr=False)
    """An e-mail's."""
    place: int = 0
    """In the conversation: what has a smaller one was said before."""

    def as_message(self) -> BaseMessage:
        more = {
            _ATTACHMENTS: [dict(each) for each in self.attachments],
            _IN_REPLY_TO: self.in_reply_to,
            _KIND: self.kind if self.kind != TEXT else None,
            _SUBJECT: self.subject,
        }
        kwargs = {name: value for name, value in more.items() if value}
        text = self.text or " ".join(map(_in_words, self.attachments)) or self._named
        if self.by == "person":
            return AIMessage(text, id=self.id, name=PERSON, additional_kwargs=kwargs)
        if self.by == "bot":
            return AIMessage(text, id=self.id, additional_kwargs=kwargs)
        return HumanMessage(text, id=self.id, additional_kwargs=kwargs)

    @property
    def _named(self) -> str:
        """What it is, where it says nothing: a model refuses an empty message."""
        return f"[{self.kind.replace('_', ' ')}]" if self.kind != TEXT else "[nothing]"


def _in_words(attachment: Mapping[str, Any]) -> str:
    """What was spoken, where Chatwoot has written it down; else what it is."""
    return str(attachment.get("transcript") or f"[{attachment.get('kind', 'file')}]")


def attachments_of(message: BaseMessage) -> tuple[Attachment, ...]:
    """What came with a customer's message."""
    found = message.additional_kwargs.get(_ATTACHMENTS, ())
    return tuple(Attachment(**{name: each.get(name) for name in Attachment.__dataclass_fields__}) for each in found)


def kind_of(message: BaseMessage) -> str:
    """What a customer's message is: text, email, auto_reply, reaction, call, story_mention or choice."""
    return str(message.additional_kwargs.get(_KIND, TEXT))


def subject_of(message: BaseMessage) -> str | None:
    """An e-mail's subject."""
    return message.additional_kwargs.get(_SUBJECT)


def quoted_by(message: BaseMessage) -> str | None:
    """The id of the message that this one answers to, if it quotes one."""
    return message.additional_kwargs.get(_IN_REPLY_TO)
