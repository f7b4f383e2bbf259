"""Customers and people at work, each conversation by its plan, and what they noted of it."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from sandbox import Sandbox
from sandbox.world import AgentBot, Message, MessageType, User
from tests.people.plan import MARTA, PABLO, Step
from tests.people.timeline import Act, By, Doing, Said, Timeline

_TOKENS = {MARTA: "admin-token", PABLO: "agent-token"}
_PATIENCE_S = 60

Call = tuple[str, dict[str, Any]]
"""What is posted into the conversation: the end of its address, and the body."""


@dataclass
class Talk:
    """One conversation, and who is in it."""

    sandbox: Sandbox
    http: httpx.Client
    id: int
    chance: random.Random
    acts: list[Act] = field(default_factory=list)
    written: int = 0
    said_by_people: int = 0

    def customer_writes(self, waits: Sequence[float]) -> None:
        """Numbered texts, so that each is known again in the bot's echo."""
        for after_s in waits:
            time.sleep(after_s)
            self.written += 1
            self.sandbox.customer_writes(f"{self.id}/{self.written}", conversation_id=self.id)

    def people_act(self, steps: Sequence[Step]) -> None:
        for step in steps:
            time.sleep(step.after_s)
            self.do(step.doing, step.who, step.whom)

    def do(self, doing: Doing, who: str, whom: str | None = None) -> None:
        """One act, by the API, noted with the times at which it was begun and answered."""
        calls = list(self._calls(doing, whom))
        begun = time.time()
        for path, body in calls:
            self._post(path, body, who)
        self.acts.append(Act(doing, begun, time.time(), who))

    def timeline(self) -> Timeline:
        said = (_said(message) for message in self.sandbox.records(self.id))
        return Timeline(self.id, tuple(said), tuple(self.acts))

    def _calls(self, doing: Doing, whom: str | None) -> Iterator[Call]:
        match doing:
            case Doing.ASSIGN:
                users = {MARTA: self.sandbox.admin, PABLO: self.sandbox.agent}
                yield "assignments", {"assignee_id": users[whom or MARTA].id}
            case Doing.OPEN:
                yield "toggle_status", {"status": "open"}
            case Doing.WRITE:
                self.said_by_people += 1
                yield "messages", {"content": f"person {self.id}/{self.said_by_people}"}
            case Doing.PAUSE:
                yield "labels", {"labels": ["bot-paused"]}
            case Doing.RESOLVE:
                yield "toggle_status", {"status": "resolved"}
            case Doing.UNASSIGN:
                yield "assignments", {"assignee_id": None}
            case Doing.SET_PENDING:
                yield "toggle_status", {"status": "pending"}
            case Doing.HAND_BACK:
                yield from self._back()

    def _back(self) -> Iterator[Call]:
        """Who has only written finds it pending and, as in the interface, opens it first; the rest in any order."""
        rest: list[Call] = [
            ("toggle_status", {"status": "pending"}),
            ("assignments", {"assignee_id": None}),
            ("labels", {"labels": []}),
        ]
        self.chance.shuffle(rest)
        return iter([("toggle_status", {"status": "open"}), *rest])

    def _post(self, path: str, body: dict[str, Any], who: str) -> None:
        url = f"{self.sandbox.url}/api/v1/accounts/1/conversations/{self.id}/{path}"
        headers = {"Api-Access-Token": _TOKENS[who]}
        self.http.post(url, json=body, headers=headers, timeout=_PATIENCE_S).raise_for_status()


def _said(message: Message) -> Said:
    return Said(message.id, message.created_at, _by(message), message.content or "", message.private)


def _by(message: Message) -> By:
    if message.message_type is MessageType.INCOMING:
        return By.CUSTOMER
    if isinstance(message.sender, AgentBot):
        return By.BOT
    return By.PERSON if isinstance(message.sender, User) else By.CHATWOOT
