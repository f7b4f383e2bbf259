"""What customers sent is given to a model to look at, and to nobody else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from langchain_core.language_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.block_translators.openai import convert_to_openai_data_block
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

from graph.agent import build, factory
from graph.media import seen
from graph.said import Said
from graph.thinking import Thinker

PHOTO = {"kind": "image", "data_url": "https://chat/photo.png", "name": "photo.png"}
MENU = {"kind": "file", "data_url": "https://chat/menu.pdf", "name": "menu.pdf"}
SONG = {"kind": "audio", "data_url": "https://chat/song.ogg", "name": "song.ogg"}
TYPES = {"png": "image/png", "pdf": "application/pdf", "heic": "image/heic", "html": "text/html"}


@dataclass(frozen=True)
class File:
    content: bytes
    content_type: str


class Chatwoot:
    """Where files are fetched."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    def fetch(self, url: str) -> File:
        self.asked[url] += 1
        if "gone" in url:
            raise RuntimeError("404 for the customer's secret")
        return File(url.encode(), TYPES[url.rpartition(".")[2]])


class Eyes:
    """A graph with two models that look, one after the other."""

    def __init__(self, **how: Any) -> None:
        self.how = how
        self.looked_at: list[list[BaseMessage]] = []
        self.chatwoot = Chatwoot()
        builder = StateGraph(MessagesState)
        builder.add_node("first", self._look)
        builder.add_node("second", self._look)
        builder.add_edge(START, "first")
        builder.add_edge("first", "second")
        self.thinker = Thinker(builder.compile(InMemorySaver()), history_limit=40, files=self.chatwoot.fetch)

    def _look(self, state: MessagesState) -> Any:
        self.looked_at.append(seen(state["messages"], **self.how))
        return {"messages": [AIMessage("I see")]}

    def turn(self, id: int, text: str, *attachments: dict[str, Any]) -> list[Any]:
        """What the second model was given to look at, in the customer's messages."""
        self.thinker.think("t", f"m{id}", [Said(f"chatwoot:{id}", text, attachments=attachments, place=id)])
        contents = [each.content for each in self.looked_at[-1] if each.type == "human"]
        return [block for each in contents if isinstance(each, list) for block in each]


def test_photos_and_pdfs_stand_beside_the_words() -> None:
    eyes = Eyes()
    words, photo, menu = eyes.turn(1, "What is this?", PHOTO, MENU, SONG)
    assert words == {"type": "text", "text": "What is this?"}
    assert (photo["type"], photo["mime_type"]) == ("image", "image/png")
    assert (menu["type"], menu["extras"]) == ("file", {"filename": "menu.pdf"})
    assert eyes.chatwoot.asked == {PHOTO["data_url"]: 1, MENU["data_url"]: 1}  # for both models


def test_as_a_providers_package_sends_them() -> None:
    _, photo, menu = Eyes().turn(1, "What is this?", PHOTO, MENU)
    assert convert_to_openai_data_block(photo)["image_url"]["url"].startswith("data:image/png;base64,")
    assert convert_to_openai_data_block(menu)["file"]["filename"] == "menu.pdf"


def test_nothing_of_them_is_kept() -> None:
    eyes = Eyes()
    eyes.turn(1, "What is this?", PHOTO)
    state = eyes.thinker.graph.get_state({"configurable": {"thread_id": "t"}})
    assert [each.content for each in state.values["messages"]] == ["What is this?", "I see", "I see"]


def test_the_newest_are_seen_also_in_later_turns() -> None:
    eyes = Eyes(most=2)
    eyes.turn(1, "one", PHOTO | {"data_url": "https://chat/1.png"})
    eyes.turn(2, "two", PHOTO | {"data_url": "https://chat/2.png"}, PHOTO | {"data_url": "https://chat/3.png"})
    eyes.chatwoot.asked.clear()
    assert len(eyes.turn(3, "What did I send?")) == 3
    assert set(eyes.chatwoot.asked) == {"https://chat/2.png", "https://chat/3.png"}


@pytest.mark.parametrize(
    ("attachment", "words"),
    [
        (PHOTO | {"data_url": "https://chat/gone.png"}, "[image that could not be loaded]"),
        (PHOTO | {"data_url": "https://chat/photo.heic"}, "[image that cannot be seen: image/heic]"),
        (MENU | {"data_url": "https://chat/menu.html"}, "[pdf that cannot be seen: text/html]"),
    ],
)
def test_what_cannot_be_seen_is_said(attachment: dict[str, Any], words: str) -> None:
    assert Eyes().turn(1, "What is this?", attachment)[1:] == [{"type": "text", "text": words}]


@pytest.mark.parametrize(("how", "count"), [({"kinds": ("image",)}, 2), ({"kinds": ()}, 0), ({"most": 0}, 0)])
def test_only_what_is_asked_for(how: dict[str, Any], count: int) -> None:
    assert len(Eyes(**how).turn(1, "What is this?", PHOTO, MENU)) == count


def test_outside_of_a_turn_nothing_is_fetched() -> None:
    message = Said("chatwoot:1", "What is this?", attachments=(PHOTO,)).as_message()
    assert seen([message]) == [message]


@pytest.mark.parametrize(
    ("sees", "profile", "kinds"),
    [
        ("auto", {"image_inputs": True, "pdf_inputs": False}, ["image"]),
        ("auto", {"image_inputs": True, "pdf_inputs": True}, ["image", "pdf"]),
        ("auto", None, []),
        ("image,pdf", None, ["image", "pdf"]),
    ],
)
def test_the_bundled_agent_sees_what_its_model_can(sees: str, profile: Any, kinds: list[str]) -> None:
    assert factory._kinds(sees, FakeMessagesListChatModel(responses=[], profile=profile)) == kinds


def test_the_bundled_agent_shows_its_model_what_came() -> None:
    shown: list[Any] = []

    class Model(FakeMessagesListChatModel):
        def bind_tools(self, *_: Any, **__: Any) -> Any:
            return self

        def _generate(self, messages: Any, *args: Any, **more: Any) -> Any:
            shown.extend(messages)
            return super()._generate(messages, *args, **more)

    graph = build(Model(responses=[AIMessage("A cake")]), sees=["image"])
    graph.checkpointer = InMemorySaver()
    thinker = Thinker(graph, history_limit=40, files=Chatwoot().fetch)
    thinker.think("t", "m1", [Said("chatwoot:1", "What is this?", attachments=(PHOTO,))])
    assert [block["type"] for block in shown[-1].content] == ["text", "image"]
