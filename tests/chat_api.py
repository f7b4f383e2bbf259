"""A stub of OpenAI's chat completions over real HTTP, and a model that speaks to it as `langchain-openai` does."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, convert_to_openai_messages
from langchain_core.output_parsers.openai_tools import make_invalid_tool_call, parse_tool_call
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool

HANGS = "hangs"
IN, OUT = 100, 10
"""Tokens of each answer, as it says."""


@dataclass
class ChatApi:
    """Answers a request by the next line of its script; then it echoes the customer.

    A line is a text that the model says, a status, an answer's body as it is (bytes), `HANGS`, or `call(...)`.
    """

    script: list[Any] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    """The bodies of all requests."""
    url: str = ""

    def texts(self, request: int = -1) -> str:
        """All that a request says to the model."""
        return json.dumps(self.asked[request]["messages"], ensure_ascii=False)

    def results(self, request: int = -1) -> list[str]:
        """What tools have answered, as the model reads it."""
        return [str(each["content"]) for each in self.asked[request]["messages"] if each["role"] == "tool"]


def call(name: str, arguments: Any = None, /, **values: Any) -> dict[str, Any]:
    """The model calls a tool; `arguments`: as they are, which may be no JSON."""
    written = arguments if arguments is not None else json.dumps(values)
    return {"name": name, "arguments": written}


@contextmanager
def serving() -> Iterator[ChatApi]:
    api = ChatApi()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            api.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            line = api.script.pop(0) if api.script else f"Echo: {api.asked[-1]['messages'][-1]['content']}"
            if line == HANGS:
                time.sleep(1.5)
            is_status = isinstance(line, int)
            body = line if isinstance(line, bytes) else json.dumps(_answer(line, len(api.asked))).encode()
            try:
                self.send_response(line if is_status else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                return  # who asked has gone

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    api.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    yield api
    server.shutdown()
    server.server_close()


def _answer(line: Any, number: int) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": line if isinstance(line, str) else None}
    calls = line if isinstance(line, list) else [line] if isinstance(line, dict) else []
    if calls:
        message["tool_calls"] = [
            {"id": f"call-{number}-{place}", "type": "function", "function": each} for place, each in enumerate(calls)
        ]
    usage = {"prompt_tokens": IN, "completion_tokens": OUT, "total_tokens": IN + OUT}
    return {"model": "gpt-5-mini-2025-08-07", "choices": [{"message": message}], "usage": usage}


class HttpModel(BaseChatModel):
    """Raises httpx's own errors, which have the answer's status as those of openai's client do."""

    url: str
    timeout_s: float = 0.8

    @property
    def _llm_type(self) -> str:
        return "http"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self.bind(tools=[convert_to_openai_tool(each) for each in tools])

    def _generate(self, messages: list[BaseMessage], *_: Any, **how: Any) -> ChatResult:
        body = {"model": "gpt-5-mini", "messages": convert_to_openai_messages(messages), "tools": how.get("tools", [])}
        answer = httpx.post(f"{self.url}/chat/completions", json=body, timeout=self.timeout_s)
        return ChatResult(generations=[ChatGeneration(message=_message(answer.raise_for_status().json()))])


def _message(answer: dict[str, Any]) -> AIMessage:
    said, used = answer["choices"][0]["message"], answer["usage"]
    calls, invalid = [], []
    for each in said.get("tool_calls") or ():
        try:
            calls.append(parse_tool_call(each, return_id=True))
        except OutputParserException as error:
            invalid.append(make_invalid_tool_call(each, str(error)))
    return AIMessage(
        said["content"] or "",
        tool_calls=[each for each in calls if each],
        invalid_tool_calls=invalid,
        response_metadata={"model_name": answer["model"]},
        usage_metadata={
            "input_tokens": used["prompt_tokens"],
            "output_tokens": used["completion_tokens"],
            "total_tokens": used["total_tokens"],
        },
    )
