"""What channels make of what Chatwoot hands them: each gives a message an id of its own, or refuses it.

Chatwoot hands on each message by a job of its own, and no order is promised. It hands on what is longer than a channel
takes, too: the limits are Meta's, Twilio's and Telegram's.
"""

import uuid
from collections.abc import Callable

from sandbox import emails
from sandbox.bodies.rest import can_reply
from sandbox.world import Attachment, Conversation, Inbox, Json, Message, World

_NO_TEMPLATE = "Template not found or invalid template name"
_INVALID = "131009: Parameter value is not valid"
_CHARACTERS = {
    "Channel::Whatsapp": (4096, _INVALID),
    "Channel::TwilioSms": (1600, "21617: The concatenated message body exceeds the 1600 character limit"),
    "Channel::Telegram": (4096, "Bad Request: message is too long"),
}
_NEW_ID: dict[str, Callable[[Conversation, Message], str]] = {
    "Channel::Whatsapp": lambda *_: f"wamid.{uuid.uuid4().hex}",
    "Channel::TwilioSms": lambda *_: f"SM{uuid.uuid4().hex}",
    "Channel::Telegram": lambda *_: str(uuid.uuid4().int % 10**9),
    "Channel::Email": lambda conversation, message: emails.new_message_id(conversation, message.id),
}
_CAPTION, _BODY_WITH_BUTTONS = 1024, 1024
_BUTTONS, _BUTTON, _ROWS, _ROW = 3, 20, 10, 24


def hands_on(inbox: Inbox) -> bool:
    """Whether a job does it. An API inbox's messages go by webhook, and a web widget looks for itself."""
    return inbox.channel_type in _NEW_ID


def new_id(inbox: Inbox, conversation: Conversation, message: Message) -> str:
    """As the channel gives one to a message that it took."""
    return _NEW_ID[inbox.channel_type](conversation, message)


def handed_on(inbox: Inbox, message: Message) -> tuple[str | None, list[Attachment]]:
    """The text and the files that Chatwoot hands on: for WhatsApp one file, and audio without its text."""
    if not inbox.is_whatsapp or message.is_incoming or not message.attachments:
        return message.content, message.attachments
    first = message.attachments[0]
    return None if first.file_type == "audio" else message.content, [first]


def refusal(world: World, conversation: Conversation, message: Message) -> str | None:
    """Why the channel does not take the message, in its own words."""
    inbox = world.inbox_of(conversation)
    if inbox.is_email:
        return None
    most, why_not = _CHARACTERS[inbox.channel_type]
    if len(message.content or "") > most:
        return why_not
    if not inbox.is_whatsapp:
        return None
    template = message.additional_attributes.get("template_params")
    if template:
        return None if _is_approved(inbox, template) else _NO_TEMPLATE
    if not can_reply(world, conversation):
        return _NO_TEMPLATE
    return None if _fits_whatsapp(message) else _INVALID


def _is_approved(inbox: Inbox, template: Json) -> bool:
    wanted = (template.get("name"), template.get("language"))
    return any((each["name"], each["language"]) == wanted for each in inbox.settings.get("message_templates") or [])


def _fits_whatsapp(message: Message) -> bool:
    length = len(message.content or "")
    if message.attachments and length > _CAPTION:
        return False
    choices = [str(item.get("title")) for item in message.content_attributes.get("items") or []]
    if not choices:
        return True
    longest = _BUTTON if len(choices) <= _BUTTONS else _ROW
    return length <= _BODY_WITH_BUTTONS and len(choices) <= _ROWS and all(len(each) <= longest for each in choices)
