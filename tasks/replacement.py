"""Another conversation with a customer whose own is gone."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from chatwoot.client import Client
from tasks.acts import Customer
from tasks.policy import Policy

log = structlog.get_logger()


@dataclass(frozen=True)
class Replacement:
    """Finds it, or makes it."""

    client: Client
    """With a user's token: a bot's may not look at contacts."""
    policy: Policy

    def conversation_for(self, customer: Customer, *, gone: int) -> int | None:
        """The id of the customer's latest conversation in this inbox that is the bot's; made where there is none.

        None: the customer is with people, in another one.

        Safe to repeat: what one run has made, the next finds.

        Raises:
            ChatwootError: as the client raises it; `NotFound` where the contact is gone, too.
        """
        others = [
            each
            for each in self.client.contact_conversations(customer.contact_id)
            if each.id != gone and each.inbox_id == customer.inbox_id and each.status != "resolved"
        ]
        if others:
            return next((each.id for each in others if self.policy.answers(each)), None)
        made = self.client.create_conversation(
            inbox_id=customer.inbox_id, contact_id=customer.contact_id, source_id=customer.source_id
        )
        log.info("conversation_created", contact_id=customer.contact_id, new_conversation_id=made.id)
        return made.id
