"""What Chatwoot posts. Account webhooks, API inboxes and agent bots get the same bodies."""

import json

from sandbox.bodies import messages, people
from sandbox.bodies.rest import can_reply
from sandbox.clock import iso, seconds
from sandbox.world import Conversation, Json, Message, World

# Rails' to_json writes these as \uXXXX, so no other JSON writer has the same bytes to sign.
_ESCAPED = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def encode(body: Json) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPED).encode()


def message(world: World, message: Message) -> Json:
    normalised = world.version.normalises_webhook_text
    inbox = world.inboxes[message.inbox_id]
    body: Json = {
        "account": people.account(world.account),
        "additional_attributes": message.additional_attributes,
        "content_attributes": message.content_attributes,
        "content_type": message.content_type,
        "content": messages.webhook_text(message.content) if normalised else message.content,
        "conversation": conversation(world, world.conversations[message.conversation_id]),
        "created_at": iso(message.created_at),
        "id": message.id,
        "inbox": {"id": inbox.id, "name": inbox.name},
        "message_type": message.message_type.word,
        "private": message.private,
        "sender": people.sender_in_webhook(message.sender, world.account) if message.sender else None,
        "source_id": message.source_id,
    }
    if message.attachments:
        body["attachments"] = messages.attachments(world, message.attachments)
    return body


def conversation(world: World, conversation: Conversation) -> Json:
    link = world.contact_inboxes[conversation.contact_inbox_id]
    newest = messages.last(conversation, activity=False, private=False)
    body: Json = {
        "additional_attributes": conversation.additional_attributes,
        "can_reply": can_reply(world, conversation),
        "channel": world.inbox_of(conversation).channel_type,
        "contact_inbox": people.contact_inbox_row(link, iso(link.created_at)),
        "id": conversation.id,
        "inbox_id": conversation.inbox_id,
        "messages": [messages.nested(world, newest, in_webhook=True)] if newest else [],
        "labels": conversation.label_list,
        "meta": _meta(world, conversation),
        "status": conversation.status,
        "custom_attributes": conversation.custom_attributes,
        "snoozed_until": iso(conversation.snoozed_until),
        "unread_count": messages.unread_count(conversation),
        "first_reply_created_at": iso(conversation.first_reply_created_at),
        "priority": conversation.priority,
        "waiting_since": seconds(conversation.waiting_since),
        "agent_last_seen_at": seconds(conversation.agent_last_seen_at),
        "contact_last_seen_at": seconds(conversation.contact_last_seen_at),
        "last_activity_at": seconds(conversation.last_activity_at),
        "timestamp": seconds(conversation.last_activity_at),
        "created_at": seconds(conversation.created_at),
        "updated_at": float(conversation.updated_at),
    }
    if world.version.names_account_in_conversation:
        body["account"] = people.account(world.account)
    return body


def _meta(world: World, conversation: Conversation) -> Json:
    user = world.users.get(conversation.assignee_id or 0)
    bot = world.bots.get(conversation.assignee_agent_bot_id or 0)
    team = world.teams.get(conversation.team_id or 0)
    assignee = people.user_pushed(user) if user else people.bot_pushed(bot) if bot else None
    return {
        "sender": people.contact_pushed(world.contact_of(conversation)),
        "assignee": assignee,
        "assignee_type": "User" if user else "AgentBot" if bot else None,
        "team": {"id": team.id, "name": team.name} if team else None,
        "hmac_verified": world.contact_inboxes[conversation.contact_inbox_id].hmac_verified,
    }
