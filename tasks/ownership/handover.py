"""Give a conversation to people: opened for them in Chatwoot, and known as theirs to us. No Celery here."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from chatwoot.conversations import Conversation
from chatwoot.errors import PermanentError
from tasks.mailbox import Mailbox, News
from tasks.ownership import news
from tasks.ownership.policy import Policy
from tasks.runtime.clients import Clients

_NOBODY = 0
_JUST_AFTER_MS = 1


@dataclass(frozen=True, kw_only=True)
class Handover:
    """How conversations are handed over in this process."""

    mailbox: Mailbox
    clients: Clients
    policy: Policy

    def hand_over(self, conversation_id: int, *, is_retry: bool = False) -> None:
        """People have it from now on, whatever Chatwoot's status says to us, until they give it back. Safe to repeat.

        Raises:
            ChatwootError: as the client raises it. It is people's to us all the same, and whatever comes in meanwhile
                does not give it back.
        """
        self.mailbox.learn(conversation_id, News(handed=-1, handed_by=_now_ms()))
        self.open(conversation_id, is_retry=is_retry)
        self._date(conversation_id)

    def open(self, conversation_id: int, *, is_retry: bool = False) -> None:
        """Open it for people, and nothing else. Safe to repeat.

        Raises:
            ChatwootError: as the client raises it.
        """
        if self.clients.speaks_as_bot:
            self.clients.reply.set_status(conversation_id, "open")
        else:
            self._open_as_user(conversation_id, is_retry)

    def _open_as_user(self, conversation_id: int, is_retry: bool) -> None:
        """The token of a user with role agent takes the conversation for that user: it goes back to whose it was."""
        reply = self.clients.reply
        before = reply.conversation(conversation_id)
        if before.status != "open":
            reply.set_status(conversation_id, "open")
            if reply.conversation(conversation_id).assignee != before.assignee:
                self._assign_as(before)
        elif is_retry and before.assignee is not None and before.assignee.id == reply.own_user_id():
            reply.assign(conversation_id, assignee_id=_NOBODY)  # an earlier try got so far

    def _assign_as(self, before: Conversation) -> None:
        was = before.assignee
        if was is not None and was.kind == "agent_bot":
            self.clients.reply.assign(before.id, agent_bot_id=was.id or _NOBODY)
        else:
            self.clients.reply.assign(before.id, assignee_id=(was.id if was else None) or _NOBODY)

    def _date(self, conversation_id: int) -> None:
        """By Chatwoot's own clock, so that webhooks of what came before it, our stepping back too, are old news.

        Raises:
            ChatwootError: it could not be asked; a bot may not, before 4.14.2, and is dated by our own clock.
        """
        try:
            now = self.clients.conversation(conversation_id)
        except PermanentError as error:
            if error.conversation_gone:
                raise
            self.mailbox.learn(conversation_id, News(handed=_now_ms()))
            return
        told = news.of_conversation(now, self.policy)
        is_still_so = now.status == "open"  # else people have given it back already, whatever the webhooks say
        handed = (told.at or 0) + _JUST_AFTER_MS if is_still_so else 0
        self.mailbox.learn(conversation_id, replace(told, handed=handed))


def _now_ms() -> int:
    return int(time.time() * 1000)
