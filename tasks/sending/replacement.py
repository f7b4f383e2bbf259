"""Another conversation with a customer whose own is gone."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from chatwoot.client import Client
from chatwoot.conversations import Conversation
from tasks.mailbox import Mailbox
from tasks.ownership.policy import Policy
from tasks.records.actions import Customer

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Replacement:
    """Finds it, or makes it."""

    client: Client
    """With a user's token: a bot's may not look at contacts."""
    policy: Policy
    mailbox: Mailbox

    def conversation_for(self, customer: Customer, *, gone: int, for_people: bool = False) -> int | None:
        """The id of the customer's latest conversation in this inbox that is the bot's; made where there is none.

        None: the customer is with people, in another one.

        Safe to repeat: what one run has made, the next finds.

        Args:
            for_people: one that people have will do, too: what is to be done there is no turn of the bot's.

        Raises:
            ChatwootError: as the client raises it; `NotFound` where the contact is gone, too.
        """
        others = [
            each
            for each in self.client.contact_conversations(customer.contact_id)
            if each.id != gone and each.inbox_id == customer.inbox_id and each.status != "resolved"
        ]
        if not others:
            return self._made_for(customer)
        fitting = [each for each in others if self._is_the_bots(each)] or (others if for_people else [])
        return fitting[0].id if fitting else None

    def _is_the_bots(self, conversation: Conversation) -> bool:
        """In Chatwoot it still looks so where a person has done no more than to write."""
        return self.policy.answers(conversation) and not self.mailbox.is_owned_by_human(conversation.id)

    def _made_for(self, customer: Customer) -> int:
        made = self.client.create_conversation(
            inbox_id=customer.inbox_id, contact_id=customer.contact_id, source_id=customer.source_id
        )
        log.info("conversation_created", contact_id=customer.contact_id, new_conversation_id=made.id)
        return made.id
