"""The web process is replaced under load, and no webhook meets a closed door: Chatwoot would open the conversation."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from chatwoot.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from tests.stack import ROOT, SECRET, Stack, procfile, wait_until

HOLA = ROOT / "tests" / "payloads" / "message_created-incoming-whatsapp.json"
_PATIENCE_S = 60
"""Chatwoot's own are 5 s. Here only who is refused or forgotten counts, not how long a busy machine takes to start."""
_AT_ONCE = 4


class Chatwoot:
    """Delivers webhooks one after the other, each by a connection of its own, in several threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._ids = itertools.count(1000)
        self._ended = threading.Event()
        self.answers: Counter[str] = Counter()

    @contextmanager
    def delivering(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._deliver, daemon=True) for _ in range(_AT_ONCE)]
        for thread in threads:
            thread.start()
        yield
        self._ended.set()
        for thread in threads:
            thread.join()

    def _deliver(self) -> None:
        while not self._ended.is_set():
            self.answers[self._answer(next(self._ids))] += 1

    def _answer(self, id: int) -> str:
        webhook = json.loads(HOLA.read_text()) | {"id": id, "source_id": f"wamid.{id}"}
        webhook["conversation"]["id"] = id
        body, timestamp = json.dumps(webhook).encode(), str(int(time.time()))
        headers = {TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: sign(body, timestamp=timestamp, secret=SECRET)}
        try:
            return str(httpx.post(self._url, content=body, headers=headers, timeout=_PATIENCE_S).status_code)
        except httpx.HTTPError as error:
            return type(error).__name__


def begun(log: Path) -> int:
    return log.read_text().count("Booting worker")


def test_a_new_version_by_sighup(stack: Stack) -> None:
    """The socket stays with gunicorn's parent; new processes take it before the old ones end."""
    web = stack.start_web(WEB_CONCURRENCY="2")
    chatwoot = Chatwoot(stack.webhook_url)
    with chatwoot.delivering():
        for round in range(2, 5):
            os.kill(web.pid, signal.SIGHUP)
            wait_until(lambda round=round: begun(web.log) >= 2 * round, what="new processes")
            answered = chatwoot.answers["200"]
            wait_until(lambda answered=answered: chatwoot.answers["200"] > answered + 20, what="more webhooks")
    assert set(chatwoot.answers) == {"200"}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_socket_that_stays_while_the_process_is_replaced(how: signal.Signals, stack: Stack) -> None:
    """As systemd hands it over (docs/operations.md): who comes meanwhile waits in it."""
    with socket.create_server(("127.0.0.1", stack.port), backlog=1024) as door:
        running = started(stack, door)
        wait_until(lambda: is_ready(stack), what="the first process")
        chatwoot = Chatwoot(stack.webhook_url)
        try:
            with chatwoot.delivering():
                for _ in range(2):
                    wait_until(lambda: chatwoot.answers["200"] > 20, what="webhooks")
                    before = chatwoot.answers["200"]
                    os.killpg(running.pid, how) if how is signal.SIGKILL else running.terminate()
                    running.wait()
                    running = started(stack, door)
                    wait_until(lambda before=before: chatwoot.answers["200"] > before + 20, what="more webhooks")
        finally:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
    refused = {answer for answer in chatwoot.answers if answer not in ("200", "ReadError", "RemoteProtocolError")}
    assert refused == set()
    if how is signal.SIGTERM:
        assert set(chatwoot.answers) == {"200"}


def started(stack: Stack, door: socket.socket) -> subprocess.Popen[bytes]:
    """The Procfile's line, with the socket in the place where systemd puts the first one."""
    line = f"exec 3<&{door.fileno()}; export LISTEN_FDS=1 LISTEN_PID=$$; exec {procfile()['web']}"
    with (stack.directory / "web.log").open("ab") as log:
        return subprocess.Popen(
            ["bash", "-c", line],
            cwd=ROOT,
            env=stack._environment({}),
            pass_fds=[door.fileno()],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def is_ready(stack: Stack) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{stack.port}/ready", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False
