"""The stand-in put together: the world, what acts on it, and who tells of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sandbox.contacts import Contacts
from sandbox.conversations import Conversations
from sandbox.customers import Customers
from sandbox.deliveries import Deliveries, Rules, Webhook
from sandbox.events import Events, Untold
from sandbox.faults import Faults
from sandbox.jobs import Jobs
from sandbox.journal import Journal
from sandbox.lag import Lag
from sandbox.messages import Messages
from sandbox.pace import Pace
from sandbox.setup import Setup
from sandbox.stream import Stream
from sandbox.version import Version
from sandbox.webhook_faults import WebhookFaults
from sandbox.world import World

# How long after the request conversation_updated is built: what is written in between, it shows already.
_UPDATE_LAG_S = 0.01
_TELLS_OF_MESSAGES = ("message_created", "message_updated")


@dataclass(frozen=True)
class Options:
    """How this Chatwoot behaves."""

    version: Version
    rules: Rules
    messages_per_second: float | None = None
    first_id: int = 1


class StandIn:
    def __init__(self, options: Options) -> None:
        self.world = World(version=options.version, first_id=options.first_id)
        self.journal = Journal()
        self.stream = Stream()
        self.jobs = Jobs()
        self.faults = Faults()
        self.pace = Pace(options.messages_per_second)
        self.lag = Lag()
        self.lists_behind_s = 0.0
        self.deliveries = Deliveries(self.jobs, self.journal, options.rules, self.lag)
        self.deliveries.on_failure = self._after_failure
        self.webhook_faults = WebhookFaults(self.deliveries, self.jobs)
        events = Events(self.world, self.webhook_faults, self.stream)
        self.events = events
        self.setup = Setup(self.world)
        self.contacts = Contacts(self.world, events)
        self.conversations = Conversations(self.world, events, self.contacts)
        self.messages = Messages(self.world, events, self.conversations, self._later, self.lag)
        self.customers = Customers(self.world, events, self.contacts, self.conversations, self.messages)

    def start(self) -> None:
        self.jobs.start()

    @contextmanager
    def acting(self) -> Iterator[None]:
        """What a request or a job does to the world: alone, and told to everyone at its end."""
        with self.world.lock:
            try:
                yield
            finally:
                updates = self.events.take_but_updates()
                if updates:
                    self.jobs.add(lambda: self._tell(updates), after_s=_UPDATE_LAG_S)

    def close(self) -> None:
        """Let go of whoever waits, and wait for the threads that work."""
        self.faults.close()
        self.lag.close()
        self.pace.set(None)
        self.stream.close()
        self.jobs.close()
        self.deliveries.close()

    def _tell(self, updates: list[Untold]) -> None:
        with self.world.lock:
            self.events.tell(updates)

    def _later(self, act: Callable[[], None], after_s: float) -> None:
        self.jobs.add(lambda: self._act(act), after_s=after_s)

    def _act(self, act: Callable[[], None]) -> None:
        with self.acting():
            act()

    def _after_failure(self, webhook: Webhook, error: str) -> None:
        """The last attempt failed (contract, "failure and retries"). Account webhooks are simply lost."""
        if webhook.event not in _TELLS_OF_MESSAGES or webhook.target.kind == "account":
            return
        with self.acting():
            message = self.world.messages.get(webhook.about_message or 0)
            if message is None:
                return
            if webhook.target.kind == "bot":
                conversation = self.world.conversations[message.conversation_id]
                self.conversations.open_after_bot_failure(conversation)
            else:
                self.messages.set_status(message, "failed", error)
