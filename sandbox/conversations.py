"""Conversations: how they begin, change their status, and pass from hand to hand."""

import time
from typing import Any

from sandbox import errors
from sandbox.changes import change
from sandbox.contacts import Contacts, as_id, check_attributes
from sandbox.events import Events
from sandbox.world import (
    AgentBot,
    Contact,
    ContactInbox,
    Conversation,
    Inbox,
    Json,
    Message,
    MessageType,
    Team,
    User,
    World,
)

STATUSES = ("open", "resolved", "pending", "snoozed")
PRIORITIES = ("low", "medium", "high", "urgent")
BOT_FAILED = "Conversation was marked open by system due to an error with the agent bot."

Actor = User | AgentBot | None
"""Who does it. None: the customer's channel or Chatwoot itself, which no activity names."""


class Conversations:
    def __init__(self, world: World, events: Events, contacts: Contacts) -> None:
        self._world = world
        self._events = events
        self._contacts = contacts

    def find(self, conversation_id: Any) -> Conversation:
        conversation = self._world.conversations.get(as_id(conversation_id))
        if conversation is None:
            raise errors.not_found()
        return conversation

    def begin(
        self, contact: Contact, inbox: Inbox, link: ContactInbox, params: Json, *, number: int | None = None
    ) -> Conversation:
        """Store a new conversation; the caller tells of it once its first message is stored too."""
        self._check_status(params.get("status"))
        status = self._first_status(contact, inbox, params.get("status"))
        assignee_id = self._user_id(params.get("assignee_id"))
        conversation = Conversation(
            number or self._world.next_conversation_id(),
            inbox.id,
            contact.id,
            link.id,
            status=status,
            assignee_id=assignee_id,
            assignee_agent_bot_id=self._owner(inbox) if status == "pending" and assignee_id is None else None,
            team_id=as_id(params.get("team_id")) or None,
            additional_attributes=params.get("additional_attributes") or {},
            custom_attributes=params.get("custom_attributes") or {},
            waiting_since=time.time(),
        )
        self._world.conversations[conversation.id] = conversation
        return conversation

    def told(self, conversation: Conversation) -> None:
        self._events.conversation_created(conversation)
        self._events.take("conversation_created")

    def last_at(self, link: ContactInbox) -> Conversation | None:
        there = [c for c in self._world.conversations.values() if c.contact_inbox_id == link.id]
        return there[-1] if there else None

    def delete(self, conversation: Conversation) -> None:
        self._world.forget_conversation(conversation)

    def toggle_status(self, conversation: Conversation, actor: Actor, params: Json) -> bool | None:
        """Set or toggle the status. Chatwoot's own answer: None for a hand-over by a bot, else True."""
        wanted = params.get("status") or ("resolved" if conversation.status == "open" else "open")
        self._check_status(wanted)
        if isinstance(actor, AgentBot) and conversation.status == "pending" and wanted == "open":
            self._hand_over(conversation, actor)
            return None
        until = as_id(params.get("snoozed_until")) or None
        self.set_status(conversation, wanted, actor, snoozed_until=until)
        if wanted == "open" and isinstance(actor, User):
            self._take_over(conversation, actor)
        return True

    def set_status(
        self,
        conversation: Conversation,
        status: str,
        actor: Actor,
        *,
        snoozed_until: float | None = None,
        **assignee: int | None,
    ) -> None:
        """Change the status, and the assignee in the same write."""
        until = snoozed_until if status == "snoozed" else None
        changed = change(conversation, status=status, snoozed_until=until, **assignee)
        if not any("status" in attribute for attribute in changed):
            return
        if status == "resolved":
            # Written past the change that webhooks tell of: none of them lists it.
            conversation.waiting_since = None
        self._events.conversation_changed(conversation, changed)
        if actor is not None:
            self.note_activity(conversation, _status_activity(status, actor))

    def reopen(self, conversation: Conversation, actor: Actor) -> None:
        """The customer wrote: resolved goes back to the bot where there is one, snoozed to the people."""
        if self._world.contact_of(conversation).blocked:
            return
        if conversation.status == "resolved":
            bot = self._world.inbox_of(conversation).agent_bot_id
            self.set_status(conversation, "pending" if bot else "open", actor)
        elif conversation.status == "snoozed":
            self.set_status(conversation, "open", actor)

    def open_after_bot_failure(self, conversation: Conversation) -> None:
        version = self._world.version
        kept = version.keeps_pending_if_told and self._world.account.keep_pending_on_bot_failure
        if conversation.status != "pending" or kept or not version.opens_on_bot_failure:
            return
        self.set_status(conversation, "open", None)
        self.note_activity(conversation, BOT_FAILED)

    def assign_user(self, conversation: Conversation, actor: Actor, user_id: Any) -> User | None:
        """Unknown: nobody is assigned any more. A person who gets what the bot is to answer opens it."""
        user = self._world.users.get(as_id(user_id))
        opening: Json = {}
        if user is not None and self._is_bots(conversation):
            opening = {"status": "open", "waiting_since": conversation.waiting_since or time.time()}
        self._assign(conversation, actor, assignee_id=user.id if user else None, assignee_agent_bot_id=None, **opening)
        return user

    def assign_bot(self, conversation: Conversation, actor: Actor, bot_id: Any) -> AgentBot | None:
        bot = self._world.bots.get(as_id(bot_id))
        giving: Json = {"status": "pending"} if bot is not None and self._world.version.bot_owns_conversations else {}
        self._assign(conversation, actor, assignee_id=None, assignee_agent_bot_id=bot.id if bot else None, **giving)
        return bot

    def assign_team(self, conversation: Conversation, actor: Actor, team_id: Any) -> Team | None:
        team = self._world.teams.get(as_id(team_id))
        before = self._world.teams.get(conversation.team_id or 0)
        changed = change(conversation, team_id=team.id if team else None)
        self._events.conversation_changed(conversation, changed)
        if changed and actor is not None:
            said = f"Assigned to {team.name}" if team else f"Unassigned from {before.name if before else ''}"
            self.note_activity(conversation, f"{said} by {actor.name}")
        return team

    def set_labels(self, conversation: Conversation, actor: Actor, labels: list[str]) -> None:
        """Replaces all of them."""
        before = conversation.label_list
        if before == labels:
            return
        changed = change(conversation, label_list=labels, cached_label_list=", ".join(labels))
        self._events.conversation_changed(conversation, changed)
        for verb, names in (("added", _without(labels, before)), ("removed", _without(before, labels))):
            if names and actor is not None:
                self.note_activity(conversation, f"{actor.name} {verb} {', '.join(names)}")

    def set_custom_attributes(self, conversation: Conversation, attributes: Any) -> None:
        """Replaces all of them."""
        if not isinstance(attributes, dict):
            raise errors.broken()
        check_attributes(attributes)
        changed = change(conversation, custom_attributes=attributes)
        self._events.conversation_changed(conversation, changed)

    def set_priority(self, conversation: Conversation, actor: Actor, priority: str | None) -> None:
        if priority is not None and priority not in PRIORITIES:
            raise errors.broken()
        before = conversation.priority
        changed = change(conversation, priority=priority)
        self._events.conversation_changed(conversation, changed)
        if changed and actor is not None:
            self.note_activity(conversation, f"{actor.name} {_priority_change(before, priority)}")

    def mute(self, conversation: Conversation, actor: Actor) -> None:
        self.set_status(conversation, "resolved", actor)
        self._block(conversation, actor, blocked=True)

    def unmute(self, conversation: Conversation, actor: Actor) -> None:
        self._block(conversation, actor, blocked=False)

    def see(self, conversation: Conversation, actor: Actor) -> None:
        conversation.agent_last_seen_at = time.time()
        if isinstance(actor, User) and actor.id == conversation.assignee_id:
            conversation.assignee_last_seen_at = conversation.agent_last_seen_at

    def note_activity(self, conversation: Conversation, content: str) -> None:
        """Add a line such as "Conversation was reopened by Pablo", of which no webhook tells."""
        message = Message(
            self._world.next_id("message"),
            conversation.id,
            conversation.inbox_id,
            MessageType.ACTIVITY,
            content,
            template=content,
        )
        self.store(conversation, message)
        self._events.message_created(message)

    def store(self, conversation: Conversation, message: Message) -> None:
        self._world.messages[message.id] = message
        conversation.messages.append(message)
        conversation.updated_at = conversation.last_activity_at = message.created_at

    def _hand_over(self, conversation: Conversation, bot: AgentBot) -> None:
        """Two writes, so two webhooks: that the customer waits (again), then that it is open."""
        if conversation.waiting_since is None:
            waiting = change(conversation, waiting_since=time.time())
            self._events.conversation_changed(conversation, waiting)
            self._events.take()
        nobody = {"assignee_agent_bot_id": None} if self._world.version.bot_owns_conversations else {}
        self.set_status(conversation, "open", bot, **nobody)

    def _take_over(self, conversation: Conversation, person: User) -> None:
        """In a write of its own: an agent who opens it has it then, an administrator only takes it from the bot."""
        if not person.is_administrator:
            self._events.take("conversation_status_changed")
            self._assign(conversation, person, assignee_id=person.id, assignee_agent_bot_id=None)
        elif self._world.version.bot_owns_conversations:
            self._assign(conversation, person, assignee_agent_bot_id=None)

    def _assign(self, conversation: Conversation, actor: Actor, **values: Any) -> None:
        """Change the assignee, and what else is given, in one write."""
        status, assignee_id = conversation.status, conversation.assignee_id
        changed = change(conversation, **values)
        self._events.conversation_changed(conversation, changed)
        if actor is None:
            return
        if conversation.status != status:
            self.note_activity(conversation, _status_activity(conversation.status, actor))
        if conversation.assignee_id != assignee_id:
            user = self._world.users.get(conversation.assignee_id or 0)
            self.note_activity(conversation, _assignee_activity(user, actor))

    def _is_bots(self, conversation: Conversation) -> bool:
        """Whether the bot is to answer, since it is the assignee."""
        owned = self._world.version.bot_owns_conversations and conversation.assignee_agent_bot_id is not None
        return owned and conversation.status == "pending"

    def _owner(self, inbox: Inbox) -> int | None:
        return inbox.agent_bot_id if self._world.version.bot_owns_conversations else None

    def _block(self, conversation: Conversation, actor: Actor, *, blocked: bool) -> None:
        contact = self._world.contact_of(conversation)
        self._events.contact_updated(contact, change(contact, blocked=blocked))
        if actor is not None:
            verb = "muted" if blocked else "unmuted"
            self.note_activity(conversation, f"{actor.name} has {verb} the conversation")

    def _first_status(self, contact: Contact, inbox: Inbox, wanted: str | None) -> str:
        if contact.blocked:
            return "resolved"
        return "pending" if inbox.agent_bot_id else wanted or "open"

    def _user_id(self, user_id: Any) -> int | None:
        user = self._world.users.get(as_id(user_id))
        return user.id if user else None

    def _check_status(self, status: Any) -> None:
        if status is not None and status not in STATUSES:
            raise errors.broken()


def _status_activity(status: str, actor: User | AgentBot) -> str:
    said = {
        "open": "reopened",
        "resolved": "marked resolved",
        "pending": "marked as pending",
        "snoozed": "snoozed",
    }
    return f"Conversation was {said[status]} by {actor.name}"


def _assignee_activity(user: User | None, actor: User | AgentBot) -> str:
    if user is None:
        return f"Conversation unassigned by {actor.name}"
    if user is actor:
        return f"{actor.name} self-assigned this conversation"
    return f"Assigned to {user.name} by {actor.name}"


def _priority_change(before: str | None, after: str | None) -> str:
    if after is None:
        return "removed the priority"
    return f"changed the priority from {before} to {after}" if before else f"set the priority to {after}"


def _without(names: list[str], others: list[str]) -> list[str]:
    return [name for name in names if name not in others]
