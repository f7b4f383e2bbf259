"""Changing a record, and telling the change as Rails tells it: `[{attribute: {previous_value, current_value}}]`."""

import time
from typing import Any

from sandbox.clock import iso
from sandbox.world import Contact, Conversation, Json

_TIMES = frozenset(
    {"created_at", "updated_at", "last_activity_at", "snoozed_until", "waiting_since", "first_reply_created_at"}
)
# The order of the columns in Chatwoot's database, which is the order of its changed_attributes.
_COLUMNS = (
    "name",
    "email",
    "phone_number",
    "status",
    "assignee_id",
    "updated_at",
    "display_id",
    "additional_attributes",
    "identifier",
    "team_id",
    "snoozed_until",
    "custom_attributes",
    "last_activity_at",
    "blocked",
    "first_reply_created_at",
    "priority",
    "waiting_since",
    "cached_label_list",
    "assignee_agent_bot_id",
    "label_list",
)


def change(record: Contact | Conversation, **values: Any) -> list[Json]:
    """Set what differs and return it as changed_attributes; [] if nothing differs."""
    differing = {name: value for name, value in values.items() if getattr(record, name) != value}
    if not differing:
        return []
    differing["updated_at"] = time.time()
    told = []
    for name in sorted(differing, key=_COLUMNS.index):
        told.append(describe(name, getattr(record, name), differing[name]))
        setattr(record, name, differing[name])
    return told


def describe(name: str, before: Any, after: Any) -> Json:
    if name in _TIMES:
        before, after = iso(before), iso(after)
    return {name: {"previous_value": before, "current_value": after}}


def in_column_order(changed: list[Json]) -> list[Json]:
    return sorted(changed, key=lambda attribute: _COLUMNS.index(next(iter(attribute))))
