"""A turn goes in, what the graph wants comes out; the same turn again changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

from graph import echo
from graph.answers import NothingSaid
from graph.outcome import HandOver, Reply
from graph.said import Said
from graph.thinking import Thinker

Node = Callable[[MessagesState], Any]


def thinker_of(*nodes: Node, history_limit: int = 40) -> Thinker:
    builder = StateGraph(MessagesState)
    names = [f"node {number}" for number in range(len(nodes))]
    for name, node in zip(names, nodes, strict=True):
        builder.add_node(name, node)
    for before, after in zip([START, *names], names, strict=False):
        builder.add_edge(before, after)
    return Thinker(builder.compile(checkpointer=InMemorySaver()), history_limit)


def history(thinker: Thinker) -> list[str]:
    config: Any = {"configurable": {"thread_id": "t"}}
    return [message.text for message in thinker.graph.get_state(config).values["messages"]]


@pytest.fixture
def echoing() -> Thinker:
    return thinker_of(echo.echo)


def test_the_echo_answers(echoing: Thinker) -> None:
    assert echoing.think("t", "1", [Said("10", "Hola")]) == (Reply("Echo: Hola"),)


def test_the_echo_answers_a_burst_as_one(echoing: Thinker) -> None:
    echoing.think("t", "1", [Said("9", "before")])
    assert echoing.think("t", "2", [Said("10", "one"), Said("11", "two")]) == (Reply("Echo: one\ntwo"),)


def test_a_turn_that_ended_is_not_run_again(echoing: Thinker) -> None:
    first = echoing.think("t", "1", [Said("10", "Hola")])
    again = echoing.think("t", "1", [Said("10", "Hola")])
    assert again == first
    assert history(echoing) == ["Hola", "Echo: Hola"]


def test_a_turn_that_failed_goes_on_where_it_stopped() -> None:
    ran: list[str] = []

    def first(state: MessagesState) -> Any:
        ran.append("first")
        return {"messages": [AIMessage("one")]}

    def second(state: MessagesState) -> Any:
        ran.append("second")
        if ran.count("second") == 1:
            raise RuntimeError("not yet")
        return {"messages": [AIMessage("two")]}

    thinker = thinker_of(first, second)
    with pytest.raises(RuntimeError):
        thinker.think("t", "1", [Said("10", "Hola")])
    assert thinker.think("t", "1", [Said("10", "Hola")]) == (Reply("one"), Reply("two"))
    assert ran == ["first", "second", "second"]
    assert history(thinker) == ["Hola", "one", "two"]


def test_a_turn_after_a_failed_one_starts_afresh() -> None:
    def failing_once(state: MessagesState) -> Any:
        if state["messages"][-1].text == "bad":
            raise RuntimeError
        return {"messages": [AIMessage("good")]}

    thinker = thinker_of(failing_once)
    with pytest.raises(RuntimeError):
        thinker.think("t", "1", [Said("10", "bad")])
    assert thinker.think("t", "2", [Said("11", "fine")]) == (Reply("good"),)


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (None, "no message"),
        (AIMessage(""), "empty"),
        (AIMessage(" \n "), "empty"),
        (AIMessage("", additional_kwargs={"refusal": "I can't"}), "refused"),
        (AIMessage([{"type": "refusal", "refusal": "I can't"}]), "refused"),
        (AIMessage([{"type": "reasoning", "reasoning": "Hm."}]), "thought"),
        (AIMessage([{"type": "thinking", "thinking": "Hm."}]), "thought"),
        (AIMessage("<think>They want a refund.</think>\n"), "thought"),
        (AIMessage("<think>They want"), "thought"),
        (AIMessage("Hola", name="person"), "no message"),
        (
            AIMessage("", tool_calls=[{"name": "look_up", "args": {}, "id": "a", "type": "tool_call"}]),
            "a tool that did not run",
        ),
    ],
)
def test_nothing_said_is_no_answer(message: AIMessage | None, why: str) -> None:
    silent = thinker_of(lambda state: {"messages": [message] if message else []})
    with pytest.raises(NothingSaid, match=why):
        silent.think("t", "1", [Said("10", "Hola")])
    with pytest.raises(NothingSaid, match=why):
        silent.think("t", "1", [Said("10", "Hola")])


def test_silence_is_an_outcome_where_it_is_meant() -> None:
    silent = thinker_of(lambda state: {}).graph.with_config(metadata={"may_be_silent": True})
    assert Thinker(silent, 40).think("t", "1", [Said("10", "Hola")]) == ()


def test_what_a_model_thinks_aloud_is_not_said() -> None:
    thinking = thinker_of(lambda state: {"messages": [AIMessage("<think>Hm.\nYes.</think>\n\nAt ten.")]})
    assert thinking.think("t", "1", [Said("10", "When?")]) == (Reply("At ten."),)


def test_only_speakers_are_heard() -> None:
    """As a supervisor's agents: what they say to each other is not for the customer."""
    back = AIMessage("Transferring back to supervisor", name="sales", response_metadata={"__is_handoff_back": True})
    talk = [AIMessage("We have three.", name="sales"), back, AIMessage("Three are left.", name="supervisor")]
    graph = thinker_of(lambda state: {"messages": talk}).graph
    everybody = Thinker(graph, 40).think("all", "1", [Said("10", "How many?")])
    assert everybody == (Reply("We have three."), Reply("Three are left."))
    one = Thinker(graph, 40, speakers=("supervisor",)).think("one", "1", [Said("10", "How many?")])
    assert one == (Reply("Three are left."),)
    with pytest.raises(NothingSaid, match="supervisor's, who does not speak"):
        Thinker(graph, 40, speakers=("nobody",)).think("none", "1", [Said("10", "How many?")])


def test_a_graph_that_stops_before_a_node_hands_over_and_goes_on_when_given_back() -> None:
    def first(state: MessagesState) -> Any:
        return {"messages": []}

    def book(state: MessagesState) -> Any:
        return {"messages": [AIMessage("Booked.")]}

    builder = StateGraph(MessagesState)
    builder.add_node("first", first)
    builder.add_node("book", book)
    builder.add_edge(START, "first")
    builder.add_edge("first", "book")
    thinker = Thinker(builder.compile(checkpointer=InMemorySaver(), interrupt_before=["book"]), 40)
    (hand_over,) = thinker.think("t", "1", [Said("10", "Book")])
    assert isinstance(hand_over, HandOver)
    assert hand_over.waits
    assert "book" in hand_over.reason
    assert thinker.think("t", "1", [Said("10", "Book")]) == (hand_over,)
    assert thinker.think("t", "1.on", [], resumes=True) == (Reply("Booked."),)
    assert thinker.think("t", "1.on", [], resumes=True) == (Reply("Booked."),)


def test_a_message_without_text_is_thought_about(echoing: Thinker) -> None:
    assert echoing.think("t", "1", [Said("10", "")]) == (Reply("Echo: [nothing]"),)


def test_the_memory_is_trimmed_and_begins_with_the_customer() -> None:
    thinker = thinker_of(echo.echo, history_limit=6)
    for turn in range(20):
        thinker.think("t", str(turn), [Said(str(turn), f"message {turn}")])
    assert history(thinker) == [text for turn in (17, 18, 19) for text in (f"message {turn}", f"Echo: message {turn}")]


def test_what_the_graph_sees_begins_with_the_customer() -> None:
    seen: list[list[str]] = []

    def watching(state: MessagesState) -> Any:
        seen.append([message.type for message in state["messages"]])
        return {"messages": [AIMessage("a"), AIMessage("b"), AIMessage("c")]}

    thinker = thinker_of(watching, history_limit=6)
    for turn in range(10):
        thinker.think("t", str(turn), [Said(str(turn), "hi")])
    assert {types[0] for types in seen} == {"human"}
    assert max(map(len, seen)) <= 6


def test_messages_keep_their_chatwoot_ids(echoing: Thinker) -> None:
    echoing.think("t", "1", [Said("chatwoot:10", "Hola")])
    config: Any = {"configurable": {"thread_id": "t"}}
    human = echoing.graph.get_state(config).values["messages"][0]
    assert (human, human.id) == (HumanMessage("Hola", id="chatwoot:10"), "chatwoot:10")


def test_another_graph_does_not_go_on_where_the_first_stopped() -> None:
    """An operator mends the graph, and has the turn tried again."""

    def failing(state: MessagesState) -> Any:
        raise RuntimeError

    broken = thinker_of(failing)
    with pytest.raises(RuntimeError):
        broken.think("t", "1", [Said("10", "Hola")])
    builder = StateGraph(MessagesState)
    builder.add_node("mended", echo.echo)
    builder.add_edge(START, "mended")
    mended = Thinker(builder.compile(checkpointer=broken.graph.checkpointer), 40)
    assert mended.think("t", "1", [Said("10", "Hola")]) == (Reply("Echo: Hola"),)
    assert history(mended) == ["Hola", "Echo: Hola"]


def test_an_old_turn_that_is_tried_again_repeats_no_newer_answer() -> None:
    """A dead letter is retried after the conversation has gone on."""

    def failing_once(state: MessagesState) -> Any:
        if len(state["messages"]) == 1:
            raise RuntimeError
        return echo.echo(state) if state["messages"][-1].type == "human" else {"messages": [AIMessage("late")]}

    thinker = thinker_of(failing_once)
    with pytest.raises(RuntimeError):
        thinker.think("t", "m5", [Said("5", "five")])
    thinker.think("t", "m6", [Said("6", "six")])
    assert thinker.think("t", "m5", [Said("5", "five")]) == (Reply("late"),)


def test_what_a_person_wrote_is_not_said_again() -> None:
    thinker = thinker_of(lambda state: {"messages": [AIMessage("hers")]})
    said = thinker.think("t", "m2", [Said("2", "two")], earlier=[Said("1", "mine", by="person")])
    assert said == (Reply("hers"),)


def test_a_turn_without_its_messages_says_nothing_old(echoing: Thinker) -> None:
    echoing.think("t", "m1", [Said("1", "one")])
    silent = Thinker(thinker_of(lambda state: {}).graph.copy(update={"checkpointer": echoing.graph.checkpointer}), 40)
    assert silent.think("t", "m2", []) == ()
