"""Promise 4: whatever breaks, a reply goes to the conversation that the webhook named; none is looked for."""

from __future__ import annotations

import re

from tests.desk import Desk
from tests.stack import Stack, wait_until
from tests.tally import of_conversation


def test_two_conversations_of_one_customer(desk: Desk, stack: Stack) -> None:
    """A worker dies with a reply on its way; the customer's newest conversation is the wrong one."""
    stack.start_web()
    worker = stack.start_worker(CONTESTA_DIE_AT="post.after")
    contact = desk.sandbox.add_contact(name="Lucía", phone_number="+34623226544")
    for id in (3, 7):
        desk.sandbox.add_conversation(inbox_id=desk.inbox_id, contact_id=contact.id, id=id)
    desk.sandbox.faults.add("500")
    desk.sandbox.customer_writes("to three", conversation_id=3)
    desk.sandbox.customer_writes("to seven", conversation_id=7)
    wait_until(lambda: not worker.is_alive, what="the worker to die")
    stack.start_worker()
    wait_until(lambda: desk.replies(3) and desk.replies(7), what="both answers")
    assert (desk.replies(3), desk.replies(7)) == (["Echo: to three"], ["Echo: to seven"])
    assert of_conversation(desk, 3).is_clean
    assert desk.sandbox.conversation_ids == [3, 7]
    assert asked(desk) <= {"conversations/N", "conversations/N/messages"}


def asked(desk: Desk) -> set[str]:
    """What was asked of Chatwoot, without which conversation's it was."""
    return {re.sub(r"\d+", "N", path.removeprefix("/api/v1/accounts/1/")) for _, path in desk.calls()}
