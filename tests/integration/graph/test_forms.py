"""Graphs in the forms in which LangGraph and LangChain publish them, written anew: what each does here.

docs/forms.md has a row for each. `conftest.py` looks after each test whether a model would take what is remembered.
"""

from __future__ import annotations

import operator
import sqlite3
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Annotated, Any, Literal

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import (
    HumanInTheLoopMiddleware,
    ModelCallLimitMiddleware,
    PIIMiddleware,
    SummarizationMiddleware,
)
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, SystemMessage, ToolMessage
from langchain_core.tools import InjectedToolCallId, StructuredTool, tool
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedState, ToolNode, tools_condition
from langgraph.types import Command, Send, interrupt
from pydantic import BaseModel
from typing_extensions import TypedDict

from graph.answers import NothingSaid
from graph.checkpoint import Memory
from graph.loader import GraphError, durability_for, load
from graph.outcome import HandOver, Outcome, Reply
from graph.said import Said
from graph.thinking import Thinker
from tests.models import ScriptedModel, calling

THREAD = "cw:1:3"


class Talk:
    """A conversation with a graph, as a worker has it."""

    def __init__(self, thinker: Thinker) -> None:
        self.thinker = thinker
        self._count = 0

    def says(self, text: str, *notes: str) -> Outcome:
        """What the graph wants when the customer has said this, and people have noted that."""
        earlier = [self._said(note, by="note") for note in notes]
        said = self._said(text)
        return self.thinker.think(THREAD, f"m{self._count}", [said], earlier=earlier)

    def given_back(self, *notes: str) -> Outcome:
        earlier = [self._said(note, by="note") for note in notes]
        return self.thinker.think(THREAD, f"m{self._count}.on", [], earlier=earlier, resumes=True)

    def _said(self, text: str, by: Literal["customer", "note"] = "customer") -> Said:
        self._count += 1
        return Said(f"chatwoot:{self._count}", text, by, place=self._count)

    @property
    def memory(self) -> list[str]:
        state = self.thinker.graph.get_state({"configurable": {"thread_id": THREAD}})
        return [f"{each.type}: {each.text}" for each in state.values["messages"]]


Opened = Callable[..., Talk]


@pytest.fixture
def opened(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """The graph as GRAPH would name it."""

    def open(found: Any, *, speakers: Sequence[str] = ()) -> Talk:
        module = ModuleType("a_form")
        module.graph = found  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "a_form", module)
        graph = load("a_form:graph", memory)
        return Talk(Thinker(graph, 40, durability_for(graph), speakers=speakers))

    return open


def said(outcome: Outcome) -> list[str]:
    """All of it, where it is nothing but words."""
    assert all(isinstance(want, Reply) for want in outcome)
    return [want.text for want in outcome if isinstance(want, Reply)]


def asked(outcome: Outcome) -> str:
    """What people are asked."""
    (question,) = [want.reason for want in outcome if isinstance(want, HandOver) and want.waits]
    return question


def chain(state: Any, **nodes: Any) -> StateGraph[Any, Any, Any, Any]:
    """One node after the other."""
    builder = StateGraph(state)
    for name, node in nodes.items():
        builder.add_node(name, node)
    for before, after in zip([START, *nodes], [*nodes, END], strict=True):
        builder.add_edge(before, after)
    return builder


@tool
def look_up(order: str) -> str:
    """Look an order up."""
    return f"{order} was sent on Monday"


class TestOneAgent:
    def test_the_quick_starts_chatbot(self, opened: Opened) -> None:
        model = ScriptedModel(script=["Hello!", "You said Hi."])
        talk = opened(chain(MessagesState, chatbot=lambda state: {"messages": [model.invoke(state["messages"])]}))
        assert said(talk.says("Hi")) == ["Hello!"]
        assert said(talk.says("What did I say?")) == ["You said Hi."]
        assert talk.memory == ["human: Hi", "ai: Hello!", "human: What did I say?", "ai: You said Hi."]

    def test_a_chatbot_with_a_tool_node(self, opened: Opened) -> None:
        model = ScriptedModel(script=[calling("look_up", "a", order="A1"), "On Monday.", "Bye!"])
        builder = StateGraph(MessagesState)
        builder.add_node("chatbot", lambda state: {"messages": [model.invoke(state["messages"])]})
        builder.add_node("tools", ToolNode([look_up]))
        builder.add_edge(START, "chatbot")
        builder.add_conditional_edges("chatbot", tools_condition)
        builder.add_edge("tools", "chatbot")
        talk = opened(builder)
        assert said(talk.says("Where is A1?")) == ["On Monday."]
        assert said(talk.says("Thanks")) == ["Bye!"]

    def test_create_agent(self, opened: Opened) -> None:
        script = [calling("look_up", "a", order="A1"), "On Monday.", "Bye!"]
        talk = opened(create_agent(ScriptedModel(script=script), [look_up], system_prompt="Be brief."))
        assert said(talk.says("Where is A1?")) == ["On Monday."]
        assert said(talk.says("Thanks")) == ["Bye!"]

    @pytest.mark.filterwarnings("ignore:create_react_agent has been moved")
    def test_create_react_agent(self, opened: Opened) -> None:
        from langgraph.prebuilt import create_react_agent

        script = [calling("look_up", "a", order="A1"), "On Monday.", "Bye!"]
        talk = opened(create_react_agent(ScriptedModel(script=script), [look_up], prompt="Be brief."))
        assert said(talk.says("Where is A1?")) == ["On Monday."]
        assert said(talk.says("Thanks")) == ["Bye!"]

    def test_what_it_says_beside_a_tool_call_is_said_too(self, opened: Opened) -> None:
        call = calling("look_up", "a", order="A1")
        script = [AIMessage("Let me see.", tool_calls=call.tool_calls), "On Monday."]
        talk = opened(create_agent(ScriptedModel(script=script), [look_up]))
        assert said(talk.says("Where is A1?")) == ["Let me see.", "On Monday."]

    def test_a_tool_that_returns_directly_says_nothing(self, opened: Opened) -> None:
        @tool(return_direct=True)
        def quote(order: str) -> str:
            """Say what it costs."""
            return "40 euros"

        talk = opened(create_agent(ScriptedModel(script=[calling("quote", "a", order="A1")]), [quote]))
        with pytest.raises(NothingSaid) as nothing:
            talk.says("What does it cost?")
        assert nothing.value.has_acted

    def test_structured_output_says_nothing(self, opened: Opened) -> None:
        talk = opened(create_agent(structured(), [], response_format=ToolStrategy(Booking)))
        with pytest.raises(NothingSaid):
            talk.says("A cut on Monday")

    def test_structured_output_that_a_node_puts_into_words(self, opened: Opened) -> None:
        class State(MessagesState):
            structured_response: Booking

        def confirm(state: State) -> Any:
            booking = state["structured_response"]
            return {"messages": [AIMessage(f"{booking.what} on {booking.day}, is that right?")]}

        book = create_agent(structured(), [], response_format=ToolStrategy(Booking))
        talk = opened(chain(State, book=book, confirm=confirm))
        assert said(talk.says("A cut on Monday")) == ["cut on Monday, is that right?"]

    def test_streaming_is_passed_over(self, opened: Opened) -> None:
        def chatbot(state: MessagesState) -> Any:
            get_stream_writer()({"progress": "half"})
            model = ScriptedModel(script=["All of it."])
            whole = "".join(part.text for part in model.stream(state["messages"]))
            return {"messages": [AIMessage(whole)]}

        assert said(opened(chain(MessagesState, chatbot=chatbot)).says("Hi")) == ["All of it."]

    def test_a_graph_that_deletes_messages_of_its_own(self, opened: Opened) -> None:
        def trim(state: MessagesState) -> Any:
            return {"messages": [RemoveMessage(id=str(each.id)) for each in state["messages"][:-2]]}

        model = ScriptedModel(script=["One", "Two", "Three"])
        chatbot = {"chatbot": lambda state: {"messages": [model.invoke(state["messages"])]}}
        talk = opened(chain(MessagesState, **chatbot, trim=trim))
        assert [said(talk.says(each)) for each in ("1", "2", "3")] == [["One"], ["Two"], ["Three"]]
        assert talk.memory == ["human: 3", "ai: Three"]


class Booking(BaseModel):
    """What the customer wants, and when."""

    what: str
    day: str


def structured() -> ScriptedModel:
    return ScriptedModel(script=[calling("Booking", "a", what="cut", day="Monday")])


class TestStockMiddleware:
    def test_summarization(self, opened: Opened) -> None:
        """The summary takes the place of the customer's own words, in the midst of a turn."""
        model = ScriptedModel()
        summary = SummarizationMiddleware(
            ScriptedModel(script=["They counted."] * 9), trigger=("messages", 4), keep=("messages", 2)
        )
        talk = opened(create_agent(model, [], middleware=[summary]))
        assert [said(talk.says(each)) for each in "12345"] == [[f"Echo: {each}"] for each in "12345"]
        assert "They counted." in talk.memory[0]
        assert len(talk.memory) <= 5

    def test_a_limit_of_model_calls(self, opened: Opened) -> None:
        script = [calling("look_up", str(number), order="A1") for number in range(9)]
        limit: Any = ModelCallLimitMiddleware(run_limit=3, exit_behavior="end")
        talk = opened(create_agent(ScriptedModel(script=script), [look_up], middleware=[limit]))
        (words,) = said(talk.says("All orders"))
        assert "limit" in words

    def test_personal_data_is_kept_from_the_model(self, opened: Opened) -> None:
        model = ScriptedModel(script=["Noted."])
        talk = opened(create_agent(model, [], middleware=[PIIMiddleware("email", strategy="redact")]))
        assert said(talk.says("I am ana@example.com")) == ["Noted."]
        assert model.heard[0][-1].text == "I am [REDACTED_EMAIL]"

    def test_people_approve_a_tool(self, opened: Opened) -> None:
        middleware = [HumanInTheLoopMiddleware(interrupt_on={"look_up": True})]
        script = [calling("look_up", "a", order="A1"), "On Monday."]
        talk = opened(create_agent(ScriptedModel(script=script), [look_up], middleware=middleware))
        assert "**look_up**" in asked(talk.says("Where is A1?"))
        assert said(talk.given_back("@bot yes")) == ["On Monday."]


class TestPeople:
    def test_an_interrupt_asks_them(self, opened: Opened) -> None:
        def refund(state: MessagesState) -> Any:
            return {"messages": [AIMessage("Done." if interrupt("Refund 40 euros?") else "I may not.")]}

        talk = opened(chain(MessagesState, refund=refund))
        assert asked(talk.says("Refund!")).startswith("Refund 40 euros?")
        assert said(talk.given_back("no")) == ["I may not."]

    def test_a_graph_stops_before_sensitive_tools(self, opened: Opened) -> None:
        """As LangGraph's customer support bot: a tool node of its own, and `interrupt_before`."""
        model = ScriptedModel(script=[calling("look_up", "a", order="A1"), "On Monday."])
        builder = StateGraph(MessagesState)
        builder.add_node("assistant", lambda state: {"messages": [model.invoke(state["messages"])]})
        builder.add_node("tools", ToolNode([look_up]))
        builder.add_edge(START, "assistant")
        builder.add_conditional_edges("assistant", tools_condition)
        builder.add_edge("tools", "assistant")
        talk = opened(builder.compile(interrupt_before=["tools"]))
        assert "tools" in asked(talk.says("Where is A1?"))
        assert said(talk.given_back()) == ["On Monday."]

    def test_a_plain_interrupt_for_the_customers_next_words_asks_people(self, opened: Opened) -> None:
        """As the multi-turn examples ask; here `waits_for` says whom."""

        def ask(state: MessagesState) -> Any:
            return {"messages": [HumanMessage(str(interrupt("Ready for user input.")))]}

        talk = opened(chain(MessagesState, ask=ask))
        assert asked(talk.says("Hi")).startswith("Ready for user input.")
        with pytest.raises(NothingSaid):
            talk.given_back("42")

    def test_several_turns_by_interrupts_for_the_customer(self, opened: Opened) -> None:
        class State(MessagesState):
            size: str

        def ask(state: State) -> Any:
            return {"size": interrupt({"question": "Which size?", "waits_for": "customer"})}

        def order(state: State) -> Any:
            colour = interrupt({"question": "Which colour?", "waits_for": "customer"})
            return {"messages": [AIMessage(f"{state['size']} in {colour}.")]}

        talk = opened(chain(State, ask=ask, order=order))
        assert said(talk.says("Shoes")) == ["Which size?"]
        assert said(talk.says("42")) == ["Which colour?"]
        assert said(talk.says("Red")) == ["42 in Red."]
        assert talk.memory == ["human: Shoes", "human: 42", "human: Red", "ai: 42 in Red."]


def transfer_to(agent: str) -> Any:
    """A handoff tool, as multi-agent libraries make them."""

    @tool(f"transfer_to_{agent}")
    def transfer(state: Annotated[Any, InjectedState], tool_call_id: Annotated[str, InjectedToolCallId]) -> Any:
        """Hand the conversation over to another agent."""
        done = ToolMessage(f"Transferred to {agent}", name=f"transfer_to_{agent}", tool_call_id=tool_call_id)
        update = {"messages": [*state["messages"], done], "active_agent": agent}
        return Command(goto=agent, graph=Command.PARENT, update=update)

    return transfer


class TestSeveralAgents:
    def supervised(self) -> StateGraph[Any, Any, Any, Any]:
        boss = ScriptedModel(script=[calling("transfer_to_sales", "a"), "Three are left."])
        supervisor = create_agent(boss, [transfer_to("sales")], name="supervisor")
        sales = create_agent(ScriptedModel(script=["We have three."]), [], name="sales")

        class State(MessagesState):
            active_agent: str

        def back(state: State) -> Any:
            marked = AIMessage("Transferring back", name="sales", response_metadata={"__is_handoff_back": True})
            return {"messages": [*sales.invoke({"messages": state["messages"]})["messages"], marked]}

        builder = StateGraph(State)
        builder.add_node("supervisor", supervisor, destinations=("sales", END))
        builder.add_node("sales", back)
        builder.add_edge(START, "supervisor")
        builder.add_edge("sales", "supervisor")
        return builder

    def test_a_supervisor_and_all_of_them_speak(self, opened: Opened) -> None:
        assert said(opened(self.supervised()).says("How many?")) == ["We have three.", "Three are left."]

    def test_a_supervisor_who_alone_speaks(self, opened: Opened) -> None:
        talk = opened(self.supervised(), speakers=["supervisor"])
        assert said(talk.says("How many?")) == ["Three are left."]

    def test_agents_as_tools(self, opened: Opened) -> None:
        sales = create_agent(ScriptedModel(script=["We have three."]), [])

        @tool
        def ask_sales(question: str) -> str:
            """Ask the sales agent."""
            return str(sales.invoke({"messages": [HumanMessage(question)]})["messages"][-1].text)

        script = [calling("ask_sales", "a", question="How many?"), "Three are left."]
        talk = opened(create_agent(ScriptedModel(script=script), [ask_sales]))
        assert said(talk.says("How many?")) == ["Three are left."]

    def test_a_swarm_remembers_who_speaks(self, opened: Opened) -> None:
        class State(MessagesState):
            active_agent: str

        ana = create_agent(ScriptedModel(script=[calling("transfer_to_bob", "a")]), [transfer_to("bob")], name="ana")
        bob = create_agent(ScriptedModel(script=["Bob here.", "Still Bob."]), [], name="bob")
        builder = StateGraph(State)
        builder.add_node("ana", ana, destinations=("bob", END))
        builder.add_node("bob", bob)
        builder.add_conditional_edges(START, lambda state: state.get("active_agent") or "ana", ["ana", "bob"])
        talk = opened(builder)
        assert said(talk.says("Bob, please")) == ["Bob here."]
        assert said(talk.says("Who is there?")) == ["Still Bob."]

    def test_a_subgraph_that_shares_the_messages(self, opened: Opened) -> None:
        inner = chain(MessagesState, answer=lambda state: {"messages": [AIMessage("From within.")]}).compile()
        assert said(opened(chain(MessagesState, inner=inner)).says("Hi")) == ["From within."]

    def test_a_subgraph_with_a_state_of_its_own(self, opened: Opened) -> None:
        class Query(TypedDict):
            question: str
            answer: str

        inner = chain(Query, answer=lambda state: {"answer": state["question"].upper()}).compile()

        def call(state: MessagesState) -> Any:
            found = inner.invoke({"question": state["messages"][-1].text, "answer": ""})
            return {"messages": [AIMessage(found["answer"])]}

        assert said(opened(chain(MessagesState, call=call)).says("Hi")) == ["HI"]


class TestRetrieval:
    def test_an_agent_that_retrieves_by_a_tool(self, opened: Opened) -> None:
        @tool(response_format="content_and_artifact")
        def retrieve(query: str) -> tuple[str, list[dict[str, str]]]:
            """Find what we have written about it."""
            found = [{"text": "Open 9 to 5", "source": "hours.md"}]
            return found[0]["text"], found

        script = [calling("retrieve", "a", query="hours"), "From 9 to 5."]
        talk = opened(create_agent(ScriptedModel(script=script), [retrieve]))
        assert said(talk.says("When are you open?")) == ["From 9 to 5."]

    def test_two_steps(self, opened: Opened) -> None:
        class State(MessagesState):
            context: list[str]

        model = ScriptedModel(script=["From 9 to 5."])

        def generate(state: State) -> Any:
            system = SystemMessage("\n".join(state["context"]))
            return {"messages": [model.invoke([system, *state["messages"]])]}

        talk = opened(chain(State, retrieve=lambda state: {"context": ["Open 9 to 5"]}, generate=generate))
        assert said(talk.says("When are you open?")) == ["From 9 to 5."]
        assert model.heard[0][0].text == "Open 9 to 5"

    def test_an_agent_that_asks_a_database(self, opened: Opened) -> None:
        database = sqlite3.connect(":memory:", check_same_thread=False)
        database.executescript("CREATE TABLE orders (id TEXT, day TEXT); INSERT INTO orders VALUES ('A1', 'Monday')")

        @tool
        def query(sql: str) -> str:
            """Run a query; what is wrong with it is answered."""
            try:
                return str(database.execute(sql).fetchall())
            except sqlite3.Error as error:
                return f"Error: {error}"

        model = ScriptedModel(
            script=[
                calling("query", "a", sql="SELECT when FROM orders"),
                calling("query", "b", sql="SELECT day FROM orders WHERE id = 'A1'"),
                "On Monday.",
            ]
        )
        talk = opened(create_agent(model, [query]))
        assert said(talk.says("When was A1 sent?")) == ["On Monday."]
        assert model.heard[-1][-1].text == "[('Monday',)]"
        database.close()

    def test_tools_of_an_mcp_server(self, opened: Opened) -> None:
        """As its adapters make them: tools that can only be awaited."""

        async def fetch(order: str) -> str:
            """Fetch an order."""
            return f"{order}: sent"

        tools = [StructuredTool.from_function(coroutine=fetch, name="fetch")]
        script = [calling("fetch", "a", order="A1"), "It was sent."]
        talk = opened(create_agent(ScriptedModel(script=script), tools))
        assert said(talk.says("A1?")) == ["It was sent."]


class Drafts(MessagesState):
    drafts: Annotated[list[str], operator.add]


class TestSteps:
    def test_a_node_says_where_to_go(self, opened: Opened) -> None:
        def route(state: MessagesState) -> Command[Literal["sales", "help"]]:
            return Command(goto="sales" if "buy" in state["messages"][-1].text else "help")

        builder = StateGraph(MessagesState)
        builder.add_node("route", route)
        builder.add_node("sales", lambda state: {"messages": [AIMessage("Which one?")]})
        builder.add_node("help", lambda state: {"messages": [AIMessage("What is wrong?")]})
        builder.add_edge(START, "route")
        talk = opened(builder)
        assert said(talk.says("I want to buy")) == ["Which one?"]
        assert said(talk.says("It is broken")) == ["What is wrong?"]

    def test_map_and_reduce(self, opened: Opened) -> None:
        class State(MessagesState):
            found: Annotated[list[str], operator.add]

        class One(TypedDict):
            shop: str

        def search(state: One) -> Any:
            return {"found": [f"{state['shop']}: 3"]}

        def tell(state: State) -> Any:
            return {"messages": [AIMessage(", ".join(state["found"]))]}

        builder = StateGraph(State)
        builder.add_node("search", search)
        builder.add_node("tell", tell)
        builder.add_conditional_edges(START, lambda _: [Send("search", {"shop": each}) for each in "AB"], ["search"])
        builder.add_edge("search", "tell")
        builder.add_edge("tell", END)
        talk = opened(builder)
        assert said(talk.says("How many?")) == ["A: 3, B: 3"]
        assert said(talk.says("And now?")) == ["A: 3, B: 3, A: 3, B: 3"]  # a channel of the graph's own goes on

    def reflecting(self, drafts: str) -> StateGraph[Any, Any, Any, Any]:
        model = ScriptedModel(script=["A first draft.", "A better one."])

        def write(state: Drafts) -> Any:
            draft = model.invoke(state["messages"])
            return {"messages": [draft]} if drafts == "messages" else {"drafts": [draft.text]}

        def reflect(state: Drafts) -> Any:
            return {"messages": [HumanMessage("Be kinder.")]} if drafts == "messages" else {}

        def is_done(state: Drafts) -> str:
            written = state["drafts"] if drafts == "drafts" else [m for m in state["messages"] if m.type == "ai"]
            return "reflect" if len(written) < 2 else "tell"

        builder = StateGraph(Drafts)
        builder.add_node("write", write)
        builder.add_node("reflect", reflect)
        builder.add_node("tell", lambda state: {"messages": [AIMessage(each) for each in state["drafts"][-1:]]})
        builder.add_edge(START, "write")
        builder.add_conditional_edges("write", is_done, ["reflect", "tell"])
        builder.add_edge("reflect", "write")
        return builder

    def test_reflection_in_the_messages_says_each_draft(self, opened: Opened) -> None:
        assert said(opened(self.reflecting("messages")).says("Write to me")) == ["A first draft.", "A better one."]

    def test_reflection_in_a_channel_of_its_own_says_the_last(self, opened: Opened) -> None:
        assert said(opened(self.reflecting("drafts")).says("Write to me")) == ["A better one."]

    def test_plan_and_execute_without_messages_is_refused(self, opened: Opened) -> None:
        class Plan(TypedDict):
            input: str
            plan: list[str]
            past_steps: Annotated[list[tuple[str, str]], operator.add]
            response: str

        with pytest.raises(GraphError, match="has no `messages` channel"):
            opened(chain(Plan, planner=lambda state: {"plan": ["look"]}, execute=lambda state: {"response": "ok"}))

    def test_plan_and_execute_with_messages(self, opened: Opened) -> None:
        class Plan(MessagesState):
            plan: list[str]
            past_steps: Annotated[list[str], operator.add]

        def execute(state: Plan) -> Any:
            return {"plan": state["plan"][1:], "past_steps": [f"{state['plan'][0]}: done"]}

        builder = StateGraph(Plan)
        builder.add_node("planner", lambda state: {"plan": ["look", "book"]})
        builder.add_node("execute", execute)
        builder.add_node("tell", lambda state: {"messages": [AIMessage("; ".join(state["past_steps"]))]})
        builder.add_edge(START, "planner")
        builder.add_edge("planner", "execute")
        builder.add_conditional_edges("execute", lambda state: "execute" if state["plan"] else "tell")
        assert said(opened(builder).says("Book a cut")) == ["look: done; book: done"]
