"""Photographs and PDFs are seen, voice notes are heard: through real workers, and with a stub of OpenAI's API."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import redis

from sandbox.machine.redis import RedisServer
from tests.desk import Desk
from tests.memory import remembered
from tests.stack import Stack, wait_until

PIXELS = b"\x89PNG, and the customer's face"
ASKED_TO_WRITE = "I cannot listen here. Could you write it?"


def file(name: str, content_type: str, content: bytes) -> dict[str, str]:
    return {"filename": name, "content_type": content_type, "data": base64.b64encode(content).decode()}


PHOTO = file("photo.png", "image/png", PIXELS)
MENU = file("menu.pdf", "application/pdf", b"%PDF-1.7")


def voice(says: bytes) -> dict[str, str]:
    return file("voice.ogg", "audio/ogg", says)


@pytest.fixture(autouse=True)
def _conversation(desk: Desk, stack: Stack) -> None:
    stack.env["TRANSCRIPT_WAIT_SECONDS"] = "0"
    desk.conversation(3)


def everything(client: redis.Redis) -> list[bytes]:
    with redis.Redis(connection_pool=redis.ConnectionPool(**raw(client))) as other:
        return [other.dump(key) or b"" for key in other.scan_iter()]


def raw(client: redis.Redis) -> dict[str, Any]:
    return {**client.connection_pool.connection_kwargs, "decode_responses": False}


@pytest.mark.parametrize("durability", ["exit", "sync"])
def test_a_photograph_and_a_pdf_are_seen_and_kept_nowhere(
    durability: str, desk: Desk, stack: Stack, redis_client: redis.Redis
) -> None:
    stack.env |= {"GRAPH": "tests.graphs:seeing", "GRAPH_DURABILITY": durability}
    stack.start_web()
    stack.start_worker()
    desk.sandbox.customer_writes("What is this?", conversation_id=3, attachments=[PHOTO, MENU])
    assert desk.wait_for_replies(1) == [f"I see image/png of {len(PIXELS)}, application/pdf of 8"]
    for dump in everything(redis_client):
        assert PIXELS[8:] not in dump
        assert base64.b64encode(PIXELS)[:20] not in dump


def test_a_photograph_that_cannot_be_had_is_no_reason_to_be_silent(desk: Desk, stack: Stack) -> None:
    stack.env |= {"GRAPH": "tests.graphs:seeing", "MEDIA_MAX_MB": "0.00002"}
    stack.start_web()
    worker = stack.start_worker()
    desk.sandbox.customer_writes("What is this?", conversation_id=3, attachments=[PHOTO])
    assert desk.wait_for_replies(1) == ["I see [image that could not be loaded]"]
    assert "file_not_fetched" in worker.log.read_text()


def test_a_voice_note_is_heard_by_a_function_of_ones_own(desk: Desk, stack: Stack, redis_server: RedisServer) -> None:
    stack.env["TRANSCRIBE"] = "tests.transcripts:backwards"
    stack.start_web()
    stack.start_worker()
    desk.sandbox.customer_writes(conversation_id=3, attachments=[voice(b"olleH")])
    assert desk.wait_for_replies(1) == ["Echo: Hello"]
    assert remembered(redis_server, "graph.echo:graph") == ["Hello", "Echo: Hello"]


@pytest.mark.parametrize("reply", [ASKED_TO_WRITE, ""])
def test_what_cannot_be_heard_is_asked_for_in_writing_or_peoples(reply: str, desk: Desk, stack: Stack) -> None:
    stack.env |= {"TRANSCRIBE": "tests.transcripts:backwards", "UNHEARD_REPLY": reply}
    stack.start_web()
    worker = stack.start_worker()
    desk.sandbox.customer_writes(conversation_id=3, attachments=[voice(b"noise")])
    if reply:
        assert desk.wait_for_replies(1) == [reply]
        desk.sandbox.customer_writes("Hello", conversation_id=3)
        assert desk.wait_for_replies(2)[1] == "Echo: Hello"
    else:
        wait_until(lambda: desk.notes(3), what="people to be told")
        assert desk.notes(3) == ["A voice note could not be heard (RuntimeError)."]
    assert "secret" not in worker.log.read_text()


def test_what_was_written_beside_it_is_answered(desk: Desk, stack: Stack) -> None:
    stack.env |= {"TRANSCRIBE": "tests.transcripts:backwards", "COALESCE_SECONDS": "2"}
    stack.start_web()
    stack.start_worker()
    desk.sandbox.customer_writes(conversation_id=3, attachments=[voice(b"noise")])
    desk.sandbox.customer_writes("Hello", conversation_id=3)
    assert desk.wait_for_replies(1) == ["Echo: [audio]\nHello"]


class OpenAi:
    """A stub of the API's /audio/transcriptions."""

    def __init__(self) -> None:
        self.fails = 0
        self.asked: list[tuple[str, bytes]] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                stub.asked.append((f"{self.path} {self.headers['Authorization']}", body))
                stub.fails -= 1
                answer = json.dumps({"text": " A table for two "}).encode()
                self.send_response(503 if stub.fails >= 0 else 200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"


@pytest.fixture
def openai() -> Iterator[OpenAi]:
    stub = OpenAi()
    threading.Thread(target=stub.server.serve_forever, daemon=True).start()
    yield stub
    stub.server.shutdown()
    stub.server.server_close()


@pytest.mark.parametrize(("fails", "said"), [(0, "Echo: A table for two"), (1, "Echo: A table for two")])
def test_a_voice_note_is_heard_by_openai(fails: int, said: str, openai: OpenAi, desk: Desk, stack: Stack) -> None:
    """Also where it fails once."""
    openai.fails = fails
    key = {"OPENAI_API_KEY": "a-key", "OPENAI_BASE_URL": openai.url}
    stack.env |= {"TRANSCRIBE": "openai:gpt-4o-mini-transcribe", **key}
    stack.start_web()
    stack.start_worker()
    desk.sandbox.customer_writes(conversation_id=3, attachments=[voice(b"RIFF and so on")])
    assert desk.wait_for_replies(1) == [said]
    (where, body) = openai.asked[-1]
    assert where == "/v1/audio/transcriptions Bearer a-key"
    assert b"gpt-4o-mini-transcribe" in body
    assert b"RIFF and so on" in body
    assert len(openai.asked) == 1 + fails


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("openai:whisper-1", "needs OPENAI_API_KEY"),
        ("tests.transcripts:nothing", "nothing"),
        ("no.such.module:f", "No module named 'no'"),
        ("tests.transcripts", "TRANSCRIBE=tests.transcripts"),
    ],
)
def test_what_does_not_transcribe_is_refused_at_start(spec: str, why: str, stack: Stack) -> None:
    worker = stack.start("worker", TRANSCRIBE=spec, OPENAI_API_KEY="")
    wait_until(lambda: not worker.is_alive, what="the worker to end")
    assert why in worker.log.read_text()
