"""Right before the bot speaks: whose the conversation is, by Chatwoot's own word.

What webhooks have told only saves thinking in vain. What the answer shows beyond that is taken in as if its webhook had
come.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import UNAUTHORIZED

from chatwoot.client import Client
from chatwoot.conversations import Conversation
from chatwoot.errors import PermanentError
from chatwoot.messages import Message
from tasks.mailbox import Mailbox, News, Sending
from tasks.mailbox.doorbells import Doorbells
from tasks.ownership import listed, news
from tasks.ownership.answered import is_persons, unanswered
from tasks.ownership.intake import Intake
from tasks.runtime.clients import Clients

GOOD_FOR_S = 2.0
_MOST_LOOKS = 3  # at one that goes on and on


@dataclass(frozen=True, kw_only=True)
class Asker:
    """How Chatwoot is asked in this process."""

    mailbox: Mailbox
    clients: Clients
    intake: Intake
    doorbells: Doorbells

    def asking(self, begun: Sending) -> Asking:
        """For one conversation: to be asked before each thing that is done in it."""
        asked_s = GOOD_FOR_S if begun.asked_s is None else begun.asked_s
        return Asking(self, time.monotonic() - asked_s)

    def whose(self, sending: Sending) -> News | None:
        """Whose the conversation is now; what the answer shows beyond that is taken in. None: nobody may ask.

        Raises:
            ChatwootError: Chatwoot cannot be asked now.
        """
        looked = sending.looked
        for _ in range(_MOST_LOOKS):
            try:
                conversation = self.clients.conversation(sending.conversation_id)
            except PermanentError as error:
                if error.conversation_gone or error.status != UNAUTHORIZED:
                    raise
                return None  # a bot's token alone, before 4.14.2
            newest = conversation.last_non_activity_message
            if newest is None or newest.id <= looked:
                break
            if self.clients.user is None or not looked:
                self._take_in_the_newest(conversation, newest)
                break
            # Another call, after which Chatwoot is asked again: its last word counts.
            known = self._take_in_all_since(self.clients.user, conversation, looked)
            if known < newest.id:  # the list lags behind
                self._take_in_the_newest(conversation, newest)
                break
            looked = known
        return news.of_conversation(conversation, self.intake.policy)

    def _take_in_all_since(self, user: Client, conversation: Conversation, looked: int) -> int:
        """Returns up to which id all is known."""
        said = listed.since(user, conversation.id, looked)
        self._take_in(conversation, said)
        known = max((each.id for each in said), default=looked)
        self.mailbox.looked(conversation.id, known)
        return known

    def _take_in_the_newest(self, conversation: Conversation, newest: Message) -> None:
        """Without the list. But a person's word to which something was done since: only webhooks tell if it counts."""
        last = conversation.last_message
        if not (is_persons(newest) and last is not None and last.id > newest.id):
            self._take_in(conversation, [newest])

    def _take_in(self, conversation: Conversation, said: Sequence[Message]) -> None:
        for message in unanswered(said):
            if self.intake.policy.passes_over(conversation.contact_id, message.created_at):
                continue
            accepted = self.intake.found(conversation, message)
            self.doorbells.announce(conversation.id, accepted.doorbell)
        for each in listed.persons(said, self.intake):
            if each.word is not None:
                told = News(words=(each.word,))
                self.mailbox.learn(conversation.id, told, message=each.message, opens=each.opens)


@dataclass
class Asking:
    """One worker's asking, while it does one thing after the other in a conversation: two in a row share an answer."""

    asker: Asker
    _asked_at: float

    def news(self, sending: Sending) -> News | None:
        """Whose the conversation is. None: it was asked a moment ago, or nobody may ask.

        Raises:
            ChatwootError: Chatwoot cannot be asked now.
        """
        if time.monotonic() - self._asked_at < GOOD_FOR_S:
            return None
        told = self.asker.whose(sending)
        self._asked_at = time.monotonic()
        return told
