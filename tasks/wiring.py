"""Settings -> what the tasks work with; once in each process, when first needed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, cast

import redis

from chatwoot.client import Client
from chatwoot.conversations import Status
from settings import Settings
from tasks.customers.claims import Recipients
from tasks.customers.erasure import Forgetting
from tasks.customers.index import Directory
from tasks.customers.outreach import Outreach
from tasks.mailbox import Mailbox, Timing, Turn, TurnLost
from tasks.mailbox.doorbells import over_celery, write
from tasks.ownership.handover import HandingOver
from tasks.ownership.policy import Policy
from tasks.recovery.dead_letters import DeadLetters
from tasks.recovery.lost_webhooks import Reconciling
from tasks.recovery.waiting import Watching
from tasks.recovery.watchdog import Holdings, Keeper
from tasks.runtime.clients import Desk
from tasks.runtime.counters import Bookkeeper, Ledger
from tasks.runtime.processes import Roll, owner_of_this_process
from tasks.runtime.rate_limit import Limits, Pace
from tasks.sending.delivery import Doer
from tasks.sending.outbox import Sender
from tasks.sending.replacement import Replacement
from tasks.thinking.typing import TypingSign

if TYPE_CHECKING:
    from graph.checkpoint import Memory
    from graph.outcome import Outcome
    from tasks.records.incoming import Incoming
    from tasks.thinking.turn import Answering, Think

_CONNECTIONS = 64


@dataclass(frozen=True)
class Parts:
    """What a worker process works with."""

    settings: Settings
    mailbox: Mailbox
    holdings: Holdings
    sender: Sender
    answering: Answering
    outreach: Outreach | None
    """None where there is only a bot's token; so is `reconciling`."""
    reconciling: Reconciling | None
    watching: Watching | None
    forgetting: Forgetting
    dead_letters: DeadLetters


@cache
def parts() -> Parts:
    """This process's parts, from the environment.

    Raises:
        SettingsError: the environment lacks something.
        GraphError: the graph cannot be loaded.
    """
    return build(Settings.from_env(os.environ))


@cache
def keeper() -> Keeper:
    """This process's heartbeat and watchdog, not started yet."""
    mine = parts()
    roll = Roll(_redis(mine.settings, decode_responses=True), mine.settings.chatwoot_account_id)
    return Keeper(mine.mailbox, mine.holdings, over_celery, roll, lease_s=mine.settings.lease_seconds)


@cache
def bookkeeper() -> Bookkeeper:
    """This process's, not started yet. Loads no graph."""
    return Bookkeeper(ledger(Settings.from_env(os.environ)))


def ledger(settings: Settings) -> Ledger:
    return Ledger(_redis(settings, decode_responses=True), settings.chatwoot_account_id)


def dead_letters(settings: Settings | None = None) -> DeadLetters:
    """What an operator's command needs, from the environment, where no settings are given. Loads no graph."""
    settings = settings or Settings.from_env(os.environ)
    client = _client(settings, settings.chatwoot_api_token) if settings.chatwoot_api_token else None
    return DeadLetters(mailbox(settings), client, _client(settings, settings.reply_token), over_celery, write)


def build(settings: Settings) -> Parts:
    from tasks.thinking.turn import Answering

    box = mailbox(settings)
    holdings = Holdings(settings.turn_seconds)
    reader = _client(settings, settings.chatwoot_api_token) if settings.chatwoot_api_token else None
    speaker = _client(settings, settings.reply_token)
    version, speaks_as_bot = _version(settings, reader or speaker), bool(settings.chatwoot_bot_token)
    desk = Desk(speaker, reader, version, pace(settings), speaks_as_bot)
    answering = Answering(
        box,
        holdings,
        _thinking(settings, box),
        settings.turn_attempts,
        settings.max_turns_per_hour,
        settings.message_limit,
        _typing(settings),
    )
    recreates = settings.on_missing_conversation == "recreate"
    replacement = Replacement(reader, policy(settings), box) if reader is not None and recreates else None
    handing_over = HandingOver(box, desk, policy(settings))
    doer = Doer(box, desk, handing_over, replacement, settings.validate_conversations)
    sender = Sender(box, holdings, doer, settings.send_retry_seconds)
    forget = forgetting(settings)
    outreach = reconciling = watching = None
    if reader is not None:
        recipients = Recipients(_redis(settings, decode_responses=True), settings.chatwoot_account_id)
        outreach = Outreach(reader, box, recipients, directory(settings), settings.send_retry_seconds)
        reconciling = Reconciling(
            reader,
            box,
            directory(settings),
            policy(settings),
            over_celery,
            horizon_s=settings.reconcile_horizon_seconds,
            grace_s=settings.reconcile_grace_seconds,
            lately_s=2 * settings.reconcile_seconds + settings.reconcile_grace_seconds + 60,
            gone=forget.if_gone,
        )
        watching = Watching(reader, box, handing_over, policy(settings), over_celery, settings.max_wait_seconds)
    letters = dead_letters(settings)
    return Parts(settings, box, holdings, sender, answering, outreach, reconciling, watching, forget, letters)


def forgetting(settings: Settings | None = None) -> Forgetting:
    """From the environment, where no settings are given. Loads LangGraph, whose memory is among what is forgotten."""
    settings = settings or Settings.from_env(os.environ)
    memory = _memory(settings)

    def forget_thread(thread_id: str) -> int:
        known = memory.get_tuple({"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}})
        memory.delete_thread(thread_id)
        return int(known is not None)

    reader = _client(settings, settings.chatwoot_api_token) if settings.chatwoot_api_token else None
    speaker = _client(settings, settings.reply_token)
    recipients = Recipients(_redis(settings, decode_responses=True), settings.chatwoot_account_id)
    return Forgetting(mailbox(settings), directory(settings), recipients, reader, speaker, forget_thread)


def directory(settings: Settings) -> Directory:
    client = _redis(settings, decode_responses=True)
    return Directory(client, settings.chatwoot_account_id, ttl_s=_memory_s(settings))


def _memory_s(settings: Settings) -> int:
    return int(settings.memory_ttl_days * 24 * 3600)


def _memory(settings: Settings) -> Memory:
    from graph.checkpoint import Memory

    return Memory(_redis(settings, decode_responses=False), ttl_s=_memory_s(settings))


def policy(settings: Settings) -> Policy:
    return Policy(
        account_id=settings.chatwoot_account_id,
        answer_inbox_ids=settings.answered_inbox_ids,
        answer_statuses=cast(frozenset[Status], settings.answered_statuses),
    )


def mailbox(settings: Settings, *, patience_s: float = 5) -> Mailbox:
    """The mailbox, for whoever needs nothing else and waits so long for Redis. Loads no LangGraph."""
    timing = Timing(
        quiet_s=settings.coalesce_seconds,
        most_quiet_s=settings.coalesce_max_seconds,
        lease_s=settings.lease_seconds,
        doubt_s=settings.chatwoot_storing_seconds,
    )
    return Mailbox(
        _redis(settings, decode_responses=True, patience_s=patience_s),
        account_id=settings.chatwoot_account_id,
        timing=timing,
        shards=settings.shards,
        owner=owner_of_this_process(),
    )


def _redis(settings: Settings, *, decode_responses: bool, patience_s: float = 5) -> redis.Redis:
    pool = redis.BlockingConnectionPool.from_url(
        settings.redis_url,
        decode_responses=decode_responses,
        max_connections=_CONNECTIONS,
        timeout=int(2 * patience_s),
        protocol=2,
        socket_timeout=patience_s,
        socket_connect_timeout=min(patience_s, 2),
        health_check_interval=30,
    )
    return redis.Redis(connection_pool=pool)


def _client(settings: Settings, token: str) -> Client:
    url, timeout_s = settings.chatwoot_api_url, settings.chatwoot_timeout_seconds
    before_each = pace(settings).before
    return Client(url, settings.chatwoot_account_id, token, read_timeout_s=timeout_s, before_each=before_each)


@cache
def pace(settings: Settings) -> Pace:
    """One for all clients of the process; what it allows, all processes share."""
    limits = Limits(
        calls_per_minute=settings.chatwoot_rate_per_minute,
        posts_in_flight=settings.posts_in_flight,
        seat_s=settings.chatwoot_timeout_seconds + 10,
    )
    client = _redis(settings, decode_responses=True)
    return Pace(client, settings.chatwoot_account_id, limits, owner=owner_of_this_process())


def _typing(settings: Settings) -> TypingSign | None:
    def client() -> Client:
        url, token = settings.chatwoot_api_url, settings.reply_token
        before_each = pace(settings).before
        return Client(
            url,
            settings.chatwoot_account_id,
            token,
            connect_timeout_s=2,
            read_timeout_s=5,
            before_each=before_each,
        )

    return TypingSign(client, settings.typing_seconds) if settings.typing_seconds else None


def _version(settings: Settings, client: Client) -> Callable[[], str]:
    """Chatwoot's version: one that signs its webhooks is at least 4.12, and need not be asked."""
    if settings.chatwoot_webhook_secret:
        return lambda: "4.12.0"
    return cache(client.server_version)


def _thinking(settings: Settings, box: Mailbox) -> Think:
    from graph.checkpoint import Fence, FencedOff
    from graph.loader import durability_for, load
    from graph.said import Said
    from graph.thinking import Thinker
    from tasks.records import incoming
    from tasks.thinking.turn import name_of

    memory = _memory(settings)
    graph = load(settings.graph, memory, model=settings.model, prompt=settings.prompt)
    durability = settings.graph_durability
    thinker = Thinker(graph, settings.history_limit, durability if durability != "auto" else durability_for(graph))

    def _said(message: Incoming) -> Said:
        quoted = f"chatwoot:{message.in_reply_to}" if message.in_reply_to else None
        return Said(f"chatwoot:{message.id}", message.text, message.by, message.attachments, quoted)

    def think(turn: Turn, messages: Sequence[Incoming]) -> Outcome:
        earlier = [_said(incoming.load(text)) for text in turn.earlier]
        said = [_said(message) for message in messages]
        fence = Fence(box.state_key(turn.conversation_id), "token", turn.token)
        try:
            return thinker.think(
                box.thread(turn.conversation_id), name_of(turn, messages), said, earlier=earlier, fence=fence
            )
        except FencedOff as error:
            raise TurnLost(turn.conversation_id) from error

    return think
