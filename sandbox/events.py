"""What happened, and who is told: agent bots, account webhooks, API inboxes (contract: who sends what)."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.bodies import people, webhooks
from sandbox.deliveries import Target, Webhook
from sandbox.stream import Stream
from sandbox.webhook_faults import WebhookFaults
from sandbox.world import (
    AgentBot,
    Contact,
    Conversation,
    Inbox,
    Json,
    Message,
    Sender,
    World,
)

ACCOUNT_EVENTS = (
    "conversation_status_changed",
    "conversation_updated",
    "conversation_created",
    "contact_created",
    "contact_updated",
    "message_created",
    "message_updated",
    "webwidget_triggered",
    "conversation_typing_on",
    "conversation_typing_off",
)
_BOT_EVENTS = ("conversation_opened", "conversation_resolved", "message_created", "message_updated")
_BOT_EVENTS_OF_CONVERSATIONS = ("conversation_updated", "conversation_status_changed")
_TELLING_CHANGES = (
    "team_id",
    "assignee_id",
    "assignee_agent_bot_id",
    "status",
    "snoozed_until",
    "custom_attributes",
    "label_list",
    "waiting_since",
    "first_reply_created_at",
    "priority",
)


@dataclass(frozen=True, eq=False)
class Untold:
    """An event that account webhooks and API inboxes are still to be told of."""

    event: str
    conversation: Conversation
    targets: list[Target]
    build: Callable[[], Json]
    message_id: int | None


class Events:
    """Call with the world's lock held.

    Bots are told in the request that makes the change, so they see the world as it is then. All others are told
    by a job a little later: what they see of the conversation is as it is when the request is over, unless `take`
    says that the job was faster. Which it was, the recordings show.
    """

    def __init__(self, world: World, outbox: WebhookFaults, stream: Stream) -> None:
        self._world = world
        self._outbox = outbox
        self._stream = stream
        self._untold: list[Untold] = []

    def take(self, *events: str) -> None:
        """Tell all others now of the named events, or of all."""
        self.tell([each for each in self._untold if not events or each.event in events])

    def take_but_updates(self) -> list[Untold]:
        """Tell all others now, except of conversation_updated, which Chatwoot gets to last: that is left to `tell`."""
        self.tell([each for each in self._untold if each.event != "conversation_updated"])
        left, self._untold = self._untold, []
        return left

    def tell(self, untold: list[Untold]) -> None:
        self._untold = [each for each in self._untold if each not in untold]
        for each in untold:
            if each.conversation.id in self._world.conversations:
                body = each.build()
                for target in each.targets:
                    self._send(target, each.event, body, each.message_id)

    def message_created(self, message: Message) -> None:
        self._of_message("message_created", message)

    def message_updated(self, message: Message) -> None:
        self._of_message("message_updated", message)

    def conversation_created(self, conversation: Conversation) -> None:
        self._of_conversation("conversation_created", conversation)

    def conversation_changed(self, conversation: Conversation, changed: list[Json]) -> None:
        """Tell of a change in the order that Chatwoot does; of one that nobody asks for, not at all."""
        names = {name for attribute in changed for name in attribute}
        if "status" in names:
            self._of_status(conversation)
        if names.intersection(_TELLING_CHANGES):
            self._of_conversation("conversation_updated", conversation, changed_attributes=changed)

    def contact_created(self, contact: Contact) -> None:
        self._of_contact("contact_created", contact)

    def contact_updated(self, contact: Contact, changed: list[Json]) -> None:
        if changed:
            self._of_contact("contact_updated", contact, changed_attributes=changed)

    def typing(self, conversation: Conversation, who: Sender, *, on: bool, private: bool) -> None:
        event = "conversation_typing_on" if on else "conversation_typing_off"
        user = people.sender_in_webhook(who, self._world.account)
        self._tell(event, conversation, lambda: self._typing_body(event, conversation, user, private))
        self._stream.publish("typing", conversation.id, on=on, user=user.get("name"))

    def _typing_body(self, event: str, conversation: Conversation, user: Json, private: bool) -> Json:
        body = webhooks.conversation(self._world, conversation)
        return {"event": event, "user": user, "conversation": body, "is_private": private}

    def _of_message(self, event: str, message: Message) -> None:
        self._stream.publish("message", message.conversation_id)
        if message.is_activity:
            return
        conversation = self._world.conversations[message.conversation_id]
        # The message itself is the event's own, whatever becomes of it until the others are told.
        own = webhooks.message(self._world, message) | {"event": event}
        self._tell(
            event,
            conversation,
            lambda: own | {"conversation": webhooks.conversation(self._world, conversation)},
            message_id=message.id,
        )

    def _of_status(self, conversation: Conversation) -> None:
        if conversation.status == "open":
            self._of_conversation("conversation_opened", conversation)
        if conversation.status == "resolved":
            self._of_conversation("conversation_resolved", conversation)
        # Always null: Chatwoot passes on a change that it has cleared by then.
        self._of_conversation("conversation_status_changed", conversation, changed_attributes=None)

    def _of_conversation(self, event: str, conversation: Conversation, **more: list[Json] | None) -> None:
        self._stream.publish("conversation", conversation.id)
        self._tell(
            event,
            conversation,
            lambda: webhooks.conversation(self._world, conversation) | {"event": event} | more,
        )

    def _of_contact(self, event: str, contact: Contact, **more: list[Json]) -> None:
        body = people.contact_in_webhook(contact, self._world.account) | {"event": event} | more
        self._stream.publish("contact", None)
        for target in self._account_targets(event, None):
            self._send(target, event, body, None)

    def _tell(
        self,
        event: str,
        conversation: Conversation,
        build: Callable[[], Json],
        message_id: int | None = None,
    ) -> None:
        bots = self._bot_targets(event, conversation)
        body = build() if bots else {}
        for target in bots:
            self._send(target, event, body, message_id)
        inbox = self._world.inbox_of(conversation)
        others = [*self._account_targets(event, inbox), *self._inbox_targets(event, inbox)]
        if others:
            self._untold.append(Untold(event, conversation, others, build, message_id))

    def _send(self, target: Target, event: str, body: Json, message_id: int | None) -> None:
        delivery_id = str(uuid.uuid4()) if target.secret is not None else None
        raw = webhooks.encode(body)
        self._outbox.send(Webhook(target, event, body, raw, delivery_id, about_message=message_id))

    def _bot_targets(self, event: str, conversation: Conversation) -> list[Target]:
        version = self._world.version
        told = event in _BOT_EVENTS or (event in _BOT_EVENTS_OF_CONVERSATIONS and version.tells_bots_of_conversations)
        bots = self._world.bots_of(conversation) if told else []
        return [self._bot_target(bot) for bot in bots if bot.outgoing_url]

    def _bot_target(self, bot: AgentBot) -> Target:
        version = self._world.version
        secret = bot.secret if version.signs_bot_webhooks else None
        return Target("bot", bot.outgoing_url or "", secret, retries=version.retries_bot_webhooks)

    def _account_targets(self, event: str, inbox: Inbox | None) -> list[Target]:
        signed = self._world.version.signs_account_webhooks
        return [
            Target("account", hook.url, hook.secret if signed else None)
            for hook in self._world.webhooks.values()
            if event in hook.subscriptions and (hook.inbox_id is None or inbox is None or hook.inbox_id == inbox.id)
        ]

    def _inbox_targets(self, event: str, inbox: Inbox) -> list[Target]:
        if not (inbox.is_api and inbox.webhook_url and event in ACCOUNT_EVENTS):
            return []
        signed = self._world.version.signs_bot_webhooks
        return [Target("api-inbox", inbox.webhook_url, inbox.secret if signed else None)]
