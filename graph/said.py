"""What is said in a conversation, as LangChain messages: customers', people's, and what came with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

PERSON = "person"
"""The name of an `AIMessage` that a member of the team wrote, not the graph."""
TEXT = "text"
_ATTACHMENTS, _IN_REPLY_TO, _KIND, _SUBJECT, _SENT_AS = "attachments", "in_reply_to", "kind", "subject", "sent_as"


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
    by: Literal["customer", "aside", "unanswered", "person", "note", "bot", "sent", "deleted"] = "customer"
    """`aside`: the customer's, and not to be answered. `unanswered`: the customer's, which was given up. `note`: the
    team's, in private. `bot`: the customer was told it, and not by the graph. `sent`: what the graph said in the AI
    messages that the text names, a line each, is in Chatwoot by now, by this id.
    """
    attachments: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    in_reply_to: str | None = None
    """The id of the message that this one quotes."""
    kind: str = TEXT
    """email, auto_reply, reaction, call, story_mention, choice, edit, or plain text."""
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
    """What a customer's message is: text, email, auto_reply, reaction, call, story_mention, choice or edit."""
    return str(message.additional_kwargs.get(_KIND, TEXT))


def subject_of(message: BaseMessage) -> str | None:
    """An e-mail's subject."""
    return message.additional_kwargs.get(_SUBJECT)


def quoted_by(message: BaseMessage) -> str | None:
    """The id of the message that this one answers to, if it quotes one: `chatwoot:<message id>`."""
    return message.additional_kwargs.get(_IN_REPLY_TO)


def quoted(message: BaseMessage, messages: Iterable[BaseMessage]) -> BaseMessage | None:
    """That message itself, of the state's `messages`: the customer's, people's or the graph's own. None: it is none of
    these, or older than what is remembered."""
    id = quoted_by(message)
    return next((each for each in messages if id is not None and (each.id == id or id in sent_as(each))), None)


def sent_as(message: BaseMessage) -> tuple[str, ...]:
    """The ids, `chatwoot:<message id>`, that an AI message has got in Chatwoot: several, where its channel did not take
    it as one. Known from the turn after the one that said it."""
    return tuple(message.additional_kwargs.get(_SENT_AS, ()))


def marked(messages: Iterable[BaseMessage], sent: Iterable[Said]) -> list[BaseMessage]:
    """Those of the messages that were `sent`, with the ids that they got."""
    ids: dict[str, list[str]] = defaultdict(list)
    for each in sent:
        for message_id in each.text.splitlines():
            ids[message_id].append(each.id)
    return [_with_ids(message, ids[str(message.id)]) for message in messages if message.id in ids]


def _with_ids(message: BaseMessage, new: Sequence[str]) -> BaseMessage:
    ids = list(dict.fromkeys((*sent_as(message), *new)))
    return message.model_copy(update={"additional_kwargs": {**message.additional_kwargs, _SENT_AS: ids}})
