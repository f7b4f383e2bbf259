"""A conversation's memory as every model API accepts it: nothing between a tool call and its answer, nothing empty.

OpenAI's, Anthropic's and Google's all refuse a history in which a tool call is not answered at once, in which a tool
answers what nobody asked, or which does not begin with the user.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

LAST_CALL_WAITS = "the last tool call is not answered"
_NOTHING_YET = "[The customer has said nothing yet.]"
_BEFORE = ".before"


def pending_calls(messages: Sequence[BaseMessage]) -> set[str]:
    """The ids of the tool calls that nothing answers yet."""
    answered = {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}
    return set(_calls(messages)) - answered


def mended(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """The same with each tool call answered at once: what was said in between comes after the answers.

    A call that nothing answers, and an answer to no call, are gone; so is a message of the graph's that says nothing.
    """
    answers = {message.tool_call_id: message for message in messages if isinstance(message, ToolMessage)}
    kept: list[BaseMessage] = []
    for message in messages:
        if isinstance(message, ToolMessage):
            continue
        if isinstance(message, AIMessage) and message.tool_calls:
            message, after = _with_answers(message, answers)
            kept += [message, *after] if message.tool_calls or message.text.strip() else after
        elif not says_nothing(message):
            kept.append(message)
    return kept


def says_nothing(message: BaseMessage) -> bool:
    """Of the graph's: neither words, nor a tool call, nor what it thought."""
    if not isinstance(message, AIMessage) or message.tool_calls or isinstance(message.content, list):
        return False
    return not message.text.strip()


def trimmed(messages: Sequence[BaseMessage], most: int) -> list[BaseMessage]:
    """The last `most` of them, beginning with one of the customer's, so that no tool call is torn from its answer.

    Where one turn alone is longer, all of that. Instructions (system messages) stay, and do not count.
    """
    others = [message for message in messages if not isinstance(message, SystemMessage)]
    starts = [place for place, message in enumerate(others) if isinstance(message, HumanMessage)]
    fitting = [place for place in starts if len(others) - place <= most]
    start = fitting[0] if fitting else starts[-1] if starts and most > 0 else len(others)
    kept = set(map(id, others[start:]))
    return [message for message in messages if isinstance(message, SystemMessage) or id(message) in kept]


def opened(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """The same as models begin: with the customer, also where the business has written first."""
    first = next((place for place, message in enumerate(messages) if not isinstance(message, SystemMessage)), None)
    if first is None or not isinstance(messages[first], AIMessage):
        return list(messages)
    opening = HumanMessage(_NOTHING_YET, id=f"{messages[first].id}{_BEFORE}")
    return [*messages[:first], opening, *messages[first:]]


def problems(messages: Sequence[BaseMessage]) -> list[str]:
    """What a model API would refuse in it, in words; empty: nothing."""
    return list(_problems(messages))


def _problems(messages: Sequence[BaseMessage]) -> Iterator[str]:
    expected: Collection[str] = ()
    spoken = [message for message in messages if not isinstance(message, SystemMessage)]
    if spoken and not isinstance(spoken[0], HumanMessage):
        yield f"it begins with {spoken[0].type}"
    for place, message in enumerate(spoken):
        if isinstance(message, ToolMessage):
            if message.tool_call_id not in expected:
                yield f"message {place} answers no call"
            expected = {call for call in expected if call != message.tool_call_id}
            continue
        if expected:
            yield f"message {place} stands between a tool call and its answer"
        expected = [str(call["id"]) for call in message.tool_calls] if isinstance(message, AIMessage) else ()
        if not message.text.strip() and not expected and not isinstance(message.content, list):
            yield f"message {place} is empty"
    if expected:
        yield LAST_CALL_WAITS


def _calls(messages: Sequence[BaseMessage]) -> Iterator[str]:
    for message in messages:
        for call in message.tool_calls if isinstance(message, AIMessage) else ():
            yield str(call["id"])


def _with_answers(message: AIMessage, answers: dict[str, ToolMessage]) -> tuple[AIMessage, list[BaseMessage]]:
    """The message with those of its calls that are answered, and the answers."""
    answered = [call for call in message.tool_calls if call["id"] in answers]
    if len(answered) < len(message.tool_calls):
        content = message.content if isinstance(message.content, str) else message.text
        message = AIMessage(content, id=message.id, name=message.name, tool_calls=answered)
    return message, [answers[str(call["id"])] for call in answered]
