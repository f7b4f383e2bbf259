"""Who has waited too long: by the messages themselves, however long the conversation shows as waiting."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from chatwoot.client import Client
from tasks.mailbox import Turn, WakeThinker
from tasks.mailbox.doorbells import Doorbells
from tasks.ownership.policy import Policy
from tasks.recovery.waiting import WaitMonitor
from tests.fakes import FakeMailbox, Memory
from tests.said import customer, reply

DAY_S = 24 * 3600
NOBODY_HEARS = Doorbells(lambda conversation_id, ring: None, lambda conversation_id: None)
POLICY = Policy(account_id=1, answer_inbox_ids=None, answer_statuses=frozenset({"pending", "open"}))


@dataclass
class Chatwoot:
    """One conversation, numbered 3, pending and unassigned unless said otherwise; and a mailbox for it."""

    messages: list[dict[str, Any]]
    waits_s: float | None
    shown: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    opened: list[int] = field(default_factory=list)
    mailbox: FakeMailbox = field(default_factory=lambda: FakeMailbox(Memory()))

    def hand_over(self, conversation_id: int) -> None:
        self.opened.append(conversation_id)

    def silenced(self, *message_ids: int) -> None:
        """A turn has answered them with nothing."""
        for id in message_ids:
            bell = self.mailbox.accept(3, id, json.dumps({"id": id, "by": "customer"})).doorbell
            assert isinstance(bell, WakeThinker)
            self.mailbox._memory.now += 10
            turn = self.mailbox.claim(3, bell.bell)
            assert isinstance(turn, Turn)
            self.mailbox.commit(turn, [])

    def watch(self) -> list[int]:
        """Which conversations were opened."""
        client = Client("http://chatwoot.test", 1, "token", transport=httpx.MockTransport(self._answer))
        WaitMonitor(
            client=client,
            mailbox=self.mailbox,  # type: ignore[arg-type]
            handover=self,  # type: ignore[arg-type]
            policy=POLICY,
            doorbells=NOBODY_HEARS,
            most_wait_s=600,
        ).hand_over_who_waits()
        return self.opened

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/messages"):
            self.asked.append("messages")
            return httpx.Response(200, json={"payload": self.messages})
        is_here = request.url.params["page"] == "1" and request.url.params["status"] == self._conversation["status"]
        return httpx.Response(200, json={"data": {"payload": [self._conversation] if is_here else []}})

    @property
    def _conversation(self) -> dict[str, Any]:
        newest = self.messages[-1]
        return {
            "id": 3,
            "status": "pending",
            "waiting_since": time.time() - self.waits_s if self.waits_s else 0,
            "last_activity_at": newest["created_at"],
            "last_non_activity_message": newest,
            **self.shown,
        }


def test_who_waits_too_long_is_opened() -> None:
    assert Chatwoot([customer(1, age_s=700)], waits_s=700).watch() == [3]


def test_who_has_just_begun_to_wait_is_not_even_asked_about() -> None:
    chatwoot = Chatwoot([customer(1, age_s=30)], waits_s=30)
    assert chatwoot.watch() == []
    assert chatwoot.asked == []


def test_who_is_answered_is_not_even_asked_about() -> None:
    chatwoot = Chatwoot([customer(1, age_s=700), reply(2, 1, age_s=690)], waits_s=None)
    assert chatwoot.watch() == []
    assert chatwoot.asked == []


def test_a_silence_is_left_also_when_nobody_remembers_it() -> None:
    chatwoot = Chatwoot([customer(1, age_s=700)], waits_s=700)
    chatwoot.silenced(1)
    assert chatwoot.watch() == []
    assert Chatwoot([customer(1, age_s=8 * DAY_S)], waits_s=8 * DAY_S).watch() == []


def test_a_forgotten_silence_does_not_stand_for_what_came_after_it() -> None:
    said = [customer(1, age_s=8 * DAY_S), customer(2, age_s=DAY_S), reply(3, 2, age_s=DAY_S), customer(4, age_s=700)]
    chatwoot = Chatwoot(said, waits_s=700)
    chatwoot.silenced(4)
    assert chatwoot.watch() == []


@pytest.mark.parametrize("waits_s", [DAY_S, 8 * DAY_S])
def test_who_writes_after_a_silence_is_opened(waits_s: float) -> None:
    chatwoot = Chatwoot([customer(1, age_s=waits_s), customer(2, age_s=700)], waits_s=waits_s)
    chatwoot.silenced(1)
    assert chatwoot.watch() == [3]


def test_who_writes_shortly_after_a_silence_has_not_waited_yet() -> None:
    chatwoot = Chatwoot([customer(1, age_s=DAY_S), customer(2, age_s=30)], waits_s=DAY_S)
    chatwoot.silenced(1)
    assert chatwoot.watch() == []


def test_an_answer_that_nobody_has_heard_is_none() -> None:
    chatwoot = Chatwoot([customer(1, age_s=700), reply(2, 1, age_s=690, status="failed")], waits_s=None)
    chatwoot.silenced(1)
    assert chatwoot.watch() == [3]


def test_an_answer_that_failed_and_was_given_again_is_one() -> None:
    said = [customer(1, age_s=900), reply(2, 1, age_s=890, status="failed"), reply(3, 1, age_s=700)]
    assert Chatwoot(said, waits_s=None).watch() == []


def test_a_wait_is_told_of_once() -> None:
    chatwoot = Chatwoot([customer(1, age_s=700)], waits_s=700)
    assert chatwoot.watch() == [3]
    chatwoot.messages.append(customer(2, age_s=650))
    assert chatwoot.watch() == [3]


def test_what_people_have_opened_and_taken_is_theirs() -> None:
    taken = {"status": "open", "meta": {"assignee": {"id": 1, "type": "user"}}}
    assert Chatwoot([customer(1, age_s=700)], waits_s=700, shown=taken).watch() == []
