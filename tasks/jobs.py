"""The Celery tasks: their names, their retries, and one call each.

Every one may be delivered twice, late or never: they are doorbells, and the mailbox knows what is to be done.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import redis
import structlog
from celery import Task, shared_task
from celery.exceptions import Reject, Retry

from chatwoot.errors import ChatwootError, OutcomeUnknown, TransientError
from tasks import wiring
from tasks.customers.claims import Busy
from tasks.customers.outreach import FirstMessage, Undeliverable, keep_undeliverable
from tasks.mailbox import NotYet, TurnLost, WakeThinker, doorbells
from tasks.records import arguments
from tasks.records.arguments import InvalidArguments
from tasks.recovery.lost_webhooks import LostWebhooks
from tasks.runtime import counters
from tasks.runtime.counters import Counted
from tasks.runtime.ending import WorkerEnds
from tasks.runtime.redaction import SafeError
from tasks.sending.outbox import TryLater, backoff_s

log = structlog.get_logger()

_NO_TOKEN = "send_message needs CHATWOOT_API_TOKEN: a bot's token may not look for contacts"
_KEEP_AGAIN_S = 2.0
_MOST_COUNTDOWN_S = 240  # below the broker's visibility timeout (celeryconfig.py), or the message comes twice


class Refused(SafeError):
    """Chatwoot refuses for good. What was refused is a dead letter."""


@shared_task(name="tasks.process_message", bind=True, max_retries=None)
def process_message(self: Task[..., Any], *, conversation_id: int, bell: str) -> int | None:
    """Answer what waits in the conversation, and let `send_reply` follow. Returns the turn's number."""
    from tasks.thinking.turn import TurnPutOff

    try:
        answered = wiring.of_this_process().turn_runner.answer(conversation_id, bell)
    except TurnPutOff as error:
        raise self.retry(exc=SafeError(str(error)), countdown=error.retry_s) from None
    except TurnLost:
        log.warning("turn_lost")
        answered = None
    if isinstance(answered, NotYet):
        raise self.retry(countdown=answered.seconds)
    if answered is None or answered.next is None or isinstance(answered.next, WakeThinker):
        self.request.chain = None  # nothing to send
    if answered is None:
        return None
    if isinstance(answered.next, WakeThinker):
        doorbells.ring(conversation_id, answered.next)
    return answered.turn


@shared_task(name="tasks.send_reply", bind=True, max_retries=None)
def send_reply(
    self: Task[..., Any],
    turn: int | None = None,
    *,
    conversation_id: int,
    content: str | None = None,
    private: bool = False,
    template_params: dict[str, Any] | None = None,
    key: str | None = None,
) -> int:
    """Post what stands in the conversation's outbox; with `content`, that too, behind it.

    By hand: `celery -A tasks call tasks.send_reply --kwargs '{"conversation_id": 3, "content": "Hola"}'`.
    However often Celery delivers one call, its content is posted once: by `key`, or the task's own id.
    Returns how much was done.

    Raises:
        InvalidArguments: no such conversation id or content is possible.
        Refused: Chatwoot refuses for good (404, 401, a validation). Not tried again; kept as a dead letter.
    """
    arguments.require_id(conversation_id, "conversation_id")
    sender = wiring.of_this_process().sender
    if content is not None:
        try:
            sender.put(
                conversation_id,
                arguments.require_text(content, "content"),
                private=private,
                key=arguments.require_key(key or str(self.request.id)),
                template_params=arguments.require_template(template_params),
            )
        except redis.RedisError as error:
            raise _not_kept(self, error) from None
    try:
        sent = sender.send(conversation_id)
    except TryLater as error:
        raise self.retry(exc=error, countdown=min(error.delay_s, _MOST_COUNTDOWN_S)) from None
    except TurnLost:
        log.warning("turn_lost")
        return 0
    if sent.ring is not None:
        doorbells.ring(conversation_id, sent.ring)
    elif sent.gone:
        _forget(conversation_id)
    if sent.refused:
        raise Refused(f"conversation {conversation_id}: {'; '.join(sent.refused)}")
    return sent.actions


@shared_task(name="tasks.send_message", bind=True, max_retries=None)
def send_message(
    self: Task[..., Any],
    *,
    phone_number: str,
    content: str,
    name: str | None = None,
    inbox_id: int | None = None,
    template_params: dict[str, Any] | None = None,
    key: str | None = None,
) -> int:
    """Write to somebody first: find or make the contact and the conversation, and let `send_reply` follow.

    By hand: `celery -A tasks call tasks.send_message --kwargs '{"phone_number": "+34...", "content": "..."}'`.
    One call is one message to this number, however often Celery delivers it: by `key`, or the task's own id.
    In the inbox `inbox_id`, or CHATWOOT_INBOX_ID. Within WhatsApp's 24 hours as free text; outside them as the approved
    template of `template_params`, whose text with everything filled in is `content`.
    Returns the conversation's id.

    Raises:
        InvalidArguments: no phone number, no text, a template without a name, or no user's token to look for
            contacts with.
        Refused: outside the 24 hours without a template, an unknown inbox, or Chatwoot refuses for good.
            What was refused is a dead letter.
    """
    parts = wiring.of_this_process()
    message = FirstMessage(
        phone_number=phone_number,
        content=content,
        key=str(self.request.id) if key is None else key,
        inbox_id=parts.settings.chatwoot_inbox_id if inbox_id is None else inbox_id,
        name=name,
        template_params=template_params,
    )
    try:
        if parts.outreach is None:
            keep_undeliverable(parts.mailbox, message, _NO_TOKEN)
            raise InvalidArguments(_NO_TOKEN)
        conversation_id = parts.outreach.write(message)
    except Undeliverable as error:
        raise Refused(str(error)) from None
    except redis.RedisError as error:
        raise _not_kept(self, error) from None
    except Busy as error:
        raise self.retry(countdown=min(error.seconds, 1.0) * random.uniform(0.5, 1)) from None
    except (TransientError, OutcomeUnknown) as error:
        counters.count(Counted.RETRIES, "writing_first")
        countdown = backoff_s(self.request.retries + 1, error)
        raise self.retry(exc=SafeError(str(error)), countdown=min(countdown, _MOST_COUNTDOWN_S)) from None
    doorbells.send(conversation_id)
    return conversation_id


@shared_task(name="tasks.reconcile", bind=True, max_retries=0)
def reconcile(self: Task[..., Any]) -> int:
    """See whom a label has the bot leave alone, take back what Chatwoot opened because of us, and ask it for customers
    who wait and of whom no webhook told.

    Returns how many messages were missing.
    """
    lost_webhooks = wiring.of_this_process().lost_webhooks
    if lost_webhooks is None:
        return 0  # only a bot's token: it may not look
    return _beats("reconcile", partial(_reconcile, lost_webhooks), "look for lost messages")


@shared_task(name="tasks.watch", bind=True, max_retries=0)
def watch(self: Task[..., Any]) -> int:
    """Hand customers who have waited too long to humans. Returns how many there were."""
    wait_monitor = wiring.of_this_process().wait_monitor
    if wait_monitor is None:
        return 0  # only a bot's token: it may not look
    return _beats("watch", wait_monitor.hand_over_who_waits, "look for those who wait")


@shared_task(name="tasks.tell_people_again", bind=True, max_retries=0)
def tell_people_again(self: Task[..., Any]) -> int:
    """Try again what was to tell people that they are needed, and was refused. Returns how many there were."""
    dead_letters = wiring.of_this_process().dead_letters
    return _beats("tell_people_again", dead_letters.tell_people_again, "see whether people know by now")


def _beats(task: str, look: Callable[[], int], what: str) -> int:
    """What beat asks for: not tried again, since beat asks again. Returns what `look` does.

    Raises:
        Refused: it could not be done.
    """
    try:
        found = look()
    except WorkerEnds:
        log.info("left_to_another_worker")
        return 0
    except ChatwootError as error:
        raise Refused(f"could not {what}, beat asks again: {error}") from None
    wiring.of_this_process().last_done.note(task)
    return found


def _reconcile(lost_webhooks: LostWebhooks) -> int:
    parts = wiring.of_this_process()
    try:
        if parts.labelled_contacts is not None:
            parts.labelled_contacts.refresh()
    finally:
        try:
            if parts.taking_back is not None:
                parts.taking_back.take_back()
        finally:
            found = lost_webhooks.reconcile()
    log.info("reconciled", messages=found)
    return found


def _not_kept(task: Task[..., Any], error: redis.RedisError) -> Retry:
    """The retry of a call that Redis could not keep, neither as a message nor as a dead letter: it is never lost.

    Until the broker has taken it, this one does not end: it is not acknowledged, and comes again if the process dies.
    """
    while True:
        log.error("call_not_kept", error=type(error).__name__)
        try:
            task.retry(exc=SafeError(type(error).__name__), countdown=_KEEP_AGAIN_S)
        except Retry as retry:
            return retry
        except Reject:  # nor does the broker take it now
            time.sleep(_KEEP_AGAIN_S)


def _forget(conversation_id: int) -> None:
    """Chatwoot tells nobody that a contact was deleted: that its conversation is gone is all that is ever heard."""
    try:
        wiring.of_this_process().eraser.if_gone(conversation_id)
    except ChatwootError as error:
        log.warning("not_forgotten", error=type(error).__name__)  # what is known of it expires
