"""A mailbox's steps, as tests take them: on a real one or on the fake."""

from __future__ import annotations

import json
from collections.abc import Callable

from tasks.mailbox import Mailbox, Sending, Timing, Turn, WakeThinker
from tests.fakes import FakeMailbox

AT_ONCE = Timing(quiet_s=0, most_quiet_s=0, lease_s=30, grace_s=30)
LOST_AT_ONCE = Timing(quiet_s=0, most_quiet_s=0, lease_s=0, grace_s=0)


AnyMailbox = Mailbox | FakeMailbox
Open = Callable[[Timing], AnyMailbox]
"""Another mailbox on the same conversations, with its own timing."""


def accepted(mailbox: AnyMailbox, *ids: int, conversation_id: int = 3) -> WakeThinker:
    doorbells = [mailbox.accept(conversation_id, id, f"message {id}").doorbell for id in ids]
    assert doorbells[0] is not None
    return doorbells[0]


def claimed(mailbox: AnyMailbox, doorbell: WakeThinker, conversation_id: int = 3) -> Turn:
    turn = mailbox.claim(conversation_id, doorbell.bell)
    assert isinstance(turn, Turn)
    return turn


def begun(mailbox: AnyMailbox, conversation_id: int = 3) -> Sending:
    sending = mailbox.begin_sending(conversation_id)
    assert sending is not None
    return sending


def said(id: int, by: str = "customer") -> str:
    return json.dumps({"id": id, "by": by})
