"""What a graph wants besides saying something: put into its state, and found there again."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import START, MessagesState, StateGraph

from graph import wants
from graph.outcome import Attributes, File, HandOver, Labels, Later, Note, Outcome, Reply, Resolve, Silence, Want
from graph.said import Said
from graph.thinking import Thinker
from graph.wants import BadWant, TalkState, wanted, wants_of

ROOT = Path(__file__).parents[3]

EACH: tuple[Want, ...] = (
    Reply("Which one?", ("A", "B"), 7, (File("a.txt", b"\x00\xff", "text/plain"),)),
    HandOver("asks for a person", team_id=2, assignee_id=3, closing="A colleague goes on."),
    Later("Are you still there?", after_s=600, unless_they_write=True),
    Note("prefers the morning"),
    Labels(add=("new",), remove=("old",)),
    Attributes({"size": 42}),
    Resolve(),
    Silence("only thanks"),
)
NEVER = {"want": "later", "text": "in a year", "after_s": 365 * 24 * 3600}


@pytest.mark.parametrize("want", EACH, ids=lambda want: type(want).__name__)
def test_it_survives_a_checkpoint_that_allows_nothing_but_plain_values(want: Want) -> None:
    strict = JsonPlusSerializer(allowed_msgpack_modules=None)
    values = strict.loads_typed(strict.dumps_typed({"wants": wanted(want)}))
    assert wants_of(values) == (want,)


def test_all_but_files_are_plain_json() -> None:
    assert json.loads(json.dumps(wanted(*EACH[1:]))) == wanted(*EACH[1:])


@pytest.mark.parametrize(
    "value", ["hand_over", {}, {"want": "fly"}, {"want": "note"}, {"want": "note", "texts": "x"}, NEVER]
)
def test_what_means_nothing_is_an_error(value: object) -> None:
    with pytest.raises(BadWant):
        wants_of({"wants": [value]})


def test_a_graph_without_the_channel_wants_nothing_besides() -> None:
    assert wants_of({"messages": []}) == ()
    builder = StateGraph(MessagesState)
    builder.add_node("node", lambda state: {"messages": [AIMessage("Hola")]})
    builder.add_edge(START, "node")
    assert wants.none_yet(builder.compile()) == {}


@pytest.mark.parametrize("state", [TalkState, "a list that each writer replaces"])
def test_a_turn_begins_with_nothing_wanted(state: Any) -> None:
    class Replaced(MessagesState):
        wants: list[dict[str, Any]]

    builder = StateGraph(state if state is TalkState else Replaced)
    builder.add_node("node", lambda state: {})
    builder.add_edge(START, "node")
    graph = builder.compile()
    old: Any = {"wants": wanted(Note("old"))}
    assert wants_of(graph.invoke(old)) == (Note("old"),)
    assert wants_of(graph.invoke(wants.none_yet(graph))) == ()


class TestOutcome:
    def test_what_was_said_comes_first(self) -> None:
        assert outcome("Hola", Note("n")) == (Reply("Hola"), Note("n"))

    def test_a_reply_with_buttons_takes_the_place_of_the_message_that_says_the_same(self) -> None:
        asked = Reply("Which one?", quick_replies=("A", "B"))
        assert outcome("Hola", "Which one?", asked, Note("n")) == (Reply("Hola"), asked, Note("n"))

    def test_a_reply_that_no_message_says_comes_after_them(self) -> None:
        assert outcome("Hola", Reply("Adiós")) == (Reply("Hola"), Reply("Adiós"))

    def test_silence_keeps_back_what_would_be_said_and_nothing_else(self) -> None:
        silence = Silence("only thanks")
        hand_over = HandOver("angry", closing="Sorry.")
        assert outcome("Hola", silence, Reply("x"), hand_over) == (silence, HandOver("angry"))


def outcome(*said_or_wanted: str | Want) -> Outcome:
    replies = [Reply(each) for each in said_or_wanted if isinstance(each, str)]
    return wants.outcome(replies, [each for each in said_or_wanted if not isinstance(each, str)])


class TestInAConversation:
    @pytest.fixture
    def example(self) -> Thinker:
        """The graph that docs/graphs.md shows."""
        blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/graphs.md").read_text(), re.DOTALL)
        code = next(block for block in blocks if "quick_replies" in block)
        module: dict[str, Any] = {"__name__": "example"}
        exec(code, module)
        return Thinker(module["graph"].compile(checkpointer=InMemorySaver()), history_limit=40)

    def test_the_documented_graph_asks_with_buttons(self, example: Thinker) -> None:
        question = Reply("Morning or afternoon?", quick_replies=("Morning", "Afternoon"))
        assert example.think("t", "1", [Said("1", "Hola")]) == (question,)

    def test_what_one_turn_wanted_the_next_does_not(self, example: Thinker) -> None:
        hand_over = HandOver("asks for a person", closing="One moment.")
        assert example.think("t", "1", [Said("1", "a person")]) == (Labels(("asks-for-person",)), hand_over)
        assert len(example.think("t", "2", [Said("2", "Hola")])) == 1

    def test_a_turn_that_ended_wants_the_same_again(self, example: Thinker) -> None:
        first = example.think("t", "1", [Said("1", "a person")])
        assert example.think("t", "1", [Said("1", "a person")]) == first
