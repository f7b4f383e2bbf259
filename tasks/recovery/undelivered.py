"""What Chatwoot has stored, and the channel refused later."""

from __future__ import annotations

import time
from dataclasses import dataclass

import structlog

from chatwoot import liquid
from chatwoot.events import MessageEvent
from chatwoot.responses import shown
from tasks.mailbox import Mailbox, WakeSender
from tasks.records import actions
from tasks.records.actions import PostMessage
from tasks.records.dead_letter import DeadLetter
from tasks.runtime.counters import Counted, count

log = structlog.get_logger()

_OPENING, _CLOSING = "\"'`«“‘", "\"'`»”’"  # noqa: RUF001 - quotation marks


@dataclass(frozen=True)
class Undelivered:
    """How messages of ours that did not reach the customer are kept."""

    mailbox: Mailbox

    def keep(self, event: MessageEvent) -> WakeSender | None:
        """Keep it, and tell people where the customer waits for it; returns whom to ring for.

        Once, however often we are told: safe to repeat.
        """
        self._keep(event)
        if actions.is_by_hand(event.our_key):
            return None
        note = f"The bot's answer was not delivered: {event.external_error or event.status}. {actions.TAKE_OVER}"
        for action in actions.alert(f"{event.our_key}.undelivered", note, time.time()):
            self.mailbox.enqueue(event.conversation_id, action.key, actions.dump(action))
        return WakeSender()

    def _keep(self, event: MessageEvent) -> None:
        """Trying it again posts a new one: the old one stands in the conversation, and says that it failed.

        One with files can be sent again in Chatwoot only, which has them.
        """
        ours = event.our_key or f"message-{event.message_id}"
        again = PostMessage(
            key=f"{ours}.after-{event.message_id}",
            content=liquid.escaped(event.content or ""),  # it was rendered once, and is to be said as it stands there
            asked_at=time.time(),
            ignores_takeover=True,
            template_params=event.template_params,
        )
        letter = DeadLetter(
            conversation_id=event.conversation_id,
            what=again.act,
            reason=f"not delivered: {_why(event)}",
            attempts=1,
            at=again.asked_at,
            content="" if event.attachments else actions.dump(again),
            after=event.message_id,
        )
        record = letter.recorded_as(again.key)
        if self.mailbox.keep_dead_letter(event.conversation_id, record, mark=f"failed:{event.message_id}"):
            count(Counted.DEAD_LETTERS, "delivery")
            log.error("message_not_delivered", conversation_id=event.conversation_id, message_id=event.message_id)


def _why(event: MessageEvent) -> str:
    """What the channel said, for lists: it may quote the message and name the customer. Chatwoot shows it whole."""
    said = event.external_error or event.status or ""
    if event.content:
        said = said.replace(event.content, "…")
    return shown(_without_quotes(said))


def _without_quotes(said: str) -> str:
    """The first line, without all from its first opening mark to its last closing one."""
    line = said.strip().partition("\n")[0]
    begin = min((at for mark in _OPENING if (at := line.find(mark)) >= 0), default=len(line))
    end = max(line.rfind(mark) for mark in _CLOSING)
    return f"{line[:begin]}…{line[end + 1 :]}" if end > begin else line
