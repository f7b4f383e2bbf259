"""Contacts, users, bots and teams. Chatwoot has several forms of each; a form is named for where it stands."""

from sandbox.clock import seconds
from sandbox.version import Version
from sandbox.world import Account, AgentBot, Contact, ContactInbox, Inbox, Json, Sender, Team, User, World


def account(account: Account) -> Json:
    return {"id": account.id, "name": account.name}


def contact_in_rest(contact: Contact) -> Json:
    body: Json = {
        "additional_attributes": contact.additional_attributes,
        "availability_status": "offline",
        "email": contact.email,
        "id": contact.id,
        "name": contact.name,
        "phone_number": contact.phone_number,
        "blocked": contact.blocked,
        "identifier": contact.identifier,
        "thumbnail": "",
        "custom_attributes": contact.custom_attributes,
    }
    if contact.last_activity_at is not None:
        body["last_activity_at"] = seconds(contact.last_activity_at)
    return body | {"created_at": seconds(contact.created_at)}


def contact_with_addresses(world: World, contact: Contact) -> Json:
    links = world.addresses_of(contact)
    addresses = [address(world.inboxes[link.inbox_id], link.source_id) for link in links]
    return contact_in_rest(contact) | {"contact_inboxes": addresses}


def address(inbox: Inbox, source_id: str) -> Json:
    return {"source_id": source_id, "inbox": slim_inbox(inbox)}


def slim_inbox(inbox: Inbox) -> Json:
    return {
        "id": inbox.id,
        "avatar_url": "",
        "channel_id": inbox.channel_id,
        "name": inbox.name,
        "channel_type": inbox.channel_type,
        "provider": inbox.provider,
    }


def contact_inbox_row(link: ContactInbox, created_at: str | None) -> Json:
    return {
        "id": link.id,
        "contact_id": link.contact_id,
        "inbox_id": link.inbox_id,
        "source_id": link.source_id,
        "created_at": created_at,
        "updated_at": created_at,
        "hmac_verified": link.hmac_verified,
        "pubsub_token": link.pubsub_token,
    }


def contact_pushed(contact: Contact) -> Json:
    return {
        "additional_attributes": contact.additional_attributes,
        "custom_attributes": contact.custom_attributes,
        "email": contact.email,
        "id": contact.id,
        "identifier": contact.identifier,
        "name": contact.name,
        "phone_number": contact.phone_number,
        "thumbnail": "",
        "blocked": contact.blocked,
        "type": "contact",
    }


def contact_in_webhook(contact: Contact, of: Account) -> Json:
    """Without `type`, which only the pushed form has."""
    return {
        "account": account(of),
        "additional_attributes": contact.additional_attributes,
        "avatar": "",
        "custom_attributes": contact.custom_attributes,
        "email": contact.email,
        "id": contact.id,
        "identifier": contact.identifier,
        "name": contact.name,
        "phone_number": contact.phone_number,
        "thumbnail": "",
        "blocked": contact.blocked,
    }


def user_pushed(user: User) -> Json:
    return {
        "id": user.id,
        "name": user.name,
        "available_name": user.name,
        "avatar_url": "",
        "type": "user",
        "availability_status": "offline",
        "thumbnail": "",
    }


def bot_pushed(bot: AgentBot) -> Json:
    return {"id": bot.id, "name": bot.name, "avatar_url": "", "type": "agent_bot"}


def sender_pushed(sender: Sender) -> Json:
    if isinstance(sender, Contact):
        return contact_pushed(sender)
    return bot_pushed(sender) if isinstance(sender, AgentBot) else user_pushed(sender)


def sender_in_webhook(sender: Sender, of: Account) -> Json:
    if isinstance(sender, Contact):
        return contact_in_webhook(sender, of)
    if isinstance(sender, AgentBot):
        return {"id": sender.id, "name": sender.name, "type": "agent_bot"}
    return {"id": sender.id, "name": sender.name, "email": sender.email, "type": "user"}


def agent(user: User, of: Account) -> Json:
    return {
        "id": user.id,
        "account_id": of.id,
        "availability_status": "offline",
        "auto_offline": True,
        "confirmed": True,
        "email": user.email,
        "provider": "email",
        "available_name": user.name,
        "name": user.name,
        "role": user.role,
        "thumbnail": "",
        "custom_role_id": None,
    }


def profile(user: User, of: Account) -> Json:
    membership = {
        "id": of.id,
        "name": of.name,
        "status": "active",
        "onboarding_step": None,
        "active_at": None,
        "role": user.role,
        "permissions": [user.role],
        "availability": "online",
        "availability_status": "offline",
        "auto_offline": True,
        "custom_role_id": None,
        "custom_role": None,
    }
    return {
        "access_token": user.access_token,
        "account_id": of.id,
        "available_name": user.name,
        "avatar_url": "",
        "confirmed": True,
        "display_name": None,
        "message_signature": None,
        "email": user.email,
        "id": user.id,
        "inviter_id": None,
        "name": user.name,
        "provider": "email",
        "pubsub_token": user.pubsub_token,
        "role": user.role,
        "ui_settings": {},
        "uid": user.email,
        "type": None,
        "accounts": [membership],
    }


def bot_slim(bot: AgentBot) -> Json:
    return {
        "id": bot.id,
        "name": bot.name,
        "description": bot.description,
        "thumbnail": "",
        "outgoing_url": bot.outgoing_url,
        "bot_type": "webhook",
    }


def bot_in_full(bot: AgentBot, of: Account, version: Version) -> Json:
    rest = {"account_id": of.id, "access_token": bot.access_token}
    secret = {"secret": bot.secret} if version.signs_bot_webhooks else {}
    return bot_slim(bot) | {"bot_config": {}} | rest | secret | {"system_bot": False}


def team(team: Team, of: Account) -> Json:
    return {
        "id": team.id,
        "name": team.name,
        "description": team.description,
        "allow_auto_assign": team.allow_auto_assign,
        "account_id": of.id,
        "is_member": False,
    }
