"""The bundled agent, around a model that says what it is told to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.outputs import ChatResult
from langgraph.checkpoint.memory import InMemorySaver

from graph import agent
from graph.agent.facts import Facts, facts_in
from graph.agent.limits import MODEL_CALLS, TOOL_CALLS
from graph.context import Conversation
from graph.loader import GraphError, durability_for, load
from graph.outcome import Attributes, HandOver, Labels, Later, Note, Outcome, Reply
from graph.said import Said
from graph.thinking import Thinker
from tests.models import ScriptedModel, calling

HERE = Conversation(account_id=1, conversation_id=3, inbox_id=7)


def thinker(*answers: Any, history_limit: int = 40, **options: Any) -> tuple[Thinker, ScriptedModel]:
    model = ScriptedModel(script=list(answers))
    graph = agent.build(model, "Be brief.", **options)
    graph.checkpointer = InMemorySaver()
    return Thinker(graph, history_limit, "sync"), model


def asked(thinker: Thinker, text: str = "Hi", turn: int = 1) -> Outcome:
    return thinker.think("t", str(turn), [Said(f"chatwoot:{turn}", text, place=turn)], context=HERE)


def results(model: ScriptedModel) -> list[str]:
    return [each.text for each in model.heard[-1] if each.type == "tool"]


def test_it_answers_by_its_prompt_and_the_conversation() -> None:
    agent, model = thinker(AIMessage("Hi!"))
    assert agent.think("t", "1", [Said("10", "Hola")]) == (Reply("Hi!"),)
    system, *conversation = model.heard[0]
    assert isinstance(system, SystemMessage)
    assert system.text.startswith("Be brief.")
    assert [each.text for each in conversation] == ["Hola"]


def test_it_hands_over_with_a_brief_and_without_another_call() -> None:
    brief = {"asked": "money back", "tried": "offered an exchange", "facts": "order 7"}
    agent, model = thinker(calling("hand_over", "a", reason="a refund", closing="A colleague will answer.", **brief))
    assert asked(agent) == (
        HandOver(
            "a refund\n- Asked: money back\n- Tried: offered an exchange\n- Facts: order 7",
            closing="A colleague will answer.",
        ),
    )
    assert len(model.heard) == 1


def test_it_leaves_notes_and_goes_on() -> None:
    agent, _ = thinker(calling("leave_a_note", "call-1", text="likes tea"), AIMessage("Noted"), AIMessage("Bye"))
    assert agent.think("t", "1", [Said("10", "I like tea")]) == (Reply("Noted"), Note("likes tea"))
    assert agent.think("t", "2", [Said("11", "Bye")]) == (Reply("Bye"),)


def test_who_was_handed_over_without_a_word_is_answered_later() -> None:
    agent, model = thinker(calling("hand_over", "call-1", reason="angry", closing=""), AIMessage("Hello again!"))
    assert agent.think("t", "1", [Said("10", "Money back!")]) == (HandOver("angry"),)
    assert agent.think("t", "2", [Said("11", "Hi")]) == (Reply("Hello again!"),)
    assert [each.type for each in model.heard[-1]] == ["system", "human", "ai", "tool", "human"]


def test_it_follows_up_labels_and_remembers() -> None:
    agent, _ = thinker(
        calling("follow_up", "a", text="Still there?", after_hours=2),
        calling("label", "b", add=["sales"]),
        calling("remember", "c", name="size", value="M"),
        "Done.",
        labels=["sales"],
        attributes=["size"],
    )
    assert asked(agent) == (
        Reply("Done."),
        Later("Still there?", 7200, unless_they_write=True),
        Labels(("sales",)),
        Attributes({"size": "M"}),
    )


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (calling("label", "a", add=["vip"]), "there are only sales"),
        (calling("remember", "a", name="discount", value="100"), "there is only size"),
        (calling("follow_up", "a", text="x", after_hours=9999), "within 29 days"),
    ],
)
def test_what_it_may_not_do_is_not_done_and_it_is_told(call: AIMessage, words: str) -> None:
    agent, model = thinker(call, "No.", labels=["sales"], attributes=["size"])
    assert asked(agent) == (Reply("No."),)
    assert words in results(model)[0]


def test_without_a_list_it_has_no_tool_for_labels_or_attributes() -> None:
    agent, model = thinker(calling("label", "a", add=["vip"]), "No.")
    assert asked(agent) == (Reply("No."),)
    assert "not a valid tool" in results(model)[0]


def test_a_model_that_goes_on_calling_ends_with_people_and_not_with_a_machines_sentence() -> None:
    agent, model = thinker(*(calling("look_up", str(each), query="x") for each in range(MODEL_CALLS + 3)))
    (handed_over,) = asked(agent)
    assert isinstance(handed_over, HandOver)
    assert handed_over.closing is None
    assert handed_over.reason == (
        f"The bot asked its model {MODEL_CALLS} times and came to no answer.\n- Tried: look_up ({MODEL_CALLS})"
    )
    assert len(model.heard) == MODEL_CALLS
    model.script = ["Hello again"]
    assert asked(agent, turn=2) == (Reply("Hello again"),)


def test_tools_past_their_limit_do_not_run() -> None:
    notes = [{"name": "leave_a_note", "args": {"text": str(n)}, "id": str(n)} for n in range(TOOL_CALLS + 5)]
    agent, model = thinker(AIMessage("", tool_calls=notes), "Enough.")
    outcome = asked(agent)
    assert outcome[0] == Reply("Enough.")
    assert sum(isinstance(want, Note) for want in outcome) == TOOL_CALLS
    assert len(results(model)) == TOOL_CALLS + 5


def test_past_its_tokens_people_have_the_turn() -> None:
    usage = {"input_tokens": 600, "output_tokens": 20, "total_tokens": 620}
    lines = [calling("leave_a_note", str(n), text="x") for n in range(5)]
    for line in lines:
        line.usage_metadata = usage  # type: ignore[assignment]
    agent, model = thinker(*lines, max_tokens_per_turn=1000)
    *_, handed_over = asked(agent)
    assert isinstance(handed_over, HandOver)
    assert "1240 tokens (MAX_TOKENS_PER_TURN)" in handed_over.reason
    assert len(model.heard) == 2
    model.script = ["Hello again"]
    assert asked(agent, turn=2) == (Reply("Hello again"),), "each turn has its own"


class Summing(ScriptedModel):
    """Answers, and summarizes where it is asked to."""

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        if messages[-1].text.startswith("Summarize"):
            self.script.insert(0, f"Summary of {len(re.findall('Human:', messages[-1].text))}")
        return super()._generate(messages, *args, **kwargs)


def test_what_leaves_the_memory_is_summarized_before_it_is_gone() -> None:
    model = Summing()
    graph = agent.build(model, summarize_at=12)
    graph.checkpointer = InMemorySaver()
    talk = Thinker(graph, 12, "sync")
    said = [asked(talk, f"Word {turn}", turn) for turn in range(1, 12)]
    assert said == [(Reply(f"Echo: Word {turn}"),) for turn in range(1, 12)], "no summary is said"
    remembered = graph.get_state({"configurable": {"thread_id": "t"}}).values["messages"]
    assert len(remembered) <= 12
    assert "Summary of" in remembered[0].text
    (first, *_) = [heard[-1].text for heard in model.heard if heard[-1].text.startswith("Summarize")]
    assert "Word 1\n" in first


def test_what_is_not_the_models_to_read_stays_in_the_memory_only() -> None:
    talk, model = thinker("Ok", redact_pii=["email", "credit_card"])
    said = [Said("1", "I am ana@example.com", place=1), Said("2", "and pay with 4111 1111 1111 1111", place=2)]
    talk.think("t", "1", said)
    assert [each.text for each in model.heard[0][1:]] == [
        "I am [REDACTED_EMAIL]",
        "and pay with [REDACTED_CREDIT_CARD]",
    ]
    kept = talk.graph.get_state({"configurable": {"thread_id": "t"}}).values["messages"]
    assert kept[0].text == "I am ana@example.com"


def test_nor_is_it_read_by_who_summarizes() -> None:
    model = Summing()
    graph = agent.build(model, summarize_at=4, redact_pii=["email"])
    graph.checkpointer = InMemorySaver()
    for turn in range(1, 8):
        asked(Thinker(graph, 4, "sync"), f"{turn}@example.com", turn)
    assert any(heard[-1].text.startswith("Summarize") for heard in model.heard)
    assert "@example.com" not in "".join(message.text for heard in model.heard for message in heard)


def test_a_kind_that_there_is_not_is_refused() -> None:
    with pytest.raises(GraphError, match="REDACT_PII: passport"):
        agent.build(ScriptedModel(), redact_pii=["passport"])


def test_short_facts_are_in_the_prompt_and_long_ones_are_looked_up(tmp_path: Path) -> None:
    (tmp_path / "hours.md").write_text("We close in August.")
    filler = "\n".join(f"## Item {n}\n{'x ' * 100}" for n in range(50))
    (tmp_path / "terms.md").write_text(f"Terms\n{filler}\n## Devolución\nTreinta días.\n## Envíos\nDos días.\n")
    agent, model = thinker(
        calling("look_up", "a", query="¿Hay devoluciones?"), "Thirty days.", facts=facts_in(str(tmp_path))
    )
    assert asked(agent) == (Reply("Thirty days."),)
    assert "We close in August." in model.heard[0][0].text
    assert "Treinta" not in model.heard[0][0].text
    assert results(model) == ["# Devolución\nTreinta días."]


def test_facts_that_are_not_there_are_said_at_start(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match="no Markdown"):
        facts_in(str(tmp_path / "nowhere"))
    assert facts_in("") == Facts()


class Found:
    title, text, url = "Returns", "Within 30 days.", "https://shop.example.com/hc/shop/articles/1-returns"


def test_it_finds_articles_with_their_link() -> None:
    searched: list[str] = []

    def search(words: str) -> list[Found]:
        searched.append(words)
        return [Found()]

    agent, model = thinker(calling("search_help_center", "a", words="returns"), "Yes.", help_center=search)
    assert asked(agent) == (Reply("Yes."),)
    assert searched == ["returns"]
    assert results(model) == [f"# Returns\nWithin 30 days.\nLink: {Found.url}"]


def test_it_is_told_the_hours_of_the_inbox() -> None:
    agent, model = thinker(calling("opening_hours", "a"), "Open.", opening_hours=lambda inbox: f"Inbox {inbox}: open")
    assert asked(agent) == (Reply("Open."),)
    assert results(model) == ["Inbox 7: open"]


def test_what_cannot_be_asked_keeps_no_answer_back() -> None:
    def away(_: Any) -> Any:
        raise ConnectionError("secret words")

    agent, model = thinker(
        calling("opening_hours", "a"), calling("search_help_center", "b", words="x"), "Sorry.",
        help_center=away, opening_hours=away,
    )  # fmt: skip
    assert asked(agent) == (Reply("Sorry."),)
    assert "secret" not in " ".join(results(model))


def test_its_steps_are_saved_since_it_has_tools() -> None:
    assert durability_for(thinker()[0].graph) == "sync"


def test_a_summary_is_made_of_what_the_customer_said() -> None:
    """A message of the customer's is the first of what stays: as models want it."""
    talk, model = thinker(*["ok"] * 20, history_limit=4, summarize_at=4)
    for turn in range(1, 8):
        asked(talk, "word", turn)
    assert all(isinstance(heard[1], HumanMessage) for heard in model.heard if len(heard) > 1)


@pytest.mark.parametrize(("model", "words"), [("", "needs MODEL"), ("no-such-provider:x", "no-such-provider")])
def test_what_is_no_model_is_said_at_start(model: str, words: str) -> None:
    with pytest.raises(GraphError, match=words):
        load("graph.agent:graph", InMemorySaver(), model=model, prompt="")
