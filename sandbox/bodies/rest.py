"""Conversations, as the REST API shows them."""

import time
from collections.abc import Iterable

from sandbox.bodies import messages, people
from sandbox.clock import iso, seconds
from sandbox.world import Conversation, Json, World

_WHATSAPP_WINDOW_S = 24 * 3600


def conversation(world: World, conversation: Conversation) -> Json:
    newest = messages.last(conversation, activity=True, private=True)
    newest_said = messages.last(conversation, activity=False, private=True)
    contact = world.contact_of(conversation)
    return {
        "meta": _meta(world, conversation),
        "id": conversation.id,
        "messages": [messages.nested(world, newest)] if newest else [],
        "account_id": world.account.id,
        "uuid": conversation.uuid,
        "additional_attributes": conversation.additional_attributes,
        "agent_last_seen_at": seconds(conversation.agent_last_seen_at),
        "assignee_last_seen_at": seconds(conversation.assignee_last_seen_at),
        "can_reply": can_reply(world, conversation),
        "contact_last_seen_at": seconds(conversation.contact_last_seen_at),
        "custom_attributes": conversation.custom_attributes,
        "inbox_id": conversation.inbox_id,
        "labels": conversation.label_list,
        "muted": contact.blocked,
        "snoozed_until": iso(conversation.snoozed_until),
        "status": conversation.status,
        "created_at": seconds(conversation.created_at),
        "updated_at": float(conversation.updated_at),
        "timestamp": seconds(conversation.last_activity_at),
        "first_reply_created_at": seconds(conversation.first_reply_created_at),
        "unread_count": messages.unread_count(conversation),
        "last_non_activity_message": messages.nested(world, newest_said) if newest_said else None,
        "last_activity_at": seconds(conversation.last_activity_at),
        "priority": conversation.priority,
        "waiting_since": seconds(conversation.waiting_since),
        "sla_policy_id": None,
    }


def _meta(world: World, conversation: Conversation) -> Json:
    """`assignee`, `assignee_type` and `team` are absent rather than null."""
    meta: Json = {
        "sender": people.contact_in_rest(world.contact_of(conversation)),
        "channel": world.inbox_of(conversation).channel_type,
    }
    if user := world.users.get(conversation.assignee_id or 0):
        meta |= {"assignee": people.agent(user, world.account), "assignee_type": "User"}
    elif bot := world.bots.get(conversation.assignee_agent_bot_id or 0):
        meta |= {"assignee": people.bot_slim(bot), "assignee_type": "AgentBot"}
    if team := world.teams.get(conversation.team_id or 0):
        meta["team"] = people.team(team, world.account)
    return meta | {"hmac_verified": world.contact_inboxes[conversation.contact_inbox_id].hmac_verified}


def can_reply(world: World, conversation: Conversation) -> bool:
    """WhatsApp: only within 24 hours of the customer's last message; elsewhere always."""
    if not world.inbox_of(conversation).is_whatsapp:
        return True
    asked = (m.created_at for m in reversed(conversation.messages) if m.is_incoming)
    return time.time() - next(asked, 0.0) < _WHATSAPP_WINDOW_S


def message_list(world: World, conversation: Conversation, payload: Iterable[Json]) -> Json:
    meta: Json = {
        "labels": conversation.label_list,
        "additional_attributes": conversation.additional_attributes,
        "contact": people.contact_pushed(world.contact_of(conversation)),
    }
    if user := world.users.get(conversation.assignee_id or 0):
        meta["assignee"] = people.user_pushed(user)
    meta["agent_last_seen_at"] = iso(conversation.agent_last_seen_at)
    meta["assignee_last_seen_at"] = iso(conversation.assignee_last_seen_at)
    return {"meta": meta, "payload": list(payload)}
