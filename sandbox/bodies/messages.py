"""Messages: in lists (`listed`) and nested in a conversation (`nested`, with every column of the row)."""

from collections.abc import Iterable
from urllib.parse import quote

from sandbox.bodies import people
from sandbox.clock import iso, seconds
from sandbox.world import Attachment, Conversation, Json, Message, World

_UNREAD_AT_MOST = 10


def listed(world: World, message: Message) -> Json:
    body: Json = {
        "id": message.id,
        "content": message.content,
        "inbox_id": message.inbox_id,
        "conversation_id": message.conversation_id,
        "message_type": int(message.message_type),
        "content_type": message.content_type,
        "status": message.status,
        "content_attributes": message.content_attributes,
        "created_at": seconds(message.created_at),
        "private": message.private,
        "source_id": message.source_id,
    }
    return body | _sender_and_attachments(world, message)


def nested(world: World, message: Message, *, in_webhook: bool = False) -> Json:
    """A conversation's message, as it stands in `messages` and `last_non_activity_message`."""
    conversation = world.conversations[message.conversation_id]
    link = world.contact_inboxes[conversation.contact_inbox_id]
    text = webhook_text if in_webhook and world.version.normalises_webhook_text else _as_it_is
    body: Json = {
        "id": message.id,
        "content": text(message.content),
        "account_id": world.account.id,
        "inbox_id": message.inbox_id,
        "conversation_id": message.conversation_id,
        "message_type": int(message.message_type),
        "created_at": seconds(message.created_at),
        "updated_at": iso(message.updated_at),
        "private": message.private,
        "status": message.status,
        "source_id": message.source_id,
        "content_type": message.content_type,
        "content_attributes": message.content_attributes,
        "sender_type": type(message.sender).__name__ if message.sender else None,
        "sender_id": message.sender.id if message.sender else None,
        "external_source_ids": {},
        "additional_attributes": message.additional_attributes,
        "processed_message_content": text(message.template),
        "sentiment": {},
        "conversation": {
            "assignee_id": conversation.assignee_id,
            "unread_count": unread_count(conversation),
            "last_activity_at": seconds(conversation.last_activity_at),
            "contact_inbox": {"source_id": link.source_id},
        },
    }
    return body | _sender_and_attachments(world, message)


def _sender_and_attachments(world: World, message: Message) -> Json:
    """Both keys are absent rather than null."""
    body: Json = {}
    if message.sender is not None:
        body["sender"] = people.sender_pushed(message.sender)
    if message.attachments:
        body["attachments"] = attachments(world, message.attachments)
    return body


def attachments(world: World, files: Iterable[Attachment]) -> list[Json]:
    return [_attachment(world, file) for file in files]


def _attachment(world: World, file: Attachment) -> Json:
    base: Json = {
        "id": file.id,
        "message_id": file.message_id,
        "file_type": file.file_type,
        "account_id": world.account.id,
    }
    if file.details:
        return base | file.details
    storage = f"{world.base_url}/rails/active_storage"
    name = quote(file.filename)
    thumbnail = f"{storage}/representations/redirect/{file.id}/{name}" if file.file_type == "image" else ""
    body: Json = base | {
        "extension": file.filename.rpartition(".")[2] or None,
        "content_type": file.content_type,
        "data_url": f"{storage}/blobs/redirect/{file.id}/{name}",
        "thumb_url": thumbnail,
        "file_size": len(file.data),
        "width": None,
        "height": None,
    }
    return body | {"transcribed_text": file.transcript} if file.file_type == "audio" else body


def last(conversation: Conversation, *, activity: bool, private: bool) -> Message | None:
    """The newest message, counting activities and private notes or not."""
    return next(
        (
            message
            for message in reversed(conversation.messages)
            if (activity or not message.is_activity) and (private or not message.private)
        ),
        None,
    )


def unread_count(conversation: Conversation) -> int:
    """Customer messages that no agent has seen, 10 at most."""
    seen_at = conversation.agent_last_seen_at or 0
    unread = 0
    for message in reversed(conversation.messages):
        if message.created_at <= seen_at or unread == _UNREAD_AT_MOST:
            break
        unread += message.is_incoming
    return unread


def webhook_text(content: str | None) -> str | None:
    """The editor's line ends made plain: backslash + newline -> newline, newlines at the end cut."""
    return content.replace("\\\n", "\n").rstrip("\n") if content else content


def _as_it_is(content: str | None) -> str | None:
    return content
