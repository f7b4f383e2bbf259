"""What operators see: both tasks, their retries and failures; not what people wrote, nor their numbers."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from sandbox.machine.ports import free_port
from tests.desk import Desk
from tests.stack import Stack, wait_until

LOGIN = "operator:password"
WORDS = "my card is 4111"
PHONE = "+34999999999"


class Flower:
    def __init__(self, stack: Stack) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        stack.start("flower", FLOWER_PORT=str(port), FLOWER_BASIC_AUTH=LOGIN)

    def get(self, path: str, login: str = LOGIN) -> str:
        token = base64.b64encode(login.encode()).decode()
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Basic {token}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(answer.read().decode())

    def is_up(self) -> bool:
        try:
            return bool(self.get("/api/workers"))
        except (OSError, urllib.error.HTTPError):
            return False

    def tasks(self) -> list[dict[str, Any]]:
        return list(json.loads(self.get("/api/tasks")).values())

    def task(self, name: str, state: str) -> dict[str, Any] | None:
        return next((task for task in self.tasks() if task["name"] == name and task["state"] == state), None)

    def wait_for(self, name: str, state: str) -> dict[str, Any]:
        found = wait_until(lambda: self.task(name, state), what=f"{name} {state} in Flower")
        assert found is not None
        return found


@pytest.fixture
def flower(desk: Desk, stack: Stack) -> Flower:
    # Without WhatsApp's window: we may write first.
    stack.env["CHATWOOT_INBOX_ID"] = str(desk.sandbox.add_inbox(name="API", channel="api").id)
    watching = Flower(stack)
    stack.start_worker()
    wait_until(watching.is_up, what="Flower")
    wait_until(lambda: json.loads(watching.get("/api/workers?refresh=1")), what="Flower to see the worker")
    return watching


def test_both_tasks_are_seen_without_words_or_numbers(flower: Flower, desk: Desk, stack: Stack) -> None:
    stack.start_web()
    desk.conversation(3, PHONE)
    desk.sandbox.customer_writes(WORDS, conversation_id=3)
    desk.wait_for_replies(1)
    assert "'conversation_id': 3" in flower.wait_for("tasks.process_message", "SUCCESS")["kwargs"]
    assert "'conversation_id': 3" in flower.wait_for("tasks.send_reply", "SUCCESS")["kwargs"]
    nothing_slips(flower, stack)


def test_calls_by_hand_and_their_retries_show_no_words_or_numbers(flower: Flower, desk: Desk, stack: Stack) -> None:
    desk.sandbox.faults.add("503", method="POST", path=r".*", times=1)
    kwargs = json.dumps({"phone_number": PHONE, "content": WORDS, "key": f"reminder for {PHONE}"})
    stack.celery("call", "tasks.send_message", "--kwargs", kwargs)
    flower.wait_for("tasks.send_message", "SUCCESS")
    flower.wait_for("tasks.send_reply", "SUCCESS")
    nothing_slips(flower, stack)


def test_failures_show_no_words_or_numbers(flower: Flower, stack: Stack) -> None:
    wrong_names = json.dumps({"conversation_id": 3, "contents": WORDS, "phone_number": PHONE})
    stack.celery("call", "tasks.send_reply", "--kwargs", wrong_names)
    positional = json.dumps([WORDS, PHONE])
    stack.celery("call", "tasks.process_message", "--args", positional)
    missing = json.dumps({"conversation_id": 999999, "content": WORDS})
    stack.celery("call", "tasks.send_reply", "--kwargs", missing)
    stack.celery("call", "tasks.no_such_task", "--kwargs", json.dumps({"content": WORDS, "phone": PHONE}))
    refused = wait_until(
        lambda: [task for task in flower.tasks() if "Resource could not be found" in str(task["exception"])],
        what="the refusal in Flower",
    )
    assert refused[0]["state"] == "FAILURE"
    assert flower.wait_for("tasks.process_message", "FAILURE")["exception"].startswith("OddArguments(")
    wait_until(lambda: "unregistered task" in stack.logs(), what="the unknown task in the log")
    nothing_slips(flower, stack)


def test_a_retry_is_seen_as_one(flower: Flower, desk: Desk, stack: Stack) -> None:
    desk.conversation(3)
    desk.sandbox.faults.add("503", method="POST", path=r".*/messages$", times=100)
    stack.celery("call", "tasks.send_reply", "--kwargs", '{"conversation_id": 3, "content": "Hola"}')
    task = flower.wait_for("tasks.send_reply", "RETRY")
    assert task["retries"] is not None
    desk.sandbox.faults.clear()
    assert flower.wait_for("tasks.send_reply", "SUCCESS")["retries"] >= 1


def test_without_a_login_nothing_is_seen(flower: Flower) -> None:
    for path in ("/", "/api/tasks"):
        with pytest.raises(urllib.error.HTTPError, match="401"):
            flower.get(path, "operator:wrong")


def nothing_slips(flower: Flower, stack: Stack) -> None:
    """Neither in what Flower knows, nor in its pages, nor in a log."""
    seen = [flower.get("/api/tasks"), flower.get("/tasks"), stack.logs()]
    seen += [flower.get(f"/task/{task['uuid']}") for task in flower.tasks()]
    seen += [flower.get("/api/workers?refresh=1")]
    for text in seen:
        assert WORDS not in text
        assert PHONE.removeprefix("+") not in text
