"""What was said in a conversation, as it waits in the mailbox for the graph to be told.

The mailbox's scripts read of its JSON `by`, `kind`, `edit`, `text` and `attachments` (lua/_steps.lua).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from chatwoot.about import About
from chatwoot.attachments import Attachment
from chatwoot.conversations import Conversation
from chatwoot.events import MessageCreated, MessageUpdated
from chatwoot.messages import Message
from chatwoot.wording import Kind
from tasks.records.codec import Codec

By = Literal["customer", "aside", "unanswered", "person", "note", "bot", "sent", "deleted"]


@dataclass(frozen=True)
class Incoming:
    """One message."""

    id: int
    text: str = field(repr=False)
    by: By = "customer"
    """`aside`: the customer's, and not to be answered. `unanswered`: the customer's, which the bot gave up to answer.
    `person`: a member of the team answered the customer. `note`: the team's, in private. `bot`: we said it, or another
    bot, a campaign or Chatwoot itself, and the graph does not know. `sent`: the graph said it, and it has this id now.
    `deleted`: the message is gone, and to be forgotten.

    Read by lua/_steps.lua, too.
    """
    attachments: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    """As `chatwoot.attachments.Attachment`, without what is not there."""
    in_reply_to: int | None = None
    """The id of the message that this one quotes."""
    contact_id: int | None = None
    inbox_id: int | None = None
    contact_source_id: str | None = field(default=None, repr=False)
    channel: str | None = None
    """Such as "Channel::Whatsapp"."""
    kind: str = Kind.TEXT
    """As `chatwoot.wording.Kind`: what another version calls it is no reason not to answer it."""
    subject: str | None = field(default=None, repr=False)
    """An e-mail's."""
    written_at: float | None = None
    """Unix seconds."""
    about: dict[str, Any] = field(default_factory=dict, repr=False, hash=False)
    """As `chatwoot.about.About`, without what is not there."""
    edit: str = ""
    """Names an edit of a message that was answered before, to be answered anew; "" is none."""

    @classmethod
    def of(cls, event: MessageCreated | MessageUpdated, by: By = "customer") -> Incoming:
        """As a webhook told of it."""
        is_customers = by in ("customer", "aside")
        return cls(
            event.message_id,
            _valid((event.customers_words if is_customers else event.content) or ""),
            by,
            _attached(event.attachments),
            event.in_reply_to,
            event.contact_id,
            event.inbox_id,
            event.contact_source_id,
            event.channel,
            event.customers_kind if is_customers else Kind.TEXT,
            event.subject,
            event.created_at,
            _about(event.about) if is_customers else {},
        )

    @classmethod
    def of_message(cls, message: Message, conversation: Conversation) -> Incoming:
        """As Chatwoot answered it, when asked."""
        return cls(
            message.id,
            "",
            contact_id=conversation.contact_id,
            inbox_id=conversation.inbox_id,
            channel=conversation.channel,
            about=_about(conversation.about),
        ).as_in(message)

    @classmethod
    def of_person(cls, message: Message, by: Literal["person", "note"] = "person") -> Incoming:
        """What a member of the team wrote, as Chatwoot answered it."""
        return cls(message.id, _valid(message.content or ""), by, _attached(message.attachments))

    def as_in(self, message: Message) -> Incoming:
        """As the customer's message reads now."""
        return replace(
            self,
            text=_valid(message.customers_words or ""),
            kind=self.kind if self.edit else message.customers_kind,
            subject=message.subject,
            written_at=message.created_at,
            attachments=_attached(message.attachments) if message.message_type == "incoming" else (),
            in_reply_to=message.in_reply_to,
        )

    def as_edit(self) -> Incoming:
        """A voice note's transcript that comes late is none."""
        is_text = self.kind == Kind.TEXT and not any("transcript" in each for each in self.attachments)
        return replace(self, kind=Kind.EDIT) if is_text else self

    @classmethod
    def of_ours(cls, message_id: int, text: str) -> Incoming:
        """What was sent by hand, first, or later."""
        return cls(message_id, _valid(text), "bot")

    @classmethod
    def sent(cls, message_id: int, said_as: Sequence[str]) -> Incoming:
        """What the graph has said in AI messages of these ids; its text names them, a line each."""
        return cls(message_id, "\n".join(said_as), "sent")

    @classmethod
    def deleted(cls, message_id: int) -> Incoming:
        return cls(message_id, "", "deleted")


_CODEC = Codec[Incoming](Incoming)
dump, load = _CODEC.dump, _CODEC.load


def _attached(attachments: tuple[Attachment, ...]) -> tuple[dict[str, Any], ...]:
    return tuple({name: value for name, value in asdict(each).items() if value is not None} for each in attachments)


def _about(about: About) -> dict[str, Any]:
    return {name: value for name, value in asdict(about).items() if value not in (None, {}, ())}


def _valid(text: str) -> str:
    """A lone surrogate is valid JSON and no valid text."""
    return text.encode(errors="replace").decode()
