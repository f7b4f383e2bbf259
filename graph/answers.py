"""What a graph has said to the customer in a turn, and why it has said nothing."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from graph.outcome import HandOver, Later, Outcome, Reply, Silence
from graph.said import PERSON

_THOUGHTS = re.compile(r"<(think|thinking)>.*?(</\1>|\Z)", re.DOTALL)
_HANDOFF = "__is_handoff_back"
"""How LangGraph's supervisor marks what its agents say to it, such as "Transferring back to supervisor"."""


class NothingSaid(Exception):
    """The turn ended, and the customer would hear nothing. The text says why, and nothing that was said."""

    def __init__(self, why: str, *, has_acted: bool) -> None:
        super().__init__(why)
        self.has_acted = has_acted
        """A tool has run: thinking it again would do that again."""


@dataclass(frozen=True)
class Answers:
    """What a turn has added to the memory."""

    new: Sequence[BaseMessage]
    speakers: Collection[str] = ()
    """The names of those whose messages are for the customer; none: all are."""

    @property
    def replies(self) -> tuple[Reply, ...]:
        said = ((words_of(message), message.id) for message in self.new if self._is_said(message))
        return tuple(Reply(text, said_as=(id,) if id else ()) for text, id in said if text.strip())

    def require_any(self, outcome: Outcome) -> None:
        """
        Raises:
            NothingSaid: what is wanted leaves the customer without a word, and with nobody who was told.
        """
        if not any(isinstance(want, Reply | Later | HandOver | Silence) for want in outcome):
            raise NothingSaid(self._why, has_acted=any(isinstance(message, ToolMessage) for message in self.new))

    def _is_said(self, message: BaseMessage) -> bool:
        if not isinstance(message, AIMessage) or message.name == PERSON:
            return False
        if self.speakers:
            return message.name in self.speakers
        return not message.response_metadata.get(_HANDOFF)

    @property
    def _why(self) -> str:
        said = [message for message in self.new if isinstance(message, AIMessage) and message.name != PERSON]
        if not said:
            return "the graph added no message"
        last = said[-1]
        if not self._is_said(last):
            return f"its last message is {last.name or 'nobody'}'s, who does not speak to customers"
        if last.tool_calls:
            return "it stopped at a tool that did not run"
        kinds = {str(block.get("type")) for block in last.content if isinstance(block, dict)}
        if "refusal" in kinds or last.additional_kwargs.get("refusal"):
            return "the model refused"
        if kinds & {"reasoning", "thinking", "redacted_thinking"} or _THOUGHTS.search(last.text):
            return "the model thought, and said nothing"
        return "the model's answer was empty"


def words_of(message: BaseMessage) -> str:
    """Its text without what a model thinks aloud: reasoning blocks, and `<think>` in the text."""
    text = message.text
    return _THOUGHTS.sub("", text).strip() if _THOUGHTS.search(text) else text
