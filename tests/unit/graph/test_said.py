"""What people send reaches the graph as typed values, and survives the memory."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

from graph.outcome import Reply
from graph.said import PERSON, Attachment, Said, attachments_of, marked, quoted, quoted_by, sent_as
from graph.thinking import Thinker

PHOTO = {"kind": "image", "data_url": "https://chat.example.com/photo.png", "name": "photo.png", "size_bytes": 3}
PLACE = {"kind": "location", "latitude": 41.4, "longitude": 2.17, "title": "Sagrada Família"}


def test_attachments_are_typed_values() -> None:
    message = Said("10", "look", attachments=(PHOTO, PLACE)).as_message()
    assert attachments_of(message) == (
        Attachment("image", data_url="https://chat.example.com/photo.png", name="photo.png"),
        Attachment("location", latitude=41.4, longitude=2.17, title="Sagrada Família"),
    )


def test_a_message_without_text_says_what_came() -> None:
    assert Said("10", "", attachments=(PHOTO, PLACE)).as_message().text == "[image] [location]"


def test_a_quote_names_what_it_answers() -> None:
    assert quoted_by(Said("10", "this one", in_reply_to="chatwoot:9").as_message()) == "chatwoot:9"
    assert quoted_by(Said("10", "no quote").as_message()) is None


def test_what_is_quoted() -> None:
    said = [HumanMessage("Hi", id="chatwoot:1"), AIMessage("A very long answer", id="a"), AIMessage("Bye", id="b")]
    sent = [Said("chatwoot:2", "a", "sent"), Said("chatwoot:3", "a", "sent"), Said("chatwoot:4", "b\nc", "sent")]
    known = {str(each.id): each for each in (*said, *marked(said, sent), *marked(marked(said, sent), sent))}.values()
    assert [sent_as(each) for each in known] == [(), ("chatwoot:2", "chatwoot:3"), ("chatwoot:4",)]
    quotes = [Said("chatwoot:9", "this", in_reply_to=f"chatwoot:{id}").as_message() for id in (1, 2, 3, 4, 5)]
    found = [quoted(each, known) for each in quotes]
    assert [each and each.text for each in found] == ["Hi", "A very long answer", "A very long answer", "Bye", None]
    assert quoted(Said("chatwoot:9", "no quote").as_message(), known) is None


def test_a_person_of_the_team_is_not_the_customer() -> None:
    message = Said("10", "Hola, soy Pablo", by="person").as_message()
    assert (type(message), message.name) == (AIMessage, PERSON)
    assert type(Said("11", "Hola").as_message()) is HumanMessage


def test_what_came_is_there_at_the_next_turn() -> None:
    seen: list[Any] = []

    def looking(state: MessagesState) -> Any:
        seen.append([attachments_of(message) for message in state["messages"]])
        return {"messages": [AIMessage("seen")]}

    builder = StateGraph(MessagesState)
    builder.add_node("looking", looking)
    builder.add_edge(START, "looking")
    thinker = Thinker(builder.compile(checkpointer=InMemorySaver()), 40)
    assert thinker.think("t", "m1", [Said("1", "", attachments=(PHOTO,))]) == (Reply("seen"),)
    thinker.think("t", "m2", [Said("2", "and now?")])
    assert seen[1][0][0].data_url == PHOTO["data_url"]
