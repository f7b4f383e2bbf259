"""Finding conversations: what the lists take, and in which order they give it."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox import errors
from sandbox.contacts import as_id
from sandbox.conversations import PRIORITIES
from sandbox.world import AgentBot, Conversation, Json, User, World

PER_PAGE = 25
_SORT_BY = ("last_activity_at", "created_at", "priority", "waiting_since")
_FILTERABLE = (
    "status",
    "assignee_id",
    "inbox_id",
    "team_id",
    "contact_id",
    "display_id",
    "priority",
    "labels",
    "created_at",
    "last_activity_at",
)


def asked_for(world: World, conversations: list[Conversation], args: Mapping[str, str]) -> list[Conversation]:
    """Those that match the query, in its order. Without a status: the open ones."""
    tests: list[Callable[[Conversation], bool]] = []
    status = args.get("status", "open")
    if status != "all":
        tests.append(lambda each: each.status == status)
    if args.get("inbox_id"):
        tests.append(lambda each: each.inbox_id == as_id(args["inbox_id"]))
    if args.get("team_id"):
        tests.append(lambda each: each.team_id == as_id(args["team_id"]))
    if args.get("labels[]"):
        tests.append(lambda each: args["labels[]"] in each.label_list)
    if args.get("source_id"):
        tests.append(lambda each: world.contact_inboxes[each.contact_inbox_id].source_id == args["source_id"])
    if args.get("q"):
        tests.append(lambda each: _says(each, args["q"].lower()))
    if args.get("updated_within"):
        since = time.time() - as_id(args["updated_within"])
        tests.append(lambda each: each.updated_at > since)
    found = [each for each in conversations if all(test(each) for test in tests)]
    return _sorted(found, args.get("sort_by", ""))


def by_assignee(
    conversations: list[Conversation], who: User | AgentBot, assignee_type: str | None
) -> list[Conversation]:
    match assignee_type:
        case "me":
            return [each for each in conversations if isinstance(who, User) and each.assignee_id == who.id]
        case "assigned":
            return [each for each in conversations if _has_assignee(each)]
        case "unassigned":
            return [each for each in conversations if not _has_assignee(each)]
        case _:
            return conversations


def page_of(conversations: list[Conversation], page: int) -> list[Conversation]:
    return conversations[(page - 1) * PER_PAGE : page * PER_PAGE]


def filtered(world: World, conversations: list[Conversation], conditions: list[Json]) -> list[Conversation]:
    for condition in conditions:
        key = condition.get("attribute_key")
        if key not in _FILTERABLE:
            allowed = ",".join(_FILTERABLE)
            raise errors.unprocessable(
                f"Invalid attribute key - [{key}]. The key should be one of [{allowed}] "
                "or a custom attribute defined in the account."
            )
    return _sorted([each for each in conversations if _meets_all(each, conditions)], "")


def _has_assignee(conversation: Conversation) -> bool:
    return bool(conversation.assignee_id or conversation.assignee_agent_bot_id)


def _says(conversation: Conversation, text: str) -> bool:
    return any(text in (message.content or "").lower() for message in conversation.messages)


def _sorted(conversations: list[Conversation], sort_by: str) -> list[Conversation]:
    """Newest activity first where the order is none that Chatwoot knows. What has no value stands last."""
    name, _, direction = sort_by.rpartition("_")
    if name not in _SORT_BY or direction not in ("asc", "desc"):
        name, direction = "last_activity_at", "desc"
    sign = 1 if direction == "asc" else -1
    return sorted(conversations, key=lambda each: _place(each, name, sign))


def _place(conversation: Conversation, name: str, sign: int) -> tuple[bool, float]:
    value = getattr(conversation, name)
    if name == "priority":
        value = PRIORITIES.index(value) if value else None
    return (value is None, sign * (value or 0))


def _meets_all(conversation: Conversation, conditions: list[Json]) -> bool:
    meets = True
    operator = "and"
    for condition in conditions:
        this = _meets(conversation, condition)
        meets = meets or this if operator == "or" else meets and this
        operator = str(condition.get("query_operator") or "and").lower()
    return meets


def _meets(conversation: Conversation, condition: Json) -> bool:
    actual = _values(conversation, str(condition["attribute_key"]))
    wanted = [_comparable(value) for value in condition.get("values") or []]
    match condition.get("filter_operator"):
        case "equal_to":
            return "all" in wanted or any(value in wanted for value in actual)
        case "not_equal_to":
            return all(value not in wanted for value in actual)
        case "is_greater_than":
            return any(float(value) > _moment(wanted[0]) for value in actual)
        case "is_less_than":
            return any(float(value) < _moment(wanted[0]) for value in actual)
        case "is_present":
            return bool(actual)
        case "is_not_present":
            return not actual
        case _:
            raise errors.unprocessable("Invalid filter operator")


def _values(conversation: Conversation, key: str) -> list[Any]:
    if key == "labels":
        return list(conversation.label_list)
    value = getattr(conversation, "id" if key == "display_id" else key)
    return [] if value is None else [_comparable(value)]


def _comparable(value: Any) -> str:
    return str(value)


def _moment(day: str) -> float:
    try:
        return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise errors.unprocessable("Invalid value") from error
