"""`make demo`: one message through the whole stack, each step of its trip with its time; then everything stops.

Exit status 0 only if the reply arrived in the customer's conversation.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from sandbox.machine.endings import Ended, end_on_signals
from sandbox.machine.stack import Plan, Ports, Stack, StackError
from sandbox.machine.supervisor import SupervisorError

DIRECTORY = ".data/demo"
QUESTION, ANSWER = "Hola", "Echo: Hola"
CUSTOMER = {"content": QUESTION, "name": "Lucía", "phone_number": "+34600000001", "inbox_id": 1}
OUTGOING = 1


class DemoError(Exception):
    """The reply did not arrive."""


@dataclass(frozen=True, order=True)
class Step:
    """Something that happened on the message's way, and when (seconds since the epoch)."""

    at: float
    what: str


class Chatwoot:
    """What the demo does in the sandbox: writes as the customer, reads as the administrator."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def customer_writes(self) -> int:
        """Write, and return the number of the conversation in which it stands."""
        written = self._http.post("/sandbox/customers/messages", json=CUSTOMER).raise_for_status().json()
        return int(written["conversation_id"])

    def has_answer(self, conversation_id: int) -> bool:
        listed = self._http.get(f"/api/v1/accounts/1/conversations/{conversation_id}/messages")
        messages = listed.raise_for_status().json()["payload"]
        return any(each["content"] == ANSWER and each["message_type"] == OUTGOING for each in messages)

    def steps(self) -> Iterator[Step]:
        """Its deliveries of the customer's message, and what the product called."""
        for delivery in self._recorded("deliveries"):
            if delivery["body"].get("content") == QUESTION:
                outcome = delivery["status"] or delivery["error"]
                yield Step(delivery["at"], f"webhook {delivery['event']} to the {delivery['to']}'s URL: {outcome}")
        for request in self._recorded("requests"):
            if request["method"] == "POST":
                yield Step(request["at"], f"POST {request['path']}: {request['status']}")

    def _recorded(self, what: str) -> list[dict[str, Any]]:
        listed = self._http.get(f"/sandbox/{what}").raise_for_status().json()
        return list(listed)


def worker_steps(log: Path, conversation_id: int) -> Iterator[Step]:
    """What the worker logged while it ran the conversation's tasks."""
    for line in log.read_text(errors="replace").splitlines():
        with suppress(json.JSONDecodeError):
            entry = json.loads(line)
            if "task" in entry and entry.get("conversation_id") == conversation_id:
                yield Step(datetime.fromisoformat(entry["timestamp"]).timestamp(), f"{entry['task']}: {entry['event']}")


def follow(chatwoot: Chatwoot, worker_log: Path, patience_s: float = 30) -> list[Step]:
    """Write as the customer, wait for the reply, and return all that happened, in order.

    Raises:
        DemoError: no reply in time.
    """
    written_at = time.time()
    conversation_id = chatwoot.customer_writes()
    deadline = time.monotonic() + patience_s
    while not chatwoot.has_answer(conversation_id):
        if time.monotonic() > deadline:
            raise DemoError(f'no "{ANSWER}" in conversation {conversation_id} after {patience_s} s')
        time.sleep(0.02)
    return [
        Step(written_at, f'the customer writes "{QUESTION}" in conversation {conversation_id}'),
        *sorted([*chatwoot.steps(), *worker_steps(worker_log, conversation_id)]),
        Step(time.time(), f'"{ANSWER}" stands in conversation {conversation_id}'),
    ]


def demo(plan: Plan) -> None:
    """Run the stack for one message and print its trip.

    Raises:
        DemoError: the reply did not arrive.
    """
    began = time.monotonic()
    stack = Stack(plan, {**os.environ, "GRAPH": "graph.echo:graph"})
    print(f"starting {', '.join(stack.supervisor.logs)} …", flush=True)
    headers = {"Api-Access-Token": plan.admin_token}
    with stack, httpx.Client(base_url=plan.sandbox_url, headers=headers, trust_env=False) as http:
        print(f"all ready after {time.monotonic() - began:.1f} s\n", flush=True)
        trip = follow(Chatwoot(http), stack.supervisor.logs["worker"])
        for step in trip:
            print(f"  {step.at - trip[0].at:6.3f} s  {step.what}")
        print(f"\nthe customer was answered after {trip[-1].at - trip[0].at:.2f} s; stopping", flush=True)


def main() -> None:
    end_on_signals()
    plan = Plan(
        directory=Path(os.environ.get("DATA_DIR", DIRECTORY)).resolve(),
        ports=Ports.any_free(),
        given_redis_url=os.environ.get("REDIS_URL", ""),
    )
    try:
        demo(plan)
    except Ended:
        raise SystemExit("stopped") from None
    except (DemoError, StackError, SupervisorError) as error:
        raise SystemExit(f"{error}\nthe logs are in {plan.directory}/logs") from error


if __name__ == "__main__":
    main()
