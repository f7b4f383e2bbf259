"""What POST messages is given, checked and coerced as Rails does it."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from sandbox import errors
from sandbox.version import Version
from sandbox.world import Json, MessageType

_CONTENT_AT_MOST = 150_000
_CONTENT_TYPES = (
    "text",
    "input_text",
    "input_textarea",
    "input_email",
    "input_select",
    "cards",
    "form",
    "article",
    "incoming_email",
    "input_csat",
    "integrations",
    "sticker",
    "voice_call",
)
_ITEM_KEYS = {
    "input_select": {"title", "value", "description"},
    "cards": {"title", "description", "media_url", "actions"},
    "form": {
        "type",
        "placeholder",
        "label",
        "name",
        "options",
        "default",
        "required",
        "pattern",
        "title",
        "pattern_error",
    },
    "article": {"title", "description", "link"},
}
_KEPT_BY_OLD_SERVERS = ("items", "in_reply_to", "automation_rule_id")
_FALSE = (False, None, 0, "", "0", "f", "F", "false", "FALSE", "off", "OFF")


@dataclass(frozen=True)
class File:
    filename: str
    content_type: str
    data: bytes
    details: Json = field(default_factory=dict)
    """A location's or a contact card's keys; then there is no file."""
    file_type: str | None = None


@dataclass(frozen=True)
class Draft:
    """A message to be stored."""

    content: str | None
    message_type: MessageType = MessageType.OUTGOING
    private: bool = False
    content_type: str = "text"
    content_attributes: Json = field(default_factory=dict)
    additional_attributes: Json = field(default_factory=dict)
    source_id: str | None = None
    files: tuple[File, ...] = ()


def file_of(given: Json) -> File:
    """An attachment as tests and the chat page describe it; `data` as bytes or base64."""
    details = {key: value for key, value in given.items() if key not in ("filename", "content_type", "data")}
    data = given.get("data", b"")
    return File(
        filename=given.get("filename", ""),
        content_type=given.get("content_type", ""),
        data=base64.b64decode(data) if isinstance(data, str) else data,
        file_type=details.pop("file_type", None),
        details=details,
    )


def draft_of(params: Json, files: tuple[File, ...], version: Version) -> Draft:
    """Raises Refused with Chatwoot's words for what it does not take."""
    content = _text(params.get("content"))
    if content is not None and "\0" in content:
        raise errors.unprocessable("string contains null byte")
    draft = Draft(
        content=content,
        message_type=_message_type(params.get("message_type")),
        private=_truth(params.get("private")),
        content_type=_content_type(params.get("content_type")),
        content_attributes=_content_attributes(params, version),
        additional_attributes={k: params[k] for k in ("template_params", "campaign_id") if params.get(k)},
        source_id=params.get("source_id"),
        files=files,
    )
    _check_items(draft)
    if content is not None and len(content) > _CONTENT_AT_MOST:
        limit = f"Content is too long (maximum is {_CONTENT_AT_MOST} characters)"
        raise errors.unprocessable(f"Validation failed: {limit}")
    return draft


def _text(content: Any) -> str | None:
    return content if content is None or isinstance(content, str) else ruby_inspect(content)


def ruby_inspect(value: Any) -> str:
    """What becomes of a content that is no string: Ruby's own notation."""
    if isinstance(value, dict):
        inside = (f"{ruby_inspect(key)}=>{ruby_inspect(item)}" for key, item in value.items())
        return "{" + ", ".join(inside) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(ruby_inspect(item) for item in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return str(value).lower()
    return "nil" if value is None else str(value)


def _truth(value: Any) -> bool:
    return value not in _FALSE


def _message_type(value: Any) -> MessageType:
    words = {kind.word: kind for kind in MessageType}
    if value in (None, ""):
        return MessageType.OUTGOING
    if value not in words:
        raise errors.unprocessable(f"'{value}' is not a valid message_type")
    return words[value]


def _content_type(value: Any) -> str:
    if value in (None, ""):
        return "text"
    if value not in _CONTENT_TYPES:
        raise errors.unprocessable(f"'{value}' is not a valid content_type")
    return str(value)


def _content_attributes(params: Json, version: Version) -> Json:
    attributes = params.get("content_attributes")
    if isinstance(attributes, str):
        attributes = _parsed(attributes)
    if not isinstance(attributes, dict):
        attributes = {}
    if not version.keeps_content_attributes:
        attributes = {key: attributes[key] for key in _KEPT_BY_OLD_SERVERS if key in attributes}
    created_at = params.get("external_created_at")
    return attributes if created_at is None else attributes | {"external_created_at": created_at}


def _parsed(text: str) -> Any:
    """Multipart bodies carry the attributes as a JSON string; what is none counts as nothing."""
    try:
        return json.loads(text)
    except ValueError:
        return {}


def _check_items(draft: Draft) -> None:
    allowed = _ITEM_KEYS.get(draft.content_type)
    items = draft.content_attributes.get("items")
    if allowed is None or not isinstance(items, list):
        return
    odd = [key for item in items if isinstance(item, dict) for key in item if key not in allowed]
    if odd:
        keys = ", ".join(f":{key}" for key in odd)
        raise errors.unprocessable(f"Validation failed: Content attributes contains invalid keys for items : [{keys}]")
