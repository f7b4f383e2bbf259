"""The order said is the order seen: a bubble waits until its channel has the one before it.

Chatwoot hands each message to WhatsApp and its like by a job of its own: five that were posted one after the other were
seen to reach Meta as 0, 1, 3, 2, 4, and a file seconds after the text that was posted behind it
(tests/recorded/26-whatsapp-what-meta-gets.json). A webhook tells of a message's arrival a moment later.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from chatwoot import channels
from chatwoot.errors import ChatwootError, PermanentError
from tasks.mailbox import Mailbox, OnItsWay, Sending
from tasks.runtime.clients import Clients, said_since
from tasks.runtime.rate_limit import NotNow

log = structlog.get_logger()

_ASK_AFTER_S = 1.0
"""As a rule the webhook has told by then."""


class StillOnItsWay(NotNow):
    """What was said before has not arrived."""

    def __init__(self, message_id: int, retry_after_s: float) -> None:
        super().__init__("an earlier message is on its way", retry_after_s=retry_after_s)
        self.message_id = message_id


@dataclass(frozen=True, kw_only=True)
class Order:
    """Whose turn it is to be posted."""

    mailbox: Mailbox
    clients: Clients
    most_wait_s: float
    """For one message. One that has not arrived by then may never; 0: nothing waits."""

    def require_arrival(self, sending: Sending) -> None:
        """What is to be said next cannot overtake what was said before.

        Raises:
            StillOnItsWay: it could; to be tried again when that has arrived, or after a while.
        """
        before = sending.on_its_way
        if before is None or before.seconds >= self.most_wait_s or not self._overtakes(sending):
            return
        if before.seconds >= _ASK_AFTER_S and self._has_arrived(before, sending.conversation_id):
            return
        # Asked for after 1, 2, 4 seconds..., and once more at the end.
        delay_s = min(max(_ASK_AFTER_S, before.seconds), self.most_wait_s - before.seconds)
        raise StillOnItsWay(before.message_id, delay_s)

    def _overtakes(self, sending: Sending) -> bool:
        """Asked for where no customer has written yet, and no webhook has told of what was said."""
        if sending.overtakes is None:
            try:
                found = channels.overtakes(self.clients.conversation(sending.conversation_id).channel)
            except ChatwootError as error:
                log.warning("channel_not_known", error=type(error).__name__, status=error.status)
                return False
            self.mailbox.know_channel(sending.conversation_id, overtakes=bool(found))
            return bool(found)
        return sending.overtakes

    def _has_arrived(self, before: OnItsWay, conversation_id: int) -> bool:
        """No webhook has told of it: it is asked for. What cannot be asked for is not waited for either."""
        user, reply = self.clients.user, self.clients.reply
        try:
            listed = said_since(user, reply, conversation_id, after=before.message_id - 1, since=0)
        except PermanentError as error:
            log.warning("arrival_not_known", message_id=before.message_id, status=error.status)
            return True
        except ChatwootError:
            return False
        found = next((each for each in listed if each.id == before.message_id), None)
        if found is None:  # deleted; or a bot's token shows another one
            return user is not None
        return found.has_arrived
