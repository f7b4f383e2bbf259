"""What customers sent, for models that see: images and PDFs as LangChain's content blocks.

They are fetched when a model is about to be asked, and stand in no state: a checkpoint holds where they are, no more.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from langchain_core.messages import BaseMessage, HumanMessage
from langgraph.config import get_config

from graph.said import Attachment, attachments_of

FILES = "__files"
"""The key in a config's `configurable` under which a turn's `Fetches` stands."""
IMAGE, PDF = "image", "pdf"
_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
"""What every model that sees takes."""


class File(Protocol):
    """A file's bytes, and what they are, such as "image/png"."""

    @property
    def content(self) -> bytes: ...

    @property
    def content_type(self) -> str: ...


Fetches = Callable[[str], File]
"""A file by its `data_url`. May raise whatever keeps it from being had."""


def seen(messages: Sequence[BaseMessage], *, kinds: Collection[str] = (IMAGE, PDF), most: int = 3) -> list[BaseMessage]:
    """The messages as a model is to be given them, with the customer's newest `most` images and PDFs to look at.

    For a node to call right before its model, `model.invoke(seen(state["messages"]))`: what it returns is not for the
    state. What cannot be had, or is of a kind that models do not take, is said so in its place. Outside of a turn, in a
    test say, nothing is fetched.
    """
    fetches = _of_this_turn()
    if fetches is None or not kinds:
        return list(messages)
    wanted = _newest(messages, kinds, most)
    return [
        _with_files(message, wanted[place], fetches) if place in wanted else message
        for place, message in enumerate(messages)
    ]


def once_each(fetches: Fetches) -> Fetches:
    """The same, which keeps what it has fetched: a model is asked several times in a turn."""
    kept: dict[str, File] = {}

    def fetch(url: str) -> File:
        if url not in kept:
            kept[url] = fetches(url)
        return kept[url]

    return fetch


def _of_this_turn() -> Fetches | None:
    try:
        found: Fetches | None = get_config().get("configurable", {}).get(FILES)
    except RuntimeError:  # no graph is running
        return None
    return found


def _newest(messages: Sequence[BaseMessage], kinds: Collection[str], most: int) -> Mapping[int, Sequence[Attachment]]:
    """By the messages' places, what of each is to be seen."""
    found = [
        (place, each)
        for place, message in enumerate(messages)
        if isinstance(message, HumanMessage)
        for each in attachments_of(message)
        if each.data_url and _kind(each) in kinds
    ]
    newest = found[-most:] if most > 0 else []
    return {place: [each for at, each in newest if at == place] for place, _ in newest}


def _kind(attachment: Attachment) -> str | None:
    is_pdf = attachment.content_type == "application/pdf" or (attachment.name or "").lower().endswith(".pdf")
    return IMAGE if attachment.kind == "image" else PDF if is_pdf else None


def _with_files(message: BaseMessage, files: Sequence[Attachment], fetches: Fetches) -> BaseMessage:
    words: list[Any] = [{"type": "text", "text": message.text}] if isinstance(message.content, str) else message.content
    return message.model_copy(update={"content": [*words, *(_block(each, fetches) for each in files)]})


def _block(attachment: Attachment, fetches: Fetches) -> dict[str, Any]:
    try:
        file = fetches(attachment.data_url or "")
    except Exception:  # noqa: BLE001 - the answer does not hang on it
        return _words(f"[{_kind(attachment)} that could not be loaded]")
    if file.content_type not in _IMAGES and file.content_type != "application/pdf":
        return _words(f"[{_kind(attachment)} that cannot be seen: {file.content_type}]")
    data = base64.b64encode(file.content).decode()
    if file.content_type in _IMAGES:
        return {"type": "image", "base64": data, "mime_type": file.content_type}
    name = attachment.name or "file.pdf"
    return {"type": "file", "base64": data, "mime_type": file.content_type, "extras": {"filename": name}}


def _words(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
