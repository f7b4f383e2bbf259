"""Give a conversation to people: opened for them in Chatwoot, and known as theirs to us. No Celery here."""

from __future__ import annotations

from dataclasses import dataclass

from chatwoot.conversations import Conversation
from chatwoot.errors import ChatwootError
from tasks.mailbox import Mailbox
from tasks.ownership.policy import Policy
from tasks.runtime.clients import Clients

_JUST_AFTER_S = 0.001
_NOBODY = 0


@dataclass(frozen=True, kw_only=True)
class Handover:
    """How conversations are handed over in this process."""

    mailbox: Mailbox
    clients: Clients
    policy: Policy

    def hand_over(self, conversation_id: int, *, is_retry: bool = False) -> None:
        """People have it from now on, whatever Chatwoot's status says to us, until they give it back. Safe to repeat.

        Raises:
            ChatwootError: as the client raises it. It is people's to us all the same.
        """
        # Before the call: what people do after it is newer.
        self.mailbox.human_took_over(conversation_id, at=0)
        if self.clients.speaks_as_bot:
            self.clients.reply.set_status(conversation_id, "open")
        else:
            self._open_as_user(conversation_id, is_retry)
        self._date(conversation_id)

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
        """By Chatwoot's own clock, so that webhooks of what came before it, our stepping back too, are old news."""
        try:
            now = self.clients.admin.conversation(conversation_id)
        except ChatwootError:
            return  # a bot may not look before 4.14.2: there an older hand-back whose webhook comes late counts
        if now.updated_at and now.status == "open":
            evidence = self.policy.takeover_evidence_in(now)
            self.mailbox.human_took_over(conversation_id, at=now.updated_at + _JUST_AFTER_S, takeover_evidence=evidence)
