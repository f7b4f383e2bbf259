"""Redis, and the broker: is it there, is it the right one, does it keep what it is given?"""

from __future__ import annotations

import time

import redis
from celery import Celery
from kombu.exceptions import OperationalError

from tasks.diagnosis.findings import Check, Wrong
from tasks.runtime import requirements
from tasks.runtime.requirements import info
from tasks.wiring import Wiring

REDIS, BROKER = "redis", "broker"

MOST_SKEW_S = 2.0
"""By so much clocks may differ: how long a customer has waited, they say together."""
_MOST_MEMORY = 2 / 3
"""The rest is for rewriting the append-only file."""


class OfRedis:
    def __init__(self, parts: Wiring, app: Celery) -> None:
        self._parts = parts
        self._account_id = parts.settings.chatwoot_account_id
        self._app = app

    @property
    def _redis(self) -> redis.Redis:
        return self._parts.redis_client

    def checks(self) -> list[Check]:
        after = (REDIS,)
        return [
            Check(REDIS, self._answers),
            Check("redis modules", self._modules, after),
            Check("redis account", self._account, after),
            Check("redis writes", self._writes, (REDIS, "redis modules")),
            Check("redis persistence", self._persistence, after),
            Check("redis eviction", self._eviction, after),
            Check("redis memory", self._memory, after),
            Check("redis clock", self._clock, after),
            Check(BROKER, self._broker),
        ]

    def _answers(self) -> str:
        try:
            self._redis.ping()
        except redis.AuthenticationError:
            raise Wrong("REDIS_URL: correct its password, which Redis refuses") from None
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise Wrong(f"REDIS_URL: start Redis, or correct its address: {type(error).__name__}") from None
        requirements.refuse_other_modes(self._redis, "REDIS_URL")
        return str(info(self._redis, "server").get("redis_version", "it does not tell its version"))

    def _modules(self) -> str:
        try:
            requirements.refuse_without_commands(self._redis)
        except redis.ResponseError:  # of a command that it knows
            return "HEXPIRE is there"
        return "HEXPIRE and JSON are there"

    def _account(self) -> str:
        requirements.refuse_other_accounts(self._redis, self._account_id, "REDIS_URL")
        return f"its database is of account {self._account_id}, or of nobody yet"

    def _writes(self) -> str:
        try:
            requirements.keeps(self._redis, self._account_id)
        except redis.ResponseError as error:
            raise Wrong(f"make Redis take writes: it is full, a replica, or without rights: {_kind(error)}") from None
        return "what it is given is kept"

    def _persistence(self) -> str:
        state = info(self._redis, "persistence")
        if not state:
            return "it may not be asked"
        if not state.get("aof_enabled"):
            raise Wrong("CONFIG SET appendonly yes, and in its configuration: a restart of Redis loses messages")
        if state.get("aof_last_write_status", "ok") != "ok":
            raise Wrong("free its disk, or give it rights: Redis could not write its append-only file")
        return "append-only file"

    def _eviction(self) -> str:
        if policy := requirements.eviction(self._redis):
            raise Wrong(f"CONFIG SET maxmemory-policy noeviction: with {policy} a full Redis forgets customers")
        return "a full Redis refuses"

    def _memory(self) -> str:
        memory = info(self._redis, "memory")
        used, most = (int(str(memory.get(name) or 0)) for name in ("used_memory", "maxmemory"))
        most = most or int(str(memory.get("total_system_memory") or 0))
        if most and used > most * _MOST_MEMORY:
            raise Wrong(f"give Redis more memory: it uses {used * 100 // most} % of {most >> 20} MB, and should 66 %")
        return f"{used >> 20} of {most >> 20} MB" if most else f"{used >> 20} MB"

    def _clock(self) -> str:
        before = time.time()
        seconds, microseconds = self._redis.time()
        return within_limits("Redis", int(seconds) + int(microseconds) / 1e6, before)

    def _broker(self) -> str:
        try:
            with self._app.connection_for_write() as connection:
                connection.ensure_connection(max_retries=1, interval_start=0, timeout=5)
        except (OperationalError, redis.RedisError) as error:
            raise Wrong(
                "CELERY_BROKER_URL (without it REDIS_URL): start the broker, or correct its address or password: "
                f"{type(error).__name__}"
            ) from None
        if self._parts.brokers_redis is None:
            return "it can be reached"
        requirements.refuse_other_modes(self._parts.brokers_redis, "CELERY_BROKER_URL")
        requirements.refuse_other_accounts(self._parts.brokers_redis, self._account_id, "CELERY_BROKER_URL")
        return "a Redis of its own"


def within_limits(whose: str, theirs: float, before: float, *, exact_to_s: float = 0.0) -> str:
    """By how much their clock, read since `before`, differs from ours.

    Args:
        exact_to_s: they tell no smaller unit.

    Raises:
        Wrong: by too much.
    """
    after = time.time()
    ahead_s = max(theirs - after, 0.0) - max(before - theirs - exact_to_s, 0.0)
    if abs(ahead_s) > MOST_SKEW_S:
        which = "ahead of" if ahead_s > 0 else "behind"
        raise Wrong(f"let both machines set their clocks (NTP): {whose} is {abs(ahead_s):.0f} s {which} this one")
    return f"within {MOST_SKEW_S:.0f} s of this machine's"


def _kind(error: redis.ResponseError) -> str:
    """Such as MISCONF; Redis' own words may quote what it was sent."""
    first = str(error).partition(" ")[0].rstrip(":")
    return first if first.isupper() else type(error).__name__
