"""Which conversations are looked into for lost messages, and what becomes of what is found there."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from chatwoot.client import Client
from tasks.mailbox import WakeThinker
from tasks.mailbox.doorbells import Doorbells
from tasks.ownership.intake import Intake
from tasks.ownership.policy import Policy
from tasks.recovery.lost_webhooks import LostWebhooks
from tests.fakes import FakeMailbox, Memory
from tests.said import customer, reply

HOUR_S = 3600
POLICY = Policy(account_id=1, answer_inbox_ids=None, answer_statuses=frozenset({"pending"}))
PERSON = {"assignee": {"id": 1, "type": "user"}}
LUCIA = {"sender": {"id": 7, "phone_number": "+34623226544"}}


@dataclass
class Chatwoot:
    """One pending conversation, numbered 3; and what is known of it here. What was active 200 s ago is not lately."""

    messages: list[dict[str, Any]]
    waits_s: float | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    was_asked: bool = False
    rung: list[int] = field(default_factory=list)
    entered: list[tuple[int, int | None, str | None]] = field(default_factory=list)
    mailbox: FakeMailbox = field(default_factory=lambda: FakeMailbox(Memory()))

    def add(self, conversation_id: int, *, contact_id: int | None, phone_number: str | None) -> None:
        self.entered.append((conversation_id, contact_id, phone_number))

    def is_heard_elsewhere(self, conversation_id: int, place: object, source_id: str | None) -> bool:
        return False

    def reconcile(self) -> int:
        def ring(conversation_id: int, doorbell: WakeThinker) -> None:
            self.rung.append(conversation_id)

        return LostWebhooks(
            client=Client("http://chatwoot.test", 1, "token", transport=httpx.MockTransport(self._answer)),
            intake=Intake(mailbox=self.mailbox, index=self, twins=self, policy=POLICY),  # type: ignore[arg-type]
            policy=POLICY,
            doorbells=Doorbells(ring, lambda conversation_id: None),
            horizon_s=HOUR_S,
            grace_s=10,
            lately_s=200,
            give_way=lambda calls: None,
            gone=lambda conversation_id: None,
        ).reconcile()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/messages"):
            self.was_asked = True
            return httpx.Response(200, json={"payload": self.messages})
        listed = [self._conversation] if request.url.params["page"] == "1" else []
        return httpx.Response(200, json={"data": {"payload": listed}})

    @property
    def _conversation(self) -> dict[str, Any]:
        return {
            "id": 3,
            "status": "pending",
            "meta": self.meta,
            "updated_at": time.time(),
            "waiting_since": time.time() - self.waits_s if self.waits_s else 0,
            "last_activity_at": self.messages[-1]["created_at"],
            "last_non_activity_message": self.messages[-1],
        }


@pytest.mark.parametrize("waits_s", [600, 2 * HOUR_S, None])
def test_who_is_not_answered_is_looked_at_however_long_it_seems_to_wait(waits_s: float | None) -> None:
    chatwoot = Chatwoot([customer(1, age_s=600)], waits_s)
    assert chatwoot.reconcile() == 1
    assert chatwoot.rung == [3]


def test_what_was_answered_a_while_ago_is_not_even_asked_about() -> None:
    chatwoot = Chatwoot([customer(1, age_s=700), reply(2, 1, age_s=690)])
    assert chatwoot.reconcile() == 0
    assert not chatwoot.was_asked


def test_what_was_seen_is_not_answered_again_though_its_answer_has_failed() -> None:
    chatwoot = Chatwoot([customer(1, age_s=60), reply(2, 1, age_s=50, status="failed")])
    chatwoot.mailbox.accept(3, 1, "seen")
    assert chatwoot.reconcile() == 0
    assert chatwoot.rung == []


def test_what_a_person_seems_to_have_is_kept_for_the_bot_to_know() -> None:
    chatwoot = Chatwoot([customer(1, age_s=60)], waits_s=60, meta=PERSON)
    assert (chatwoot.reconcile(), chatwoot.reconcile()) == (1, 0)
    assert chatwoot.rung == []
    assert not chatwoot.mailbox.is_done_with(3, 1)


def test_whose_it_is_is_known_for_the_day_on_which_they_are_to_be_forgotten() -> None:
    chatwoot = Chatwoot([customer(1, age_s=60)], waits_s=60, meta=LUCIA)
    chatwoot.reconcile()
    assert chatwoot.entered == [(3, 7, "+34623226544")]
