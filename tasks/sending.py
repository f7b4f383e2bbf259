"""Empty a conversation's outbox into Chatwoot: each act once, in order. No Celery here."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from chatwoot.errors import ChatwootError, OutcomeUnknown, PermanentError, TransientError
from tasks import acts
from tasks.acts import Act, Post
from tasks.counters import Counted, count
from tasks.dead_letters import Grave, bury
from tasks.doing import Doer, StillInDoubt
from tasks.mailbox import Mailbox, Ring, Sending
from tasks.pace import NotNow
from tasks.recovery import Holdings

log = structlog.get_logger()

_FIRST_DELAY_S, _MOST_DELAY_S = 1.0, 60.0


class TryLater(Exception):
    """An act could not be done, or nobody knows whether it was. It is at the head of the outbox still."""

    def __init__(self, reason: str, delay_s: float) -> None:
        super().__init__(reason)
        self.delay_s = delay_s


@dataclass(frozen=True)
class Sent:
    """The outbox is empty, or another's; `ring`: the customer has written meanwhile."""

    acts: int = 0
    ring: Ring | None = None
    refused: tuple[str, ...] = field(default=())
    gone: bool = False
    """Chatwoot does not know the conversation any more."""


@dataclass(frozen=True)
class Sender:
    """How outboxes are emptied in this process."""

    mailbox: Mailbox
    holdings: Holdings
    doer: Doer
    most_retry_s: float

    def put(
        self,
        conversation_id: int,
        content: str,
        *,
        private: bool,
        key: str,
        template_params: Mapping[str, Any] | None = None,
    ) -> None:
        """Put a message into the outbox, behind what stands there; once for each key."""
        act = Post(
            key=f"{acts.BY_HAND}{key}",
            content=content,
            asked_at=time.time(),
            private=private,
            by_hand=True,
            template_params=template_params,
        )
        self.mailbox.post(conversation_id, act.key, acts.dump(act))

    def send(self, conversation_id: int) -> Sent:
        """Do what stands in the conversation's outbox. Safe to repeat, and by any number of workers.

        Raises:
            TryLater: an act is to be tried again, and what stands behind it waits.
            TurnLost: another worker has taken over.
        """
        begun = self.mailbox.begin_sending(conversation_id)
        if begun is None:
            return Sent()
        with self.holdings.hold(begun):
            return self._empty(begun)

    def _empty(self, begun: Sending) -> Sent:
        following: Sending | Ring | None = begun
        done, refused, gone = 0, list[str](), False
        while isinstance(following, Sending):
            act = acts.load(following.act)
            is_withheld = following.with_people and acts.is_the_bots_turn(act)
            if is_withheld or following.is_there:
                log.info("withheld" if is_withheld else "is_there_already", key=act.key)
                following = self.mailbox.settle(following)
                continue
            if acts.opens(act):  # before the call: what people do after it is newer
                self.mailbox.people_take(following.conversation_id, at=0)
            try:
                self.doer.do(act, following)
            except StillInDoubt as doubt:
                self.mailbox.release(following, delay_s=doubt.seconds)
                raise TryLater(str(doubt), doubt.seconds) from None
            except NotNow as error:
                raise self._postponed(following, error) from None
            except PermanentError as error:
                refused.append(f"{error}")
                gone = gone or error.conversation_gone
                following = self._give_up(act, following, error)
            except (TransientError, OutcomeUnknown) as error:
                if time.time() - act.asked_at < self.most_retry_s:
                    raise self._later(following, error) from None
                refused.append(f"given up: {error}")
                following = self._give_up(act, following, error)
            else:
                done += 1
                if acts.opens(act):
                    count(Counted.HANDOVERS)
                following = self.mailbox.settle(following)
        return Sent(done, following, tuple(refused), gone)

    def _postponed(self, sending: Sending, why: NotNow) -> TryLater:
        delay_s = why.retry_after_s or _FIRST_DELAY_S
        self.mailbox.postpone(sending, delay_s=delay_s)
        log.info("send_postponed", why=str(why), retry_s=delay_s)
        return TryLater(str(why), delay_s)

    def _later(self, sending: Sending, error: ChatwootError) -> TryLater:
        delay_s = backoff_s(sending.tries, error)
        self.mailbox.release(sending, delay_s=delay_s, decided=_is_decided(error))
        count(Counted.RETRIES, "sending")
        log.warning("send_failed", error=type(error).__name__, status=error.status, text=error.text, retry_s=delay_s)
        return TryLater(str(error), delay_s)

    def _give_up(self, act: Act, sending: Sending, error: ChatwootError) -> Sending | Ring | None:
        log.error("send_given_up", error=type(error).__name__, status=error.status, text=error.text)
        now = time.time()
        after = act.after if isinstance(act, Post) else None
        grave = Grave(sending.conversation_id, acts.name(act), str(error), sending.tries, now, sending.act, after)
        alerts = acts.is_said_to_the_customer(act) and not error.conversation_gone
        besides = acts.alert(act.key, _note(error), now, act.customer) if alerts else []
        following = self.mailbox.settle(
            sending, dead_letter=bury(act.key, grave), besides=[acts.dump(each) for each in besides]
        )
        count(Counted.DEAD_LETTERS, grave.what)
        return following


def _is_decided(error: ChatwootError) -> bool:
    """Whether Chatwoot has answered, or was never asked: then it is not storing the message still.

    502 and 504 are a proxy's answers, which gave up waiting.
    """
    return isinstance(error, TransientError) or error.status not in (None, 408, 502, 504)


def backoff_s(tries: int, error: ChatwootError) -> float:
    """How long to wait after so many tries: doubled each time, with jitter, and no less than Chatwoot asks for."""
    exponential: float = min(_MOST_DELAY_S, _FIRST_DELAY_S * 2.0 ** min(tries - 1, 10))
    return max(error.retry_after_s or 0, exponential) * random.uniform(1, 1.25)


def _note(error: ChatwootError) -> str:
    return f"The bot's answer could not be sent: {error.text or error}. Please take over."
