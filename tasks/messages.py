"""The Celery tasks: their names, their retries, and one call each.

Every one may be delivered twice, late or never: they are doorbells, and the mailbox knows what is to be done.
"""

from __future__ import annotations

from typing import Any

import structlog
from celery import Task, chain, shared_task

from chatwoot.errors import ChatwootError, OutcomeUnknown, PermanentError, TransientError
from tasks import crash_points, wiring
from tasks.mailbox import Ring, TurnLost, Wait
from tasks.outreach import BadPhoneNumber
from tasks.quiet import ShowableError
from tasks.sending import TryLater, backoff_s

log = structlog.get_logger()

_MOST_COUNTDOWN_S = 240  # below the broker's visibility timeout (celeryconfig.py), or the message comes twice


class Refused(ShowableError):
    """Chatwoot refuses for good. What was refused is a dead letter."""


class BadCall(ShowableError):
    """The task was called with arguments that make no sense. Nothing was done."""


def ring(conversation_id: int, doorbell: Ring) -> None:
    """Have a worker look at the conversation."""
    answer = process_message.s(conversation_id=conversation_id, bell=doorbell.bell)
    reply = send_reply.s(conversation_id=conversation_id)
    with crash_points.around("ring"):
        chain(answer, reply).apply_async(countdown=doorbell.delay_s)


def send(conversation_id: int) -> None:
    """Have a worker look at the conversation's outbox."""
    send_reply.apply_async(kwargs={"conversation_id": conversation_id})


@shared_task(name="tasks.process_message", bind=True, max_retries=None)
def process_message(self: Task[..., Any], *, conversation_id: int, bell: str) -> int | None:
    """Answer what waits in the conversation, and let `send_reply` follow. Returns the turn's number."""
    from tasks.turn import GraphFailed

    try:
        answered = wiring.parts().answering.answer(conversation_id, bell)
    except GraphFailed as error:
        raise self.retry(exc=ShowableError(str(error)), countdown=error.retry_s) from None
    except TurnLost:
        log.warning("turn_lost")
        answered = None
    if isinstance(answered, Wait):
        raise self.retry(countdown=answered.seconds)
    if answered is None or answered.next is None or isinstance(answered.next, Ring):
        self.request.chain = None  # nothing to send
    if answered is None:
        return None
    if isinstance(answered.next, Ring):
        ring(conversation_id, answered.next)
    return answered.turn


@shared_task(name="tasks.send_reply", bind=True, max_retries=None)
def send_reply(
    self: Task[..., Any],
    turn: int | None = None,
    *,
    conversation_id: int,
    content: str | None = None,
    private: bool = False,
    key: str | None = None,
) -> int:
    """Post what stands in the conversation's outbox; with `content`, that too, behind it.

    By hand: `celery -A tasks call tasks.send_reply --kwargs '{"conversation_id": 3, "content": "Hola"}'`.
    However often Celery delivers one call, its content is posted once: by `key`, or the task's own id.
    Returns how much was done.

    Raises:
        BadCall: no such conversation id or content is possible.
        Refused: Chatwoot refuses for good (404, 401, a validation). Not tried again; kept as a dead letter.
    """
    _check_id(conversation_id)
    sender = wiring.parts().sender
    if content is not None:
        _check(content)
        sender.put(conversation_id, content, private=private, key=key or str(self.request.id))
    try:
        sent = sender.send(conversation_id)
    except TryLater as error:
        raise self.retry(exc=error, countdown=min(error.delay_s, _MOST_COUNTDOWN_S)) from None
    except TurnLost:
        log.warning("turn_lost")
        return 0
    if sent.ring is not None:
        ring(conversation_id, sent.ring)
    if sent.refused:
        raise Refused(f"conversation {conversation_id}: {'; '.join(sent.refused)}")
    return sent.acts


@shared_task(name="tasks.send_message", bind=True, max_retries=None)
def send_message(
    self: Task[..., Any], *, phone_number: str, content: str, name: str | None = None, key: str | None = None
) -> int:
    """Write to somebody first: find or make the contact and the conversation, and let `send_reply` follow.

    By hand: `celery -A tasks call tasks.send_message --kwargs '{"phone_number": "+34...", "content": "..."}'`.
    One call is one message, however often Celery delivers it: by `key`, or the task's own id.
    Returns the conversation's id.

    Raises:
        BadCall: no phone number, no text, or no user's token to look for contacts with.
        Refused: Chatwoot refuses for good.
    """
    outreach = wiring.parts().outreach
    if outreach is None:
        raise BadCall("send_message needs CHATWOOT_API_TOKEN: a bot's token may not look for contacts")
    _check(content)
    try:
        conversation_id = outreach.conversation_with(phone_number, name=name)
    except BadPhoneNumber as error:
        raise BadCall(str(error)) from None
    except PermanentError as error:
        raise Refused(str(error)) from None
    except (TransientError, OutcomeUnknown) as error:
        countdown = backoff_s(self.request.retries + 1, error)
        raise self.retry(exc=ShowableError(str(error)), countdown=min(countdown, _MOST_COUNTDOWN_S)) from None
    posting = {"conversation_id": conversation_id, "content": content, "key": key or str(self.request.id)}
    send_reply.apply_async(kwargs=posting)
    return conversation_id


@shared_task(name="tasks.reconcile", bind=True, max_retries=0)
def reconcile(self: Task[..., Any]) -> int:
    """Ask Chatwoot for customers who wait and of whom no webhook told. Returns how many messages were missing."""
    reconciling = wiring.parts().reconciling
    if reconciling is None:
        return 0  # only a bot's token: it may not look
    try:
        found = reconciling.reconcile()
        log.info("reconciled", messages=found)
        return found
    except ChatwootError as error:
        raise Refused(f"could not look for lost messages, beat asks again: {error}") from None


def _check_id(conversation_id: object) -> None:
    if not isinstance(conversation_id, int) or conversation_id <= 0:
        raise BadCall("conversation_id must be a positive number")


def _check(content: object) -> None:
    if not isinstance(content, str) or not content.strip():
        raise BadCall("content must be a text that is not empty")
