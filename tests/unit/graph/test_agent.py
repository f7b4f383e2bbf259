"""The bundled agent, around a model that says what it is told to."""

from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, SystemMessage
from langgraph.checkpoint.memory import InMemorySaver

from graph import agent
from graph.loader import GraphError, durability_for, load
from graph.outcome import HandOver, Note, Reply
from graph.said import Said
from graph.thinking import Thinker
from tests.models import ScriptedModel, calling


def thinker(*answers: AIMessage) -> tuple[Thinker, ScriptedModel]:
    model = ScriptedModel(script=list(answers))
    return Thinker(agent.build(model, "Be brief.").compile(checkpointer=InMemorySaver()), 40), model


def test_it_answers_by_its_prompt_and_the_conversation() -> None:
    agent, model = thinker(AIMessage("Hi!"))
    assert agent.think("t", "1", [Said("10", "Hola")]) == (Reply("Hi!"),)
    system, *conversation = model.heard[0]
    assert (type(system), system.text, [each.text for each in conversation]) == (SystemMessage, "Be brief.", ["Hola"])


def test_it_hands_over() -> None:
    agent, _ = thinker(
        calling("hand_over", "call-1", reason="asks for a refund"), AIMessage("A colleague will answer you.")
    )
    outcome = agent.think("t", "1", [Said("10", "Money back!")])
    assert outcome == (Reply("A colleague will answer you."), HandOver("asks for a refund"))


def test_it_leaves_notes_and_goes_on() -> None:
    agent, _ = thinker(calling("leave_a_note", "call-1", text="likes tea"), AIMessage("Noted"), AIMessage("Bye"))
    assert agent.think("t", "1", [Said("10", "I like tea")]) == (Reply("Noted"), Note("likes tea"))
    assert agent.think("t", "2", [Said("11", "Bye")]) == (Reply("Bye"),)


def test_who_was_handed_over_without_a_word_is_answered_later() -> None:
    """A model often says nothing more after such a tool; no API takes what it did not say back."""
    agent, model = thinker(calling("hand_over", "call-1", reason="angry"), AIMessage(""), AIMessage("Hello again!"))
    assert agent.think("t", "1", [Said("10", "Money back!")]) == (HandOver("angry"),)
    assert agent.think("t", "2", [Said("11", "Hi")]) == (Reply("Hello again!"),)
    assert [each.type for each in model.heard[-1]] == ["system", "human", "ai", "tool", "human"]


def test_its_steps_are_saved_since_it_has_tools() -> None:
    assert durability_for(thinker()[0].graph) == "sync"


@pytest.mark.parametrize(("model", "words"), [("", "needs MODEL"), ("no-such-provider:x", "no-such-provider")])
def test_what_is_no_model_is_said_at_start(model: str, words: str) -> None:
    with pytest.raises(GraphError, match=words):
        load("graph.agent:graph", InMemorySaver(), model=model, prompt="")
