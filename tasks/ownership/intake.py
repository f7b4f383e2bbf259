"""What Chatwoot tells, put where it belongs: what each decision about a webhook does to the conversation.

Each does one thing, the same whatever was known before. Whose the conversation is by that, since webhooks come in any
order, is for the mailbox to know in that very step: tasks/mailbox/lua/_ownership.lua.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, replace

from chatwoot import channels
from chatwoot.conversations import Conversation
from chatwoot.events import ConversationEvent, Event, MessageCreated, MessageUpdated
from chatwoot.messages import Message
from tasks.customers.index import ContactIndex
from tasks.customers.twins import Twins
from tasks.mailbox import Accepted, Mailbox, WakeSender, WakeThinker
from tasks.ownership import news
from tasks.ownership.decision import Decision
from tasks.ownership.policy import Policy
from tasks.records import actions, incoming
from tasks.records.incoming import Incoming

_OF_PEOPLE = (Decision.TAKEN_OVER, Decision.STILL_PEOPLES, Decision.HANDED_BACK, Decision.ENDED)


@dataclass(frozen=True, kw_only=True)
class Intake:
    """The one door for what Chatwoot tells, by a webhook or when asked."""

    mailbox: Mailbox
    index: ContactIndex
    twins: Twins
    policy: Policy

    def take_in(self, event: Event | None, decision: Decision) -> WakeThinker | WakeSender | None:
        """Do what was decided about the event; returns whom to ring for. Safe to repeat."""
        if isinstance(event, MessageCreated | MessageUpdated):
            return self._message(event, decision)
        if isinstance(event, ConversationEvent) and decision in _OF_PEOPLE:
            return self.mailbox.learn(event.conversation_id, news.of_event(event, self.policy))
        return None

    def found(self, conversation: Conversation, message: Message) -> Accepted:
        """A customer's message of which no webhook told. Safe to repeat, and at the same time as its webhook."""
        self.index.add(
            conversation.id, contact_id=conversation.contact_id, phone_number=conversation.contact_phone_number
        )
        return self.mailbox.accept(
            conversation.id,
            message.id,
            incoming.dump(Incoming.of_message(message, conversation)),
            source_id=message.source_id,
            news=news.of_conversation(conversation, self.policy),
            overtakes=channels.overtakes(conversation.channel),
            is_heard_elsewhere=self.twins.is_heard_elsewhere(conversation.id, conversation, message.source_id),
        )

    def _message(self, event: MessageCreated | MessageUpdated, decision: Decision) -> WakeThinker | WakeSender | None:
        id = event.conversation_id
        if decision in (Decision.CUSTOMER_MESSAGE_TO_ANSWER, Decision.CUSTOMER_MESSAGE_FOR_PEOPLE):
            return self._customers_message(event)
        if decision is Decision.CUSTOMER_MESSAGE_TO_KNOW:
            self.mailbox.know(id, event.message_id, incoming.dump(Incoming.of(event, by="aside")))
            return None
        if decision is Decision.A_NOTE and event.sender is not None and event.sender.kind == "user":
            self.mailbox.know(id, event.message_id, incoming.dump(Incoming.of(event, by="note")), whose="note")
            return None
        if decision in (Decision.A_TEMPLATE, Decision.ANOTHER_BOTS):
            self.mailbox.know(id, event.message_id, incoming.dump(Incoming.of(event, by="bot")), whose="others")
            return None
        if decision is Decision.CUSTOMER_MESSAGE_CHANGED:
            return self._customers_edit(event)
        if decision is Decision.A_PERSONS and isinstance(event, MessageCreated):
            return self._persons_message(event)
        if decision is Decision.DELETED:
            self.mailbox.forget_message(id, event.message_id, incoming.dump(Incoming.deleted(event.message_id)))
        elif decision in (Decision.OURS, Decision.DELIVERED, Decision.FAILED) and event.our_key:
            return self.mailbox.saw(
                id,
                event.our_key,
                public_id=None if event.is_private else event.message_id,
                has_arrived=event.has_arrived,
                overtakes=channels.overtakes(event.channel),
            )
        return None

    def _customers_message(self, event: MessageCreated | MessageUpdated) -> WakeThinker | None:
        self.index.add(event.conversation_id, contact_id=event.contact_id, phone_number=event.contact_phone_number)
        accepted = self.mailbox.accept(
            event.conversation_id,
            event.message_id,
            incoming.dump(Incoming.of(event)),
            source_id=event.source_id,
            news=news.of_event(event, self.policy),
            overtakes=channels.overtakes(event.channel),
            is_unheard=event.lacks_a_transcript,
            is_heard_elsewhere=self.twins.is_heard_elsewhere(event.conversation_id, event, event.source_id),
        )
        return accepted.doorbell

    def _customers_edit(self, event: MessageCreated | MessageUpdated) -> WakeThinker | WakeSender | None:
        changed, to_know = Incoming.of(event), Incoming.of(event, by="aside").as_edit()
        is_to_be_answered = self.policy.answers_edits and not event.customers_kind.is_aside
        edit = incoming.dump(replace(changed.as_edit(), edit=uuid.uuid4().hex[:8])) if is_to_be_answered else ""
        return self.mailbox.revise(
            event.conversation_id,
            event.message_id,
            incoming.dump(changed),
            to_know=incoming.dump(to_know),
            edit=edit,
            is_heard=not event.lacks_a_transcript,
        )

    def _persons_message(self, event: MessageCreated) -> WakeThinker | WakeSender | None:
        return self.mailbox.learn(
            event.conversation_id,
            news.of_person(event, self.policy),
            message=incoming.dump(Incoming.of(event, by="person")),
            opens=self.opening(event.message_id) if event.conversation_status == "pending" else "",
        )

    def opening(self, word_id: int) -> str:
        """What is done in Chatwoot about a person's word in a pending conversation; "": nothing."""
        return actions.dump(actions.open_for_person(word_id, time.time())) if self.policy.person_opens else ""
