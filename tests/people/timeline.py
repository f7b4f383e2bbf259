"""What happened in one conversation: what was said, as Chatwoot stored it, and what people did, as they saw it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class By(StrEnum):
    CUSTOMER = "customer"
    BOT = "bot"
    PERSON = "person"
    CHATWOOT = "Chatwoot"
    """Itself: "Conversation was reopened by Marta"."""


@dataclass(frozen=True)
class Said:
    id: int
    at: float
    """When Chatwoot stored it, in Unix seconds."""
    by: By
    text: str
    is_private: bool = False


class Doing(StrEnum):
    """What a person does to a conversation."""

    ASSIGN = "assigns"
    OPEN = "opens"
    WRITE = "writes"
    PAUSE = "puts bot-paused on it"
    RESOLVE = "resolves"
    UNASSIGN = "unassigns, no more"
    SET_PENDING = "marks as pending, no more"
    HAND_BACK = "hands back: pending, unassigned, no label"


@dataclass(frozen=True)
class Act:
    """One thing that a person did, in one call or, to hand back, in several."""

    doing: Doing
    begun: float
    """Right before the first call, in Unix seconds."""
    answered: float
    """Right after the last call's answer."""
    who: str = "Marta"


@dataclass(frozen=True)
class Timeline:
    conversation_id: int
    said: tuple[Said, ...]
    """In the order of their ids."""
    acts: tuple[Act, ...]

    @property
    def customers(self) -> list[Said]:
        return [each for each in self.said if each.by is By.CUSTOMER]

    @property
    def bots(self) -> list[Said]:
        """What the bot told the customer."""
        return [each for each in self.said if each.by is By.BOT and not each.is_private]

    @property
    def persons(self) -> list[Said]:
        """What people told the customer."""
        return [each for each in self.said if each.by is By.PERSON and not each.is_private]

    def __str__(self) -> str:
        """A line for each, its seconds since the first."""
        moments = [(each.at, each.at, _words(each)) for each in self.said]
        moments += [(each.begun, each.answered, f"{each.who} {each.doing}") for each in self.acts]
        first = min((begun for begun, _, _ in moments), default=0.0)
        lines = [f"conversation {self.conversation_id}"]
        for begun, ended, what in sorted(moments):
            span = f"{begun - first:7.2f}" if ended == begun else f"{begun - first:7.2f} to {ended - first:6.2f}"
            lines.append(f"  {span:<19} {what}")
        return "\n".join(lines)


def _words(said: Said) -> str:
    note = " (a note)" if said.is_private else ""
    return f"{said.by}{note}, {said.id}: {said.text!r}"
