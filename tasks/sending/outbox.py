"""Empty a conversation's outbox into Chatwoot: each action once, in order. No Celery here."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import redis
import structlog

from chatwoot.errors import ChatwootError, OutcomeUnknown, PermanentError, TransientError
from tasks.mailbox import Mailbox, Sending, WakeThinker
from tasks.ownership.asking import Asker, Asking
from tasks.records import actions, incoming
from tasks.records.actions import Action, PostMessage
from tasks.records.dead_letter import DeadLetter
from tasks.records.incoming import Incoming
from tasks.recovery.holdings import Holdings
from tasks.runtime.counters import Counted, count
from tasks.runtime.rate_limit import NotNow
from tasks.sending.delivery import Delivery, NoSilence, StillInDoubt, Suppressed
from tasks.sending.order import StillOnItsWay

log = structlog.get_logger()

_FIRST_DELAY_S, _MOST_DELAY_S = 1.0, 60.0
_LEAST_TRIES = 20


class TryLater(Exception):
    """An action could not be done, or nobody knows whether it was. It is at the head of the outbox still."""

    def __init__(self, reason: str, delay_s: float) -> None:
        super().__init__(reason)
        self.delay_s = delay_s


@dataclass(frozen=True)
class Sent:
    """The outbox is empty, or another's; `ring`: the customer has written meanwhile."""

    actions: int = 0
    ring: WakeThinker | None = None
    refused: tuple[str, ...] = field(default=())
    gone: bool = False
    """Chatwoot does not know the conversation any more."""


@dataclass(frozen=True, kw_only=True)
class OutboxSender:
    """How outboxes are emptied in this process."""

    mailbox: Mailbox
    holdings: Holdings
    delivery: Delivery
    asker: Asker
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
        action = PostMessage(
            key=f"{actions.BY_HAND}{key}",
            content=content,
            asked_at=time.time(),
            private=private,
            ignores_takeover=True,
            template_params=template_params,
        )
        self.mailbox.enqueue(conversation_id, action.key, actions.dump(action))

    def send(self, conversation_id: int) -> Sent:
        """Do what stands in the conversation's outbox. Safe to repeat, and by any number of workers.

        Raises:
            TryLater: an action is to be tried again, and what stands behind it waits.
            TurnLost: another worker has taken over.
        """
        begun = self.mailbox.begin_sending(conversation_id)
        if begun is None:
            return Sent()
        with self.holdings.hold(begun):
            return self._empty(begun)

    def _empty(self, begun: Sending) -> Sent:
        following: Sending | WakeThinker | None = begun
        sent, asking = Sent(), self.asker.asking(begun)
        while isinstance(following, Sending):
            following, sent = self._do(following, sent, asking)
        return replace(sent, ring=following)

    def _do(self, sending: Sending, sent: Sent, asking: Asking) -> tuple[Sending | WakeThinker | None, Sent]:
        """Do the head of the outbox, or give it up. Returns what is next, and `sent` with it."""
        action = actions.load(sending.action)
        posted: Literal["posted", ""] = "posted" if actions.answers_a_turn(action) else ""
        if sending.is_there:
            said = sending.there
            return self.mailbox.settle(sending, answer=posted, said=said, to_know=_to_know(action, said)), sent
        if sending.tries > self._most_tries:
            return self._give_up(action, sending, PermanentError(f"tried {sending.tries - 1} times in vain"), sent)
        try:
            said = self.delivery.do(action, sending, asking)
        except NoSilence:
            log.info("suppressed", key=actions.shown_key(action.key), why="the customer has written elsewhere")
            return self.mailbox.settle(sending), sent
        except Suppressed:
            return self._suppress(action, sending), sent
        except StillInDoubt as doubt:
            raise TryLater(str(doubt), self.mailbox.doubt(sending)) from None
        except NotNow as error:
            raise self._postponed(sending, error) from None
        except redis.RedisError as error:  # never in the middle of a post
            self.mailbox.release(sending, delay_s=_FIRST_DELAY_S)
            raise TryLater(type(error).__name__, _FIRST_DELAY_S) from None
        except PermanentError as error:
            return self._give_up(action, sending, error, sent)
        except (TransientError, OutcomeUnknown) as error:
            if (left_s := action.asked_at + self.most_retry_s - time.time()) > 0:
                raise self._later(sending, error, left_s) from None
            return self._give_up(action, sending, error, sent)
        following = self.mailbox.settle(sending, answer=posted, said=said, to_know=_to_know(action, said))
        return following, replace(sent, actions=sent.actions + 1)

    @property
    def _most_tries(self) -> int:
        """More than all retries: whoever gets so far was killed by it, or failed in a way that nobody thought of."""
        return _LEAST_TRIES + int(self.most_retry_s / _MOST_DELAY_S)

    def _suppress(self, action: Action, sending: Sending) -> Sending | WakeThinker | None:
        log.info("suppressed", key=actions.shown_key(action.key))
        return self.mailbox.settle(sending, answer="suppressed" if actions.answers_a_turn(action) else "")

    def _postponed(self, sending: Sending, why: NotNow) -> TryLater:
        awaits = why.message_id if isinstance(why, StillOnItsWay) else None
        delay_s = self.mailbox.defer(sending, delay_s=why.retry_after_s or _FIRST_DELAY_S, awaits=awaits)
        log.info("send_postponed", why=str(why), retry_s=delay_s)
        return TryLater(str(why), delay_s)

    def _later(self, sending: Sending, error: ChatwootError, left_s: float) -> TryLater:
        """In time for a last try, however long Chatwoot would have us wait."""
        delay_s = min(backoff_s(sending.tries, error), max(left_s, _FIRST_DELAY_S))
        self.mailbox.release(sending, delay_s=delay_s, decided=_is_decided(error))
        count(Counted.RETRIES, "sending")
        log.warning("send_failed", error=type(error).__name__, status=error.status, text=error.text, retry_s=delay_s)
        return TryLater(str(error), delay_s)

    def _give_up(
        self, action: Action, sending: Sending, error: ChatwootError, sent: Sent
    ) -> tuple[Sending | WakeThinker | None, Sent]:
        log.error("send_given_up", error=type(error).__name__, status=error.status, text=error.text)
        now = time.time()
        after = action.after if isinstance(action, PostMessage) else None
        letter = DeadLetter(
            conversation_id=sending.conversation_id,
            what=action.act,
            reason=str(error),
            attempts=sending.tries,
            at=now,
            content=sending.action,
            after=after,
        )
        alerts = actions.is_said_to_the_customer(action) and not error.conversation_gone
        besides = actions.alert(action.key, _note(error), now, action.customer) if alerts else []
        following = self.mailbox.settle(
            sending, dead_letter=letter.recorded_as(action.key), besides=[actions.dump(each) for each in besides]
        )
        count(Counted.DEAD_LETTERS, letter.what)
        refused = (*sent.refused, str(error))
        return following, replace(sent, refused=refused, gone=sent.gone or error.conversation_gone)


def _to_know(action: Action, said: int | None) -> str:
    """What we said, for the graph's next turn: "Yes" may be the answer to it, or quote it."""
    if said is None or not isinstance(action, PostMessage):
        return ""
    if action.said_as:
        return incoming.dump(Incoming.sent(said, action.said_as))
    return incoming.dump(Incoming.of_ours(said, action.content)) if action.content else ""


def _is_decided(error: ChatwootError) -> bool:
    """Whether nothing comes of the try any more: it was refused unlooked at, or never sent.

    Else it may be stored still, where a proxy gave up waiting (408, 502 to 504, 520); or it is stored (500, 422), and a
    list that is read from a replica of Chatwoot's database does not show it yet.
    """
    return isinstance(error, TransientError)


def backoff_s(tries: int, error: ChatwootError) -> float:
    """How long to wait after so many tries: doubled each time, with jitter, and no less than Chatwoot asks for."""
    exponential: float = min(_MOST_DELAY_S, _FIRST_DELAY_S * 2.0 ** min(tries - 1, 10))
    return max(error.retry_after_s or 0, exponential) * random.uniform(1, 1.25)


def _note(error: ChatwootError) -> str:
    return f"The bot's answer could not be sent: {error.text or error}. Please take over."
