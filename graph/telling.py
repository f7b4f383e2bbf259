"""What was said, as a change of a graph's memory: what LangGraph's `add_messages` makes of what it holds."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, RemoveMessage
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from graph import history
from graph.said import PERSON, Said, marked

_NOT_REMEMBERED = ("deleted", "note", "sent")
"""A note is for the team, and for the graph that asked them."""


def coming(new: Sequence[Said]) -> int:
    """How many messages it adds."""
    return sum(each.by not in _NOT_REMEMBERED for each in new)


def begun(messages: Sequence[BaseMessage], staying: Sequence[BaseMessage], new: Sequence[Said]) -> list[BaseMessage]:
    """What a turn begins with: of the `messages` that are there those that stay, and what is new."""
    kept = set(map(id, staying))
    sent = {message.id: message for message in marked(staying, _sent(new))}
    told = history.opened(_told(new)) if all(message.type == "system" for message in staying) else _told(new)
    if [id(message) for message in messages if id(message) in kept] == list(map(id, staying)):
        gone = [RemoveMessage(id=str(message.id)) for message in messages if id(message) not in kept]
        return [*gone, *sent.values(), *told]
    return [RemoveMessage(id=REMOVE_ALL_MESSAGES), *(sent.get(each.id, each) for each in staying), *told]


def added(messages: Sequence[BaseMessage], new: Sequence[Said]) -> list[BaseMessage]:
    """What is told in the midst of a turn."""
    return [*_forgotten(messages, new), *marked(messages, _sent(new)), *_told(new)]


def in_vain(messages: Sequence[BaseMessage], said: Sequence[Said]) -> set[str | None]:
    """The ids of what is said again, since its answer was withheld or failed, and of answers that nobody has heard."""
    again = {each.id for each in said}
    first = next((index for index, message in enumerate(messages) if message.id in again), len(messages))
    unheard = [each for each in messages[first:] if isinstance(each, AIMessage) and each.name != PERSON]
    if any(message.type == "human" and message.id not in again for message in messages[first:]):
        unheard = []  # the conversation has gone on since
    return {message.id for message in messages if message.id in again} | {message.id for message in unheard}


def _told(new: Sequence[Said]) -> list[BaseMessage]:
    return [each.as_message() for each in new if each.by not in _NOT_REMEMBERED]


def _sent(new: Sequence[Said]) -> list[Said]:
    return [each for each in new if each.by == "sent"]


def _forgotten(messages: Sequence[BaseMessage], new: Sequence[Said]) -> list[RemoveMessage]:
    gone = {each.id for each in new if each.by == "deleted"}
    if not any(message.id in gone for message in messages):
        return []
    staying = set(map(id, history.trimmed([each for each in messages if each.id not in gone], len(messages))))
    return [RemoveMessage(id=str(message.id)) for message in messages if id(message) not in staying]
