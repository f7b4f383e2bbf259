"""What a graph asks at an `interrupt`, in words for people; and what they decide, in the shape that it asked for.

People answer where nobody but the team reads: in a private note. What they write to the customer decides nothing,
unless the graph says that this is its answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_MENTION = re.compile(r"^\s*@\w+[\s:,]*")
_YES = re.compile(r"^(yes|y|ok|okay|approved?|sure|sí|si|ja|oui|sim|👍|✅)[\s.!]*$", re.IGNORECASE)
_NO = re.compile(r"^(no|n|nope|rejected?|deny|denied|nein|non|não|👎|❌)\b[\s.!:,;-]*(.*)$", re.IGNORECASE | re.DOTALL)
_HOW = "Decide in a private note, `@bot yes` or `@bot no: why`, or in your own words; then give the conversation back."
_HOW_TO_CHOOSE = "Choose in a private note, by number or name; then give the conversation back."
_HOW_IN_PUBLIC = "Answer the customer, then give the conversation back: the bot goes on with what you said."
NOBODY = "Nobody of the team has decided."


def waits_for_the_customer(asked: Any) -> bool:
    """`interrupt({"question": "Which size?", "waits_for": "customer"})`: no people are called."""
    return isinstance(asked, Mapping) and asked.get("waits_for") == "customer"


def question_of(asked: Any) -> str:
    return str(asked.get("question") or asked.get("description") or "") if isinstance(asked, Mapping) else str(asked)


def in_words(asked: Any) -> str:
    """For a private note: the question, what is to be done as a table, and how to answer."""
    if choices := _choices(asked):
        listed = "\n".join(f"{number}. {choice}" for number, choice in enumerate(choices, 1))
        return f"{question_of(asked)}\n\n{listed}\n\n{_HOW_TO_CHOOSE}"
    how = _HOW_IN_PUBLIC if _is_public(asked) else _HOW
    requests = _requests(asked)
    if requests:
        return "\n\n".join([*(_table(str(name), arguments) for name, arguments in requests), how])
    others = {name: value for name, value in asked.items() if name not in _OURS} if isinstance(asked, Mapping) else {}
    parts = [question_of(asked), _rows(others) if others else "", how]
    return "\n\n".join(part for part in parts if part)


def decided(asked: Any, notes: Sequence[str], public: str) -> Any:
    """What `interrupt` returns.

    - of LangChain's HumanInTheLoopMiddleware `{"decisions": [...]}`, of LangGraph's `HumanInterrupt` responses;
    - with `choices`, the one that was named or numbered;
    - with `"answer": "text"` the words, with `"answer": "public"` those to the customer;
    - else True or False where people said yes or no, and their words where they said something else.

    Without a note it is no: rejected, False, or no words.
    """
    note = _MENTION.sub("", notes[-1]).strip() if notes else None
    answer = asked.get("answer") if isinstance(asked, Mapping) else None
    if answer in ("text", "public"):
        return public if answer == "public" else note or ""
    if isinstance(asked, Mapping) and "action_requests" in asked:
        return {"decisions": [_decision(note) for _ in _requests(asked)]}
    if isinstance(asked, list) and _requests(asked):
        return [_response(note) for _ in asked]
    if choices := _choices(asked):
        return _chosen(choices, note)
    if note is None or _NO.match(note):
        return False
    return True if _YES.match(note) else note


_OURS = ("question", "description", "answer", "waits_for", "choices", "options")


def _is_public(asked: Any) -> bool:
    return isinstance(asked, Mapping) and asked.get("answer") == "public"


def _decision(note: str | None) -> dict[str, Any]:
    if note is not None and _YES.match(note):
        return {"type": "approve"}
    return {"type": "reject", "message": _why_not(note)}


def _response(note: str | None) -> dict[str, Any]:
    if note is not None and _YES.match(note):
        return {"type": "accept", "args": None}
    return {"type": "response", "args": _why_not(note)} if note else {"type": "ignore", "args": None}


def _why_not(note: str | None) -> str:
    refused = _NO.match(note or "")
    if refused:
        return refused[2].strip() or "The team says no."
    return note or NOBODY


def _choices(asked: Any) -> list[str]:
    found = (asked.get("choices") or asked.get("options")) if isinstance(asked, Mapping) else None
    return [str(each) for each in found] if isinstance(found, list | tuple) else []


def _chosen(choices: Sequence[str], note: str | None) -> str:
    words = (note or "").strip().rstrip(".!")
    if words.isdecimal() and 0 < int(words) <= len(choices):
        return choices[int(words) - 1]
    return next((choice for choice in choices if choice.casefold() == words.casefold()), words)


def _requests(asked: Any) -> list[tuple[Any, Mapping[str, Any]]]:
    """The actions that wait, by name, with their arguments."""
    if isinstance(asked, Mapping):
        listed = asked.get("action_requests")
        found = [(each.get("name") or each.get("action"), each.get("args") or {}) for each in listed or ()]
    elif isinstance(asked, list):
        requests = [each.get("action_request") or {} for each in asked if isinstance(each, Mapping)]
        found = [(each.get("action") or each.get("name"), each.get("args") or {}) for each in requests]
    else:
        found = []
    return [(name, arguments) for name, arguments in found if name]


def _table(name: str, arguments: Mapping[str, Any]) -> str:
    return f"**{name}**\n\n{_rows(arguments)}" if arguments else f"**{name}**"


def _rows(values: Mapping[str, Any]) -> str:
    rows = (f"| {name} | {_cell(value)} |" for name, value in values.items())
    return "\n".join(["| | |", "|---|---|", *rows])


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text.replace("|", "\\|").replace("\n", " ")
