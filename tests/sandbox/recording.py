"""Recordings of a real Chatwoot, and bodies made comparable: what differs from server to server gets a name."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "recorded"

_TIMES = frozenset(
    {
        "created_at",
        "updated_at",
        "timestamp",
        "last_activity_at",
        "agent_last_seen_at",
        "assignee_last_seen_at",
        "contact_last_seen_at",
        "waiting_since",
        "first_reply_created_at",
        "snoozed_until",
    }
)
_SECRETS = frozenset(
    {
        "access_token",
        "secret",
        "hmac_token",
        "pubsub_token",
        "website_token",
        "inbox_identifier",
        "token",
        "webhook_verify_token",
        "web_widget_script",
        "api_key",
        "uuid",
        "source_id",
        "forward_to_email",
    }
)
_ID_KEYS = {
    "conversation_id": "conversation",
    "display_id": "conversation",
    "contact_id": "contact",
    "message_id": "message",
    "in_reply_to": "message",
}
# Numbered by tables that no body links to, or true for a moment only (who is online, whether a picture was measured).
_IGNORED = frozenset({"contact_inbox_id", "availability_status", "width", "height"})
# What a webhook says of the moment when it was built, which is another one here.
_OF_THE_MOMENT = frozenset({"unread_count", "waiting_since"})


def load(name: str) -> list[dict[str, Any]]:
    recorded = json.loads(next(FOLDER.glob(f"{name}-*.json")).read_text())
    steps: list[dict[str, Any]] = recorded["steps"]
    return steps


@dataclass
class Names:
    """The ids of one server, each named by its kind and the order in which it was first seen."""

    _names: dict[tuple[str, int], str] = field(default_factory=dict)
    _ids: dict[str, int] = field(default_factory=dict)

    def of(self, kind: str, number: int) -> str:
        if (kind, number) not in self._names:
            name = f"{kind} {sum(1 for seen, _ in self._names if seen == kind) + 1}"
            self._names[kind, number] = name
            self._ids[name] = number
        return self._names[kind, number]

    def known(self, kind: str, number: int) -> str:
        return self._names.get((kind, number), f"{kind} not seen before")

    def id_of(self, name: str) -> int:
        """The id here; one that was never seen stays as it is."""
        return self._ids.get(name, 0)


def comparable(body: Any, names: Names, *, in_webhook: bool = False) -> Any:
    """`body` with nothing left in it that differs from server to server."""
    return _Comparison(names, in_webhook).of(body, "", None)


@dataclass(frozen=True)
class _Comparison:
    names: Names
    in_webhook: bool

    def of(self, value: Any, key: str, owner: dict[str, Any] | None) -> Any:
        if isinstance(value, dict):
            return self._of_object(value, key)
        if isinstance(value, list):
            return [self.of(each, key, owner) for each in value]
        if key in _SECRETS and isinstance(value, str):
            return "secret"
        if key in _TIMES:
            return self._of_time(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return self._of_number(value, key, owner)
        return _of_text(value, key) if isinstance(value, str) else value

    def _of_object(self, value: dict[str, Any], key: str) -> Any:
        if set(value) == {"previous_value", "current_value"}:
            return {name: self.of(each, key, None) for name, each in sorted(value.items())}
        skipped = _IGNORED | (_OF_THE_MOMENT if self.in_webhook else frozenset())
        return {name: self.of(each, name, value) for name, each in sorted(value.items()) if name not in skipped}

    def _of_time(self, value: Any) -> Any:
        return value if value in (None, 0) else f"time as {type(value).__name__}"

    def _of_number(self, value: int, key: str, owner: dict[str, Any] | None) -> Any:
        kind = _ID_KEYS.get(key) or (_kind(key, owner) if owner else None)
        if kind is None:
            return value
        if kind == "unlinked":
            return "id"
        return self.names.known(kind, value) if self.in_webhook else self.names.of(kind, value)


def _kind(key: str, owner: dict[str, Any]) -> str | None:
    """What a number identifies, if it does. The ids of 00-setup (users, inboxes...) are the same anywhere."""
    if key == "sender_id" and owner.get("sender_type") == "Contact":
        return "contact"
    if key != "id":
        return None
    if "message_type" in owner:
        return "message"
    if "phone_number" in owner and "identifier" in owner:
        return "contact"
    if "can_reply" in owner:
        return "conversation"
    return "unlinked" if "pubsub_token" in owner or "file_type" in owner or "owner_type" in owner else None


def _of_text(value: str, key: str) -> str:
    if key == "content":
        return re.sub(r"\d+", "#", value)  # {{conversation.display_id}} is another one here
    if value.startswith("<!DOCTYPE"):
        return "a page"
    value = re.sub(r"http://127\.0\.0\.1:\d+(/rails/.*)?", "http://here", value)
    return re.sub(r"conversation/[0-9a-f-]{36}/messages/\d+@", "conversation/…/messages/#@", value)


def at_one_moment(one: Any, other: Any) -> bool:
    """Whether two webhooks show the same message as the conversation's last."""
    return bool(_last_message(one) == _last_message(other))


def without_last_message(body: Any) -> Any:
    conversation = body.get("conversation", body)
    conversation.pop("messages", None)
    return body


def _last_message(body: Any) -> Any:
    messages = body.get("conversation", body).get("messages") or [{}]
    return messages[0].get("id")


def differences(recorded: Any, live: Any, where: str = "body") -> list[str]:
    if isinstance(recorded, dict) and isinstance(live, dict):
        return _differing_objects(recorded, live, where)
    if isinstance(recorded, list) and isinstance(live, list) and len(recorded) == len(live):
        pairs = enumerate(zip(recorded, live, strict=True))
        return [each for i, (a, b) in pairs for each in differences(a, b, f"{where}[{i}]")]
    same = type(recorded) is type(live) and recorded == live
    return [] if same else [f"{where}: {_short(live)} where Chatwoot has {_short(recorded)}"]


def _differing_objects(recorded: dict[str, Any], live: dict[str, Any], where: str) -> list[str]:
    lacks = [f"{where} lacks {key}" for key in recorded.keys() - live.keys()]
    has = [f"{where} has {key}, Chatwoot has not" for key in live.keys() - recorded.keys()]
    both = [
        each
        for key in recorded.keys() & live.keys()
        for each in differences(recorded[key], live[key], f"{where}.{key}")
    ]
    return [*lacks, *has, *both]


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:80]
