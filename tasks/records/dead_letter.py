"""What could not be thought or sent, as it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasks.mailbox import DeadLetterRecord
from tasks.records import actions
from tasks.records.codec import Codec

THINKING = "thinking"
WRITING_FIRST = "writing_first"
UNREADABLE = "unreadable"


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """One thing that did not get done."""

    conversation_id: int
    what: str
    """`thinking`, `writing_first`, `unreadable`, or the action that could not be done: `post`, `set_status`."""
    reason: str
    """For an operator: what Chatwoot or the graph's failure was called. Never the customer's words."""
    attempts: int
    at: float
    """Unix seconds."""
    content: str = field(repr=False)
    """The customer's messages or the action, as JSON, so that it can be tried again. Empty: it cannot be.

    lua/forget.lua empties it where a conversation is gone.
    """
    after: int | None = None
    """The id of the message that it answers, or that failed: what is said later has a greater one. None: not known."""

    @property
    def tells_people(self) -> bool:
        if self.what in (THINKING, WRITING_FIRST) or not self.content:
            return False
        try:
            return actions.tells_people(actions.load(self.content))
        except ValueError:  # another version of the program has written it
            return False

    def recorded_as(self, name: str) -> DeadLetterRecord:
        """As the mailbox keeps it; `name` is unique in its conversation."""
        return DeadLetterRecord(f"{self.conversation_id}.{name}", _CODEC.dump(self))

    @classmethod
    def of(cls, record: DeadLetterRecord) -> DeadLetter:
        """One that cannot be read is one still: it stops nobody who looks through them, and can be discarded."""
        try:
            return _CODEC.load(record.record)
        except ValueError:
            conversation_id = int(record.id.partition(".")[0])
            reason = "another version of the program has written it"
            return cls(conversation_id=conversation_id, what=UNREADABLE, reason=reason, attempts=0, at=0.0, content="")


_CODEC = Codec[DeadLetter](DeadLetter)
