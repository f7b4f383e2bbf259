"""Has the customer written in another of their conversations in the inbox, where something is for their silence?"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from chatwoot.client import Client
from chatwoot.conversations import Conversation
from chatwoot.errors import NotFound, PermanentError
from tasks.customers.index import ContactIndex
from tasks.mailbox import Mailbox
from tasks.records.actions import Customer
from tasks.runtime.clients import Clients, said_after

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """Where a contact's other conversations are looked for: in Chatwoot, or where only a bot's token is there, which
    may not list them, among those of which webhooks have told us.
    """

    mailbox: Mailbox
    clients: Clients
    index: ContactIndex

    def has_written(self, customer: Customer, *, since: int, but: int) -> bool:
        """Whether there is a newer message of theirs than the one with the id `since` in a conversation other than
        `but`. Ids are the account's: a later message has a greater one, wherever it is.

        Raises:
            ChatwootError: Chatwoot cannot be asked now.
        """
        if self.clients.user is None:
            return self._as_far_as_told(customer, since, but)
        try:
            conversations = self.clients.user.contact_conversations(customer.contact_id)
        except PermanentError as error:  # merged into another contact, say
            log.warning("conversations_not_known", status=error.status)
            return self._as_far_as_told(customer, since, but)
        others = [each for each in conversations if each.id != but and each.inbox_id == customer.inbox_id]
        return any(_has_news(self.clients.user, each, since) for each in others)

    def _as_far_as_told(self, customer: Customer, since: int, but: int) -> bool:
        others = self.index.of(contact_id=customer.contact_id) - {but}
        return any(
            self.mailbox.newest(each) > since and self._may_be_in(customer.inbox_id, each) for each in sorted(others)
        )

    def _may_be_in(self, inbox_id: int, conversation_id: int) -> bool:
        """Where nobody may ask (a bot's token before 4.14.2), it may."""
        try:
            return self.clients.conversation(conversation_id).inbox_id in (inbox_id, None)
        except PermanentError as error:
            return not error.conversation_gone


def _has_news(user: Client, conversation: Conversation, since: int) -> bool:
    newest = conversation.last_non_activity_message
    if newest is None or newest.id <= since:
        return False
    if newest.is_from_customer:
        return True
    try:
        return any(each.is_from_customer for each in said_after(user, conversation.id, since, most_pages=1))
    except NotFound:
        return False  # deleted meanwhile
