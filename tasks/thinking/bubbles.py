"""A reply as the messages that the customer's channel takes: so long, with so many buttons, a file at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chatwoot.channels import Channel
from chatwoot.liquid import escaped
from graph.outcome import File, Reply
from tasks.thinking.text import in_parts

_CUT = "…"


@dataclass(frozen=True)
class Bubble:
    """One message."""

    text: str = ""
    quick_replies: tuple[str, ...] = ()
    files: tuple[File, ...] = ()


def bubbles(reply: Reply, channel: Channel, limit: int) -> Iterator[Bubble]:
    """In the order in which they are to be read: words, files, and last the question with its buttons.

    `limit`: characters of a message, where the channel does not take fewer.
    """
    # A question without words has no buttons to hang on.
    quick_replies = _as_buttons(reply.quick_replies, channel) if reply.text.strip() else ()
    numbered = () if quick_replies else reply.quick_replies
    parts = list(
        _parts("\n".join([reply.text, *_numbered(numbered)]).strip(), channel, limit, asks=bool(quick_replies))
    )
    if channel.files_in_a_message is None:
        yield from _with_all_files(parts, quick_replies, reply.files)
    else:
        yield from _with_a_file_each(parts, quick_replies, reply.files, channel)


def joined(replies: Sequence[Reply]) -> Reply:
    """Several replies as one, where each message is a letter of its own."""
    return Reply(
        "\n\n".join(reply.text for reply in replies if reply.text.strip()),
        tuple(choice for reply in replies for choice in reply.quick_replies),
        next((reply.in_reply_to for reply in replies if reply.in_reply_to), None),
        tuple(file for reply in replies for file in reply.files),
        tuple(id for reply in replies for id in reply.said_as),
    )


def _parts(text: str, channel: Channel, limit: int, *, asks: bool) -> Iterator[str]:
    """The last one holds what a message with buttons may."""
    most = min(limit, channel.characters or limit)
    *before, last = list(in_parts(escaped(text), most, in_bytes=channel.counts_bytes)) or [""]
    yield from before
    if last:
        yield from in_parts(last, min(most, channel.question or most) if asks else most, in_bytes=channel.counts_bytes)


def _with_all_files(parts: Sequence[str], quick_replies: tuple[str, ...], files: tuple[File, ...]) -> Iterator[Bubble]:
    words = list(parts) or ([""] if files else [])
    for number, text in enumerate(words, 1):
        is_last = number == len(words)
        yield Bubble(text, quick_replies if is_last else (), files if is_last else ())


def _with_a_file_each(
    parts: Sequence[str], quick_replies: tuple[str, ...], files: tuple[File, ...], channel: Channel
) -> Iterator[Bubble]:
    words = list(parts)
    question = Bubble(words.pop(), quick_replies) if quick_replies and words else None
    caption = words.pop() if files and words and _is_caption(words[-1], files[0], channel) else ""
    yield from map(Bubble, words)
    for number, file in enumerate(files):
        yield Bubble(caption if number == 0 else "", files=(file,))
    if question is not None:
        yield question


def _is_caption(text: str, file: File, channel: Channel) -> bool:
    """Audio has none: WhatsApp drops the words."""
    return not file.content_type.startswith("audio/") and len(text) <= (channel.caption or len(text))


def _as_buttons(choices: tuple[str, ...], channel: Channel) -> tuple[str, ...]:
    """As buttons, or rows of a list; none where the channel does not take so many, or cut they are not told apart."""
    if channel.rows is None or not choices:
        return choices
    if len(choices) > channel.rows:
        return ()
    most = channel.button_characters if len(choices) <= (channel.buttons or 0) else channel.row_characters
    cut = tuple(_shortened(choice, most or len(choice)) for choice in choices)
    return cut if len(set(cut)) == len(cut) else ()


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - len(_CUT)].rstrip() + _CUT


def _numbered(choices: Sequence[str]) -> list[str]:
    return [f"{number}. {choice}" for number, choice in enumerate(choices, 1)]
