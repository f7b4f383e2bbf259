"""What Redis must be able to do: looked at when a process starts, and in part whenever it is asked whether it is ready.

A Redis that cannot do it would accept webhooks and answer nobody. Where it is only away, or refuses for now, a process
starts all the same: that passes, and /ready tells.
"""

from __future__ import annotations

import redis
import structlog
from redis.exceptions import NoPermissionError

log = structlog.get_logger()

_ACCOUNT = "contesta:account"
_ACCOUNT_S = 365 * 24 * 3600
"""Kept anew by every process that starts."""

# As the mailbox keeps things (tasks/mailbox/lua): a script that writes, with a time to live of a key and of a field.
_KEEP = """
redis.call('HSET', KEYS[1], 'ready', 1)
redis.call('EXPIRE', KEYS[1], 60)
redis.call('HEXPIRE', KEYS[1], 60, 'FIELDS', 1, 'ready')
return redis.call('HGET', KEYS[1], 'ready')
"""


class RequirementsNotMet(Exception):
    """This Redis will not do, now or later. The text is one sentence for an operator, without a password."""


def keeps(client: redis.Redis, account_id: int) -> None:
    """Keep something as a webhook would be kept. One key, gone after a minute.

    Raises:
        redis.RedisError: it cannot be kept: Redis is away, full, a replica, one of a cluster, or too old.
    """
    client.eval(_KEEP, 1, f"contesta:{{00}}:{account_id}:ready")


def check_state(client: redis.Redis, account_id: int) -> None:
    """Look at the Redis of REDIS_URL, which holds the mailboxes and the graph's memory.

    Raises:
        RequirementsNotMet: it will not do.
        redis.RedisError: it cannot be looked at now.
    """
    refuse_other_modes(client, "REDIS_URL")
    refuse_without_commands(client)
    _claim(client, account_id)
    refuse_other_accounts(client, account_id, "REDIS_URL")
    if policy := eviction(client):
        log.warning("redis_forgets_when_full", maxmemory_policy=policy, wanted="noeviction")


def check_broker(client: redis.Redis, account_id: int) -> None:
    """Look at the Redis of CELERY_BROKER_URL, through which the doorbells go.

    Raises:
        RequirementsNotMet, redis.RedisError: as for `check_state`.
    """
    refuse_other_modes(client, "CELERY_BROKER_URL")
    _claim(client, account_id)
    refuse_other_accounts(client, account_id, "CELERY_BROKER_URL")


def refuse_other_modes(client: redis.Redis, setting: str) -> None:
    """
    Raises:
        RequirementsNotMet, redis.RedisError: as for `check_state`; so do the following.
    """
    mode = info(client, "server").get("redis_mode")
    if mode == "cluster":
        raise RequirementsNotMet(f"{setting}: this is a Redis Cluster, which is not supported: take a single Redis")
    if mode == "sentinel":
        raise RequirementsNotMet(
            f"{setting}: this is a Redis Sentinel, which is not supported: take the Redis it watches"
        )


def refuse_without_commands(client: redis.Redis) -> None:
    _refuse_without(client, "HEXPIRE", "contesta:none", "1", "FIELDS", "1", "none")
    _refuse_without(client, "JSON.GET", "contesta:none")


def _refuse_without(client: redis.Redis, command: str, *args: str) -> None:
    """By calling it on a key that is not there: rights to ask for a list of commands need not be given."""
    try:
        client.execute_command(command, *args)  # type: ignore[no-untyped-call]
    except redis.ResponseError as error:
        if "unknown command" in str(error).lower():
            raise RequirementsNotMet(
                f"REDIS_URL: this Redis has no {command}: take Redis 8, or Redis Stack 7.4"
            ) from None
        raise


def _claim(client: redis.Redis, account_id: int) -> None:
    """For an account that has the database already, or where none has."""
    if not client.set(_ACCOUNT, account_id, ex=_ACCOUNT_S, nx=True) and _owner(client) == str(account_id):
        client.expire(_ACCOUNT, _ACCOUNT_S)


def refuse_other_accounts(client: redis.Redis, account_id: int, setting: str) -> None:
    """Celery's queues carry no account: two on one database would take each other's doorbells."""
    owner = _owner(client)
    if owner not in ("", str(account_id)):
        raise RequirementsNotMet(
            f"{setting}: this Redis database is of account {owner}: give account {account_id} one of its own "
            "(docs/operations.md says how a database changes hands)"
        )


def eviction(client: redis.Redis) -> str:
    """The policy by which this Redis forgets when it is full; empty where it refuses then, or is never full."""
    memory = info(client, "memory")
    policy = str(memory.get("maxmemory_policy", "noeviction"))
    return policy if policy != "noeviction" and memory.get("maxmemory") else ""


def _owner(client: redis.Redis) -> str:
    owner = client.get(_ACCOUNT)
    return owner.decode() if isinstance(owner, bytes) else str(owner or "")


def info(client: redis.Redis, section: str) -> dict[str, object]:
    """Nothing where it may not be asked for."""
    try:
        return dict(client.info(section))
    except NoPermissionError:
        return {}
