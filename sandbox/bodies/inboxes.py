"""Inboxes in full. Most of it is settings that no bot reads, kept as a real Chatwoot showed them."""

import uuid

from sandbox.clock import iso
from sandbox.world import Account, Inbox, Json, token

_WEEKDAYS = range(1, 6)
_LOGIN = ("login", "password", "address")


def in_full(inbox: Inbox) -> Json:
    head = {
        "id": inbox.id,
        "avatar_url": "",
        "channel_id": inbox.channel_id,
        "name": inbox.name,
        "channel_type": inbox.channel_type,
    }
    body = head | inbox.settings
    return body | {"webhook_url": inbox.webhook_url, "secret": inbox.secret} if inbox.is_api else body


def row(inbox: Inbox, account: Account) -> Json:
    """The bare database row, which POST contacts shows."""
    shown = (
        "channel_type",
        "enable_auto_assignment",
        "greeting_enabled",
        "greeting_message",
        "working_hours_enabled",
        "out_of_office_message",
        "timezone",
        "enable_email_collect",
        "csat_survey_enabled",
        "allow_messages_after_resolved",
        "auto_assignment_config",
        "lock_to_single_conversation",
        "sender_name_type",
        "business_name",
        "csat_config",
    )
    full = in_full(inbox)
    return {
        "id": inbox.id,
        "channel_id": inbox.channel_id,
        "account_id": account.id,
        "name": inbox.name,
        "created_at": iso(inbox.created_at),
        "updated_at": iso(inbox.updated_at),
        "email_address": None,
        "portal_id": None,
        **{name: full[name] for name in shown},
    }


def settings_of(channel_type: str, channel: Json, base_url: str) -> Json:
    """A new inbox's settings; `channel` is what POST inboxes was given."""
    settings = _shared_settings()
    if channel_type == "Channel::WebWidget":
        return settings | _web_widget(channel)
    if channel_type == "Channel::Whatsapp":
        return settings | _whatsapp(channel, base_url)
    if channel_type == "Channel::Email":
        return settings | _email(channel)
    if channel_type == "Channel::Api":
        return settings | {"hmac_token": token(), "inbox_identifier": token(), "additional_attributes": {}}
    return settings | {"phone_number": channel.get("phone_number")}


def _shared_settings() -> Json:
    return {
        "greeting_enabled": False,
        "greeting_message": None,
        "working_hours_enabled": False,
        "enable_email_collect": True,
        "csat_survey_enabled": False,
        "csat_config": {},
        "enable_auto_assignment": True,
        "auto_assignment_config": {},
        "out_of_office_message": None,
        "working_hours": [_hours(day) for day in range(7)],
        "timezone": "UTC",
        "callback_webhook_url": None,
        "allow_messages_after_resolved": True,
        "lock_to_single_conversation": False,
        "sender_name_type": "friendly",
        "business_name": None,
        "allowed_domains": None,
        "widget_color": None,
        "website_url": None,
        "hmac_mandatory": False,
        "welcome_title": None,
        "welcome_tagline": None,
        "web_widget_script": None,
        "website_token": None,
        "selected_feature_flags": None,
        "reply_time": None,
        "messaging_service_sid": None,
        "phone_number": None,
        "provider": None,
    }


def _hours(day: int) -> Json:
    open_that_day = day in _WEEKDAYS
    return {
        "day_of_week": day,
        "closed_all_day": not open_that_day,
        "open_hour": 9 if open_that_day else None,
        "open_minutes": 0 if open_that_day else None,
        "close_hour": 17 if open_that_day else None,
        "close_minutes": 0 if open_that_day else None,
        "open_all_day": False,
    }


def _web_widget(channel: Json) -> Json:
    field = {"field_type": "standard", "enabled": False}
    return {
        "allowed_domains": "",
        "widget_color": "#1f93ff",
        "website_url": channel.get("website_url"),
        "web_widget_script": "<script></script>",
        "website_token": token(),
        "selected_feature_flags": ["attachments", "emoji_picker", "end_conversation"],
        "reply_time": "in_a_few_minutes",
        "hmac_token": token(),
        "pre_chat_form_enabled": False,
        "pre_chat_form_options": {
            "pre_chat_message": "Share your queries or comments here.",
            "pre_chat_fields": [
                field | {"label": "Email Id", "name": "emailAddress", "type": "email", "required": True},
                field | {"label": "Full name", "name": "fullName", "type": "text", "required": False},
                field | {"label": "Phone number", "name": "phoneNumber", "type": "text", "required": False},
            ],
        },
        "continuity_via_email": True,
    }


def _whatsapp(channel: Json, base_url: str) -> Json:
    phone_number = channel.get("phone_number")
    return {
        "callback_webhook_url": f"{base_url}/webhooks/whatsapp/{phone_number}",
        "hmac_mandatory": None,
        "phone_number": phone_number,
        "provider": channel.get("provider", "whatsapp_cloud"),
        "message_templates": [_order_update()],
        "provider_config": channel.get("provider_config", {}) | {"webhook_verify_token": token()},
        "reauthorization_required": False,
        "voice_enabled": False,
        "inbound_calls_enabled": True,
    }


def _email(channel: Json) -> Json:
    """No mailbox is read or written: customers write through the controls, and what is sent ends here."""
    return {
        "hmac_mandatory": None,
        "email": channel.get("email"),
        "forwarding_enabled": True,
        "forward_to_email": f"{uuid.uuid4().hex}@in.example.com",
        **{f"imap_{name}": "" for name in _LOGIN},
        "imap_port": 0,
        "imap_enabled": False,
        "imap_enable_ssl": True,
        "imap_authentication": "plain",
        **{f"smtp_{name}": "" for name in (*_LOGIN, "domain")},
        "smtp_port": 0,
        "smtp_enabled": False,
        "smtp_enable_ssl_tls": False,
        "smtp_enable_starttls_auto": True,
        "smtp_openssl_verify_mode": "none",
        "smtp_authentication": "login",
    }


def _order_update() -> Json:
    """The one approved template, as Meta would have given it."""
    text = {"type": "BODY", "text": "Hola {{1}}, tu pedido está listo.", "example": {"body_text": [["Ana"]]}}
    return {
        "name": "order_update",
        "status": "APPROVED",
        "category": "UTILITY",
        "language": "es",
        "id": "1",
        "parameter_format": "POSITIONAL",
        "components": [text],
    }
