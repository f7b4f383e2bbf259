"""Settings -> what a process works with: one of each thing, made when it is first asked for."""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, cast

import redis
import structlog

import settings
from chatwoot.client import Client
from chatwoot.conversations import Status
from chatwoot.storage import Storage
from settings import Settings
from tasks.customers.claims import RecipientClaims
from tasks.customers.erasure import Eraser
from tasks.customers.index import ContactIndex
from tasks.customers.left_alone import LabelledContacts, LeftAlone
from tasks.customers.outreach import Outreach
from tasks.customers.twins import Twins
from tasks.mailbox import Mailbox, Timing
from tasks.mailbox.doorbells import over_celery, write
from tasks.ownership.asking import Asker
from tasks.ownership.handover import Handover
from tasks.ownership.hearing import Hearing
from tasks.ownership.intake import Intake
from tasks.ownership.lateness import Lateness
from tasks.ownership.policy import Policy, nobody_is_left_alone
from tasks.recovery.dead_letters import DeadLetters
from tasks.recovery.holdings import Holdings
from tasks.recovery.lost_webhooks import LostWebhooks
from tasks.recovery.restoration import AnsweredSince, Restoration
from tasks.recovery.taken_back import TakingBack
from tasks.recovery.waiting import WaitMonitor
from tasks.recovery.watchdog import BackgroundThreads
from tasks.runtime import requirements
from tasks.runtime.broker import retry_elsewhere
from tasks.runtime.clients import Clients, version_of
from tasks.runtime.counters import CounterFlusher, CounterStore
from tasks.runtime.greeting import Greeting
from tasks.runtime.outages import Outages
from tasks.runtime.patience import Patience
from tasks.runtime.presence import Alive, LastDone
from tasks.runtime.processes import ProcessRegistry, owner_of_this_process
from tasks.runtime.rate_limit import Limits, RateLimit
from tasks.sending.delivery import Delivery
from tasks.sending.elsewhere import Elsewhere
from tasks.sending.order import Order
from tasks.sending.outbox import OutboxSender
from tasks.sending.replacement import Replacement
from tasks.thinking.offered import offered_to_graphs
from tasks.thinking.opening_hours import InboxHours
from tasks.thinking.typing import TypingSign

if TYPE_CHECKING:  # LangGraph: not for the web process
    from graph.checkpoint import Memory
    from graph.store import Store
    from tasks.thinking.ears import Ears
    from tasks.thinking.spending import Spending
    from tasks.thinking.turn import TurnRunner

log = structlog.get_logger()

_CONNECTIONS = 64
_OF_A_WORKER = (
    "turn_runner",
    "sender",
    "outreach",
    "labelled_contacts",
    "taking_back",
    "lost_webhooks",
    "wait_monitor",
    "eraser",
    "dead_letters",
    "background_threads",
)


@cache
def of_this_process() -> Wiring:
    """The parts of this process, from the environment.

    Raises:
        SettingsError: the environment lacks something.
    """
    return Wiring(settings.of_this_process())


class Wiring:
    """The parts of one process. What is never asked for is never made, nor are its libraries loaded."""

    def __init__(self, settings: Settings, *, redis_patience_s: float = 5) -> None:
        """`redis_patience_s`: how long this process waits for an answer of Redis."""
        self.settings = settings
        self._redis_patience_s = redis_patience_s

    def for_a_worker(self) -> None:
        """Make what a worker's threads ask for, before there are any: a worker that cannot work ends at its start.

        Raises:
            GraphError: the graph cannot be loaded.
        """
        for name in _OF_A_WORKER:
            getattr(self, name)

    def check_redis(self) -> bool:
        """Look whether Redis, the broker's too, can do what is wanted of it. False: it cannot be looked at now.

        Raises:
            RequirementsNotMet: it cannot, and never will.
        """
        account_id = self.settings.chatwoot_account_id
        try:
            requirements.check_state(self.redis_client, account_id)
            if self.brokers_redis is not None:
                with self.brokers_redis as broker:
                    requirements.check_broker(broker, account_id)
        except redis.RedisError as error:
            log.warning("redis_not_checked", error=type(error).__name__, why=str(error))
            return False
        return True

    # -- Redis

    @cached_property
    def redis_client(self) -> redis.Redis:
        """Decodes responses."""
        return self._connected(decode_responses=True)

    @cached_property
    def brokers_redis(self) -> redis.Redis | None:
        """Where the doorbells have a Redis of their own; None: they have not, or a broker of another kind."""
        url = self.settings.broker_url
        if url == self.settings.redis_url or not url.startswith(("redis://", "rediss://", "unix://")):
            return None
        return self._connected(url, decode_responses=True, connections=1)

    @cached_property
    def mailbox(self) -> Mailbox:
        settings = self.settings
        timing = Timing(
            quiet_s=settings.coalesce_seconds,
            most_quiet_s=settings.coalesce_max_seconds,
            transcript_s=settings.transcript_wait_seconds,
            lease_s=settings.lease_seconds,
            doubt_s=settings.chatwoot_storing_seconds,
        )
        return Mailbox(
            self.redis_client,
            account_id=settings.chatwoot_account_id,
            timing=timing,
            shards=settings.shards,
            owner=owner_of_this_process(),
        )

    @cached_property
    def index(self) -> ContactIndex:
        ttl_s = max(self._memory_s, self._store_s)
        return ContactIndex(self.redis_client, self.settings.chatwoot_account_id, ttl_s=ttl_s)

    @cached_property
    def claims(self) -> RecipientClaims:
        return RecipientClaims(self.redis_client, self.settings.chatwoot_account_id)

    @cached_property
    def counters(self) -> CounterStore:
        return CounterStore(self.redis_client, self.settings.chatwoot_account_id)

    @cached_property
    def counter_flusher(self) -> CounterFlusher:
        """Not started yet."""
        return CounterFlusher(self.counters)

    @cached_property
    def alive(self) -> Alive:
        return Alive(self.redis_client, self.settings.chatwoot_account_id, owner_of_this_process())

    @cached_property
    def outages(self) -> Outages:
        return Outages(self.redis_client, self.settings.chatwoot_account_id)

    @cached_property
    def last_done(self) -> LastDone:
        return LastDone(self.redis_client, self.settings.chatwoot_account_id)

    @cached_property
    def registry(self) -> ProcessRegistry:
        client = self._connected(decode_responses=True, connections=1)
        return ProcessRegistry(client, self.settings.chatwoot_account_id, owner_of_this_process())

    @cached_property
    def rate_limit(self) -> RateLimit:
        """What it allows, all processes share."""
        limits = Limits(
            calls_per_minute=self.settings.chatwoot_rate_per_minute,
            posts_in_flight=self.settings.posts_in_flight,
            patience_s=self.settings.post_patience_seconds,
            most_in_flight=8 * self.settings.posts_in_flight,
            slot_s=self.settings.chatwoot_timeout_seconds + 10,
        )
        return RateLimit(self.redis_client, self.settings.chatwoot_account_id, limits, owner=owner_of_this_process())

    @cached_property
    def memory(self) -> Memory:
        from graph.checkpoint import Memory

        return Memory(
            self._connected(decode_responses=False),
            ttl_s=self._memory_s,
            patience=Patience(self.settings.lease_seconds),
            types=self.settings.msgpack_modules,
        )

    @cached_property
    def store(self) -> Store:
        from graph.store import Store

        account_id = self.settings.chatwoot_account_id
        patience = Patience(self.settings.lease_seconds)
        return Store(self.redis_client, account_id=account_id, ttl_s=self._store_s, patience=patience)

    # -- Chatwoot

    @cached_property
    def user_client(self) -> Client | None:
        """With a user's token. None where there is only a bot's."""
        token = self.settings.chatwoot_api_token
        return self._client(token, read_timeout_s=self.settings.chatwoot_timeout_seconds) if token else None

    @cached_property
    def reply_client(self) -> Client:
        """With the bot's token where there is one."""
        if self.user_client is not None and self.settings.reply_token == self.settings.chatwoot_api_token:
            return self.user_client
        return self._client(self.settings.reply_token, read_timeout_s=self.settings.chatwoot_timeout_seconds)

    @cached_property
    def clients(self) -> Clients:
        return Clients(
            reply=self.reply_client,
            user=self.user_client,
            version=version_of(
                self.user_client or self.reply_client, signs=bool(self.settings.chatwoot_webhook_secret)
            ),
            rate_limit=self.rate_limit,
            speaks_as_bot=bool(self.settings.chatwoot_bot_token),
        )

    # -- whose a conversation is

    @cached_property
    def policy(self) -> Policy:
        return Policy(
            account_id=self.settings.chatwoot_account_id,
            answer_inbox_ids=self.settings.answered_inbox_ids,
            answer_statuses=cast(frozenset[Status], self.settings.answered_statuses),
            ignored_contacts=self.settings.ignore_contacts,
            horizon_s=self.settings.reconcile_horizon_seconds,
            leaves_alone=self.left_alone.includes if self.settings.ignore_contacts_label else nobody_is_left_alone,
            answers_edits=self.settings.answer_edits,
            person_opens=self.settings.person_opens,
        )

    @cached_property
    def intake(self) -> Intake:
        # As long as a message may be found by looking for it, and its twin a little later.
        horizon_s = int(self.settings.reconcile_horizon_seconds) + 600
        twins = Twins(self.redis_client, self.settings.chatwoot_account_id, ttl_s=horizon_s)
        return Intake(mailbox=self.mailbox, index=self.index, twins=twins, policy=self.policy)

    @cached_property
    def lateness(self) -> Lateness | None:
        """None where it does not matter: Chatwoot's list is read before each turn."""
        if self.settings.look_before_thinking == "always":
            return None
        return Lateness(self.redis_client, self.settings.chatwoot_account_id)

    @cached_property
    def greeting(self) -> Greeting:
        return Greeting(self.redis_client, self.settings.chatwoot_account_id)

    @cached_property
    def asker(self) -> Asker:
        return Asker(mailbox=self.mailbox, clients=self.clients, intake=self.intake, doorbells=over_celery)

    @cached_property
    def hearing(self) -> Hearing:
        return Hearing(
            mailbox=self.mailbox,
            clients=self.clients,
            intake=self.intake,
            lateness=self.lateness,
        )

    @cached_property
    def handover(self) -> Handover:
        return Handover(mailbox=self.mailbox, clients=self.clients, policy=self.policy)

    # -- thinking

    @cached_property
    def holdings(self) -> Holdings:
        return Holdings(self.settings.turn_seconds)

    @cached_property
    def typing(self) -> TypingSign | None:
        if not self.settings.typing_seconds:
            return None
        return TypingSign(
            new_client=lambda: self._client(self.settings.reply_token, read_timeout_s=5, connect_timeout_s=2),
            after_s=self.settings.typing_seconds,
        )

    @cached_property
    def storage(self) -> Storage:
        settings = self.settings
        most_bytes = int(settings.media_max_mb * 1_000_000)
        url, hosts, timeout_s = settings.chatwoot_api_url, settings.media_hosts, settings.media_seconds
        return Storage(url, hosts=hosts, most_bytes=most_bytes, timeout_s=timeout_s)

    @cached_property
    def ears(self) -> Ears | None:
        from tasks.thinking.ears import Ears, transcriber

        spec = self.settings.transcribe
        return Ears(self.storage.fetch, transcriber(spec)) if spec else None

    @cached_property
    def spending(self) -> Spending:
        from tasks.thinking.prices import prices
        from tasks.thinking.spending import Spending

        settings = self.settings
        priced, most = prices(settings.model_prices), settings.max_cost_per_day
        return Spending(self.redis_client, settings.chatwoot_account_id, priced, most)

    @property
    def offered(self) -> dict[str, Any]:
        """What a function that makes a graph may ask for. With a bot's token alone nobody can ask for opening hours."""
        user = self.clients.user
        hours = InboxHours(user.inbox).in_words if user is not None else None
        return offered_to_graphs(self.settings, opening_hours=hours)

    @cached_property
    def turn_runner(self) -> TurnRunner:
        from tasks.thinking.bridge import bridge_to
        from tasks.thinking.turn import TurnRunner

        settings = self.settings
        bridge = bridge_to(
            settings,
            offered=self.offered,
            storage=self.storage,
            ears=self.ears,
            account_id=settings.chatwoot_account_id,
            most_attempts=settings.turn_attempts,
            memory=self.memory,
            store=self.store,
            mailbox=self.mailbox,
            spending=self.spending,
        )
        return TurnRunner(
            mailbox=self.mailbox,
            holdings=self.holdings,
            bridge=bridge,
            spending=self.spending,
            hearing=self.hearing,
            most_attempts=settings.turn_attempts,
            most_turns_per_hour=settings.max_turns_per_hour,
            message_limit=settings.message_limit,
            typing=self.typing,
            away_s=settings.turn_retry_seconds,
            unheard_reply=settings.unheard_reply,
            decision_hours=settings.decision_hours,
            shows_errors=settings.log_graph_errors,
            leaves_alone=self.policy.leaves_alone,
        )

    # -- sending

    @cached_property
    def replacement(self) -> Replacement | None:
        if self.user_client is None or self.settings.on_missing_conversation != "recreate":
            return None
        return Replacement(client=self.user_client, policy=self.policy, mailbox=self.mailbox)

    @cached_property
    def delivery(self) -> Delivery:
        return Delivery(
            mailbox=self.mailbox,
            clients=self.clients,
            handover=self.handover,
            restoration=self.restoration,
            order=Order(mailbox=self.mailbox, clients=self.clients, most_wait_s=self.settings.order_wait_seconds),
            elsewhere=Elsewhere(mailbox=self.mailbox, clients=self.clients, index=self.index),
            replacement=self.replacement,
            looks_before=self.settings.validate_conversations,
        )

    @cached_property
    def sender(self) -> OutboxSender:
        return OutboxSender(
            mailbox=self.mailbox,
            holdings=self.holdings,
            delivery=self.delivery,
            asker=self.asker,
            most_retry_s=self.settings.send_retry_seconds,
        )

    # -- customers

    @cached_property
    def outreach(self) -> Outreach | None:
        """None where there is only a bot's token; so are `lost_webhooks` and `wait_monitor`."""
        if self.user_client is None:
            return None
        return Outreach(
            client=self.user_client,
            mailbox=self.mailbox,
            claims=self.claims,
            index=self.index,
            most_retry_s=self.settings.send_retry_seconds,
        )

    @cached_property
    def left_alone(self) -> LeftAlone:
        return LeftAlone(self.redis_client, self.settings.chatwoot_account_id)

    @cached_property
    def labelled_contacts(self) -> LabelledContacts | None:
        """None where no label is looked for, or there is only a bot's token."""
        label = self.settings.ignore_contacts_label
        if self.user_client is None or not label:
            return None
        return LabelledContacts(
            client=self.user_client, left_alone=self.left_alone, label=label, give_way=self.rate_limit.give_way
        )

    @cached_property
    def eraser(self) -> Eraser:
        """Loads LangGraph, whose memory is among what is forgotten."""
        return Eraser(
            mailbox=self.mailbox,
            index=self.index,
            claims=self.claims,
            user=self.user_client,
            reply=self.reply_client,
            forget_thread=self.memory.forget,
            store=self.store,
        )

    # -- recovery

    @cached_property
    def taking_back(self) -> TakingBack | None:
        if self.user_client is None or not self.settings.take_back:
            return None
        return TakingBack(
            user=self.user_client,
            clients=self.clients,
            mailbox=self.mailbox,
            policy=self.policy,
            doorbells=over_celery,
            outages=self.outages,
        )

    @cached_property
    def lost_webhooks(self) -> LostWebhooks | None:
        if self.user_client is None:
            return None
        settings = self.settings
        return LostWebhooks(
            client=self.user_client,
            intake=self.intake,
            policy=self.policy,
            doorbells=over_celery,
            horizon_s=settings.reconcile_horizon_seconds,
            grace_s=settings.reconcile_grace_seconds,
            lately_s=2 * settings.reconcile_seconds + settings.reconcile_grace_seconds + 60,
            give_way=self.rate_limit.give_way,
            gone=self.eraser.if_gone,
        )

    @cached_property
    def wait_monitor(self) -> WaitMonitor | None:
        if self.user_client is None:
            return None
        return WaitMonitor(
            client=self.user_client,
            mailbox=self.mailbox,
            handover=self.handover,
            policy=self.policy,
            doorbells=over_celery,
            most_wait_s=self.settings.max_wait_seconds,
        )

    @cached_property
    def restoration(self) -> Restoration:
        settings = self.settings
        return Restoration(
            client=self.redis_client,
            account_id=settings.chatwoot_account_id,
            horizon_s=settings.reconcile_horizon_seconds,
        )

    @cached_property
    def answered_since(self) -> AnsweredSince | None:
        if self.user_client is None:
            return None
        return AnsweredSince(mailbox=self.mailbox, user=self.user_client)

    @cached_property
    def dead_letters(self) -> DeadLetters:
        return DeadLetters(
            mailbox=self.mailbox, user=self.user_client, reply=self.reply_client, doorbells=over_celery, write=write
        )

    @cached_property
    def background_threads(self) -> BackgroundThreads:
        """Not started yet."""
        return BackgroundThreads(
            mailbox=self.mailbox,
            holdings=self.holdings,
            doorbells=over_celery,
            registry=self.registry,
            rate_limit=self.rate_limit,
            lease_s=self.settings.lease_seconds,
        )

    # -- how they are made

    @property
    def _memory_s(self) -> int:
        return int(self.settings.memory_ttl_days * 24 * 3600)

    @property
    def _store_s(self) -> int:
        return int(self.settings.store_ttl_days * 24 * 3600)

    def _connected(self, url: str = "", *, decode_responses: bool, connections: int = _CONNECTIONS) -> redis.Redis:
        pool = redis.BlockingConnectionPool.from_url(
            url or self.settings.redis_url,
            decode_responses=decode_responses,
            max_connections=connections,
            timeout=int(2 * self._redis_patience_s),
            protocol=2,
            socket_timeout=self._redis_patience_s,
            socket_connect_timeout=min(self._redis_patience_s, 2),
            health_check_interval=30,
            retry=retry_elsewhere(),
        )
        return redis.Redis(connection_pool=pool)

    def _client(self, token: str, *, read_timeout_s: float, connect_timeout_s: float = 5) -> Client:
        return Client(
            self.settings.chatwoot_api_url,
            self.settings.chatwoot_account_id,
            token,
            read_timeout_s=read_timeout_s,
            connect_timeout_s=connect_timeout_s,
            before_each=self.rate_limit.before,
        )
