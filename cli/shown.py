"""What a graph wants, in lines for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from textwrap import indent

from graph.outcome import Attributes, HandOver, Labels, Later, Note, Outcome, Reply, Resolve, Silence, Want


def lines(outcome: Outcome) -> Iterator[str]:
    """What the customer hears as `bot: ...`, all else as `-> ...`."""
    for want in outcome:
        if isinstance(want, Reply):
            yield _hung(f"bot: {want.text}")
            yield from _beside(want)
        else:
            if isinstance(want, HandOver) and want.closing:
                yield _hung(f"bot: {want.closing}")
            yield _hung(f"-> {_named(want)}")


def _beside(reply: Reply) -> Iterator[str]:
    if reply.in_reply_to is not None:
        yield f"     (answers message {reply.in_reply_to})"
    if reply.quick_replies:
        yield f"     {' '.join(f'[{each}]' for each in reply.quick_replies)}"
    for file in reply.files:
        yield f"     (file {file.name}, {file.content_type}, {len(file.content)} bytes)"


def _named(want: Want) -> str:
    match want:
        case HandOver():
            to = [f"team {want.team_id}"] if want.team_id else []
            to += [f"agent {want.assignee_id}"] if want.assignee_id else []
            return f"{' '.join(['hand over', *(f'to {each}' for each in to)])}: {want.reason}"
        case Later():
            unless = ", unless they write" if want.unless_they_write else ""
            return f"later, in {want.after_s:g} s{unless}: {want.text}"
        case Note():
            return f"note: {want.text}"
        case Labels():
            return f"labels: {' '.join([*(f'+{each}' for each in want.add), *(f'-{each}' for each in want.remove)])}"
        case Attributes():
            return f"attributes: {json.dumps(dict(want.values), ensure_ascii=False)}"
        case Resolve():
            return "resolve"
        case Silence():
            return f"silence: {want.reason}"
    raise AssertionError(want)


def _hung(text: str) -> str:
    """Its further lines below the first word."""
    first, *rest = text.split("\n")
    return "\n".join([first, *(indent(line, "     ") for line in rest)])
