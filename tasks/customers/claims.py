"""Who is being written to first, and what was written: so that two deliveries of one call make one message.

Celery delivers a call twice after a worker's death, and one that waits for its time longer than the broker's visibility
timeout many times: all copies then start at the same moment, on any worker. One of them finds or makes the contact
and the conversation, and the others wait for it. Phone numbers and keys stand here as digests only.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import Any

import redis

_MEMORY_S = 7 * 24 * 3600  # as long as a mailbox knows what it has posted
_LEASE_S = 60  # above the longest call to Chatwoot; renewed before each one that makes something

# KEYS: the recipient's claim, the message. ARGV: token, lease in ms, memory in s.
_CLAIM = """
local conversation, template = unpack(redis.call('HMGET', KEYS[2], 'conversation', 'template'))
if conversation then return {'placed', tonumber(conversation), tonumber(template)} end
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return {'busy', redis.call('PTTL', KEYS[1])} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local time = redis.call('TIME')
redis.call('HSETNX', KEYS[2], 'asked', time[1])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return {'claimed', time[1] - redis.call('HGET', KEYS[2], 'asked')}
"""
# KEYS: the same. ARGV: memory in s, conversation, 1 with a template or 0. The first one counts.
_PLACE = """
if redis.call('HSETNX', KEYS[2], 'conversation', ARGV[2]) == 1 then
  redis.call('HSET', KEYS[2], 'template', ARGV[3])
end
redis.call('EXPIRE', KEYS[2], ARGV[1])
return redis.call('HMGET', KEYS[2], 'conversation', 'template')
"""
# KEYS: the recipient's claim. ARGV: token.
_LET_GO = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


@dataclass(frozen=True)
class Placement:
    """Where a message belongs."""

    conversation_id: int
    with_template: bool
    """False: as free text."""


@dataclass(frozen=True)
class Claim:
    """A recipient, who is for this worker alone to write to."""

    phone_number: str
    message: str
    token: str
    age_s: float
    """Since the message was first tried."""


class Busy(Exception):
    """Another worker is writing to this recipient: come back after so long."""

    def __init__(self, seconds: float) -> None:
        super().__init__("another worker writes to this recipient")
        self.seconds = seconds


class RecipientClaims:
    """The recipients of one account, in Redis."""

    def __init__(self, client: redis.Redis, account_id: int) -> None:
        """`client` decodes responses."""
        self._redis = client
        self._account_id = account_id
        self._claim = client.register_script(_CLAIM)
        self._place = client.register_script(_PLACE)
        self._let_go = client.register_script(_LET_GO)

    def claim(self, phone_number: str, message: str) -> Claim | Placement:
        """Take the recipient for this message; or say where the message was put already.

        Raises:
            Busy: another worker has the recipient.
        """
        return self._claimed(phone_number, message, uuid.uuid4().hex)

    def renew(self, claim: Claim) -> None:
        """To be done before each call that makes something.

        Raises:
            Busy: it took so long that another worker has the recipient by now.
        """
        if isinstance(self._claimed(claim.phone_number, claim.message, claim.token), Placement):
            raise Busy(0)

    def place(self, claim: Claim, place: Placement) -> Placement:
        """Keep where the message belongs. Returns where it does: of two who keep it the first one counts."""
        keys = self._keys(claim.phone_number, claim.message)
        args = [_MEMORY_S, place.conversation_id, int(place.with_template)]
        conversation_id, with_template = self._place(keys=keys, args=args)
        return Placement(int(conversation_id), with_template == "1")

    def let_go(self, claim: Claim) -> None:
        self._let_go(keys=self._keys(claim.phone_number, claim.message)[:1], args=[claim.token])

    def forget(self, phone_number: str) -> int:
        """Returns how many messages to this number were known."""
        recipient = self._keys(phone_number, "")[0]
        found = list(self._redis.scan_iter(match=f"{recipient}:*", count=1000))
        self._redis.delete(recipient, *found)
        return len(found)

    def forget_message(self, claim: Claim) -> None:
        """It was given up: the same call may be tried anew. Where another worker has put it meanwhile, it stays."""
        self._redis.hdel(self._keys(claim.phone_number, claim.message)[1], "asked")

    def _claimed(self, phone_number: str, message: str, token: str) -> Claim | Placement:
        answer: list[Any] = self._claim(
            keys=self._keys(phone_number, message), args=[token, _LEASE_S * 1000, _MEMORY_S]
        )
        if answer[0] == "busy":
            raise Busy(max(0, answer[1]) / 1000)
        if answer[0] == "placed":
            return Placement(answer[1], answer[2] == 1)
        return Claim(phone_number, message, token, answer[1])

    def _keys(self, phone_number: str, message: str) -> list[str]:
        recipient = f"contesta:{{{_digest(phone_number)}}}:{self._account_id}:recipient"
        return [recipient, f"{recipient}:{_digest(message)}"]


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:32]
