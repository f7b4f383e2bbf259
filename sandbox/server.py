"""Sandbox: a running stand-in, as tests and the command line use it."""

from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

from sandbox.app import create_app
from sandbox.bodies import messages, rest
from sandbox.customers import Writing
from sandbox.deliveries import Rules
from sandbox.drafts import file_of
from sandbox.faults import Faults
from sandbox.journal import Delivery, Request
from sandbox.lag import Lag
from sandbox.standin import Options, StandIn
from sandbox.version import NEWEST_RECORDED, Version
from sandbox.webhook_faults import WebhookFaults
from sandbox.wire import Server
from sandbox.world import AgentBot, Article, Contact, Conversation, Inbox, Json, Message, Team, User, Webhook

_PHONE_NUMBER, _EMAIL = "+15553884781", "hola@example.com"


class Sandbox:
    """Real HTTP on its own threads, from `start` (or `with`) to `close`.

    Beside the API it can be told what happens in Chatwoot: who writes, what is set up, what breaks.
    `frontend_url` is what the addresses of attachments begin with, if others reach it otherwise than by `url`.
    Conversations and messages are numbered from `first_id`: a sandbox that takes another's place before the same bot
    must not begin where that one began, or its new messages look like those that were answered.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        admin_token: str = "admin-token",
        agent_token: str = "agent-token",
        chatwoot_version: str = NEWEST_RECORDED,
        messages_per_second: float | None = None,
        frontend_url: str | None = None,
        first_id: int = 1,
        webhook_timeout_s: float = 5.0,
        webhook_retry_s: float = 3.0,
    ) -> None:
        rules = Rules(timeout_s=webhook_timeout_s, retry_after_s=webhook_retry_s)
        options = Options(Version(chatwoot_version), rules, messages_per_second, first_id)
        self._closed = False
        self._standin = StandIn(options)
        self._world = self._standin.world
        self._server = Server(host, port, create_app(self._standin))
        seen_as = "127.0.0.1" if host == "0.0.0.0" else host
        self.url = f"http://{seen_as}:{self._server.server_address[1]}"
        self._world.base_url = (frontend_url or self.url).rstrip("/")
        setup = self._standin.setup
        self.admin: User = setup.add_user("Marta", "marta@example.com", "administrator", admin_token)
        self.agent: User = setup.add_user("Pablo", "pablo@example.com", "agent", agent_token)

    def start(self) -> "Sandbox":
        self._standin.start()
        self._server.start()
        return self

    def close(self) -> None:
        """Let go of who hangs, end every connection and thread. Safe to repeat."""
        if self._closed:
            return
        self._closed = True
        self._standin.close()
        self._server.stop()

    def __enter__(self) -> "Sandbox":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # What is set up

    def add_agent_bot(
        self,
        *,
        name: str = "Contesta",
        outgoing_url: str | None = None,
        secret: str | None = None,
        access_token: str | None = None,
    ) -> AgentBot:
        with self._standin.acting():
            return self._standin.setup.add_bot(name, outgoing_url, secret=secret, access_token=access_token)

    def add_inbox(
        self,
        *,
        name: str = "WhatsApp",
        channel: str = "whatsapp",
        agent_bot_id: int | None = None,
        members: Sequence[int] | None = None,
        webhook_url: str | None = None,
        lock_to_single_conversation: bool = False,
    ) -> Inbox:
        """Pablo is a member unless `members` (user ids) says otherwise. Channels: sandbox.setup.CHANNELS."""
        described = {"type": channel, "webhook_url": webhook_url, "phone_number": _PHONE_NUMBER, "email": _EMAIL}
        with self._standin.acting():
            inbox = self._standin.setup.add_inbox(name, described)
            self._standin.setup.set_bot(inbox, agent_bot_id)
            self._standin.setup.set_members(inbox, list((self.agent.id,) if members is None else members))
            inbox.settings["lock_to_single_conversation"] = lock_to_single_conversation
            return inbox

    def add_webhook(
        self, *, url: str, secret: str | None = None, subscriptions: Sequence[str] | None = None
    ) -> Webhook:
        """An account webhook; without subscriptions, of all events."""
        given: Json = {"url": url, "secret": secret}
        if subscriptions is not None:
            given["subscriptions"] = list(subscriptions)
        with self._standin.acting():
            return self._standin.setup.add_webhook(given)

    def keep_pending_on_bot_failure(self, keep: bool = True) -> None:
        """The account's setting, which no API of Chatwoot's sets: its console does."""
        with self._world.lock:
            self._world.account.keep_pending_on_bot_failure = keep

    def add_team(self, *, name: str) -> Team:
        with self._standin.acting():
            return self._standin.setup.add_team({"name": name})

    def add_article(
        self, title: str, content: str, *, portal: str = "shop", locale: str = "en", description: str = ""
    ) -> Article:
        """Published in a help centre, which is at /hc/<portal>/<locale>. `content` is Markdown."""
        with self._standin.acting():
            return self._standin.setup.add_article(portal, locale, title, content, description)

    def add_contact(self, **values: Any) -> Contact:
        """name, phone_number, email, identifier, blocked, custom_attributes..."""
        with self._standin.acting():
            return self._standin.contacts.create(values)

    def add_conversation(
        self, *, inbox_id: int, contact_id: int, id: int | None = None, status: str | None = None
    ) -> Conversation:
        """Begun as by POST conversations: in a bot's inbox it is pending. `status` overrides that afterwards; what is
        open then is nobody's."""
        with self._standin.acting():
            contact, inbox = self._world.contacts[contact_id], self._world.inboxes[inbox_id]
            link = self._standin.contacts.address(contact, inbox)
            begun = self._standin.conversations.begin(contact, inbox, link, {}, number=id)
            begun.status = status or begun.status
            if begun.status == "open":
                begun.assignee_agent_bot_id = None
            self._standin.conversations.told(begun)
            return begun

    # What happens

    def customer_writes(
        self,
        content: str | None = None,
        *,
        conversation_id: int | None = None,
        phone_number: str | None = None,
        identifier: str | None = None,
        email: str | None = None,
        inbox_id: int | None = None,
        name: str | None = None,
        attachments: Sequence[Json] = (),
        source_id: str | None = None,
        content_attributes: Json | None = None,
        content_type: str = "text",
    ) -> Message:
        """A message through the customer's own channel, into a conversation or to an inbox.

        Attachments: {"filename", "content_type", "data"} or {"file_type": "location", "coordinates_lat": …}.
        """
        writing = Writing(
            content=content,
            conversation_id=conversation_id,
            phone_number=phone_number,
            identifier=identifier,
            email=email,
            inbox_id=inbox_id,
            name=name,
            files=tuple(file_of(each) for each in attachments),
            source_id=source_id,
            content_attributes=content_attributes or {},
            content_type=content_type,
        )
        with self._standin.acting():
            return self._standin.customers.write(writing)

    def customer_edits(self, message_id: int, content: str) -> None:
        with self._standin.acting():
            self._standin.messages.edit(self._world.messages[message_id], content)

    def transcribe(self, message_id: int, transcript: str) -> None:
        """What the customer said in a voice note, as Chatwoot has it transcribed a moment later."""
        with self._standin.acting():
            self._standin.messages.transcribe(self._world.messages[message_id], transcript)

    def customer_chooses(self, message_id: int, title: str) -> None:
        """One of the quick replies in a message that was sent to them."""
        with self._standin.acting():
            self._standin.messages.choose(self._world.messages[message_id], title)

    def channel_reports(self, message_id: int, status: str, external_error: str | None = None) -> None:
        """delivered, read or failed, as WhatsApp says later."""
        with self._standin.acting():
            message = self._world.messages[message_id]
            self._standin.messages.set_status(message, status, external_error)

    def age(self, conversation_id: int, *, seconds: float) -> None:
        """Make all that happened in a conversation so much older."""
        with self._world.lock:
            conversation = self._world.conversations[conversation_id]
            conversation.created_at -= seconds
            conversation.last_activity_at -= seconds
            if conversation.waiting_since is not None:
                conversation.waiting_since -= seconds
            for message in conversation.messages:
                message.created_at -= seconds

    # What is there, and what was

    def messages(self, conversation_id: int) -> list[Json]:
        """As the REST API lists them, oldest first, all of them."""
        with self._world.lock:
            said = self._world.conversations[conversation_id].messages
            return [messages.listed(self._world, message) for message in said]

    def records(self, conversation_id: int) -> list[Message]:
        """The messages as they are stored, oldest first: their times are exact, which the API rounds to seconds."""
        with self._world.lock:
            return [replace(message) for message in self._world.conversations[conversation_id].messages]

    def arrived(self, conversation_id: int) -> list[str]:
        """What the customer's phone shows of what was sent to it, in the order in which it came."""
        sent = (each for each in self.records(conversation_id) if not each.is_incoming)
        came = [each for each in sent if each.arrival is not None]
        return [str(each.content) for each in sorted(came, key=lambda each: each.arrival or 0)]

    def conversation(self, conversation_id: int) -> Json:
        with self._world.lock:
            return rest.conversation(self._world, self._world.conversations[conversation_id])

    @property
    def conversation_ids(self) -> list[int]:
        with self._world.lock:
            return list(self._world.conversations)

    @property
    def requests(self) -> list[Request]:
        return self._standin.journal.requests

    @property
    def deliveries(self) -> list[Delivery]:
        return self._standin.journal.deliveries

    def forget_requests(self) -> None:
        self._standin.journal.clear_requests()

    @property
    def faults(self) -> Faults:
        return self._standin.faults

    @property
    def webhook_faults(self) -> WebhookFaults:
        return self._standin.webhook_faults

    @property
    def lag(self) -> Lag:
        return self._standin.lag

    def set_pace(self, messages_per_second: float | None) -> None:
        self._standin.pace.set(messages_per_second)

    def let_lists_lag(self, seconds: float) -> None:
        """A list of messages is read from a replica of the database that is so far behind."""
        self._standin.lists_behind_s = seconds

    def settle(self, timeout_s: float = 30.0) -> None:
        """Wait until every webhook is delivered or given up, and every message handed on to its channel. What a
        `shuffled` switch still holds does not count.

        Raises:
            TimeoutError: some still were on their way after `timeout_s`, and after what `lag` may add to it.
        """
        patience_s = timeout_s + self._standin.deliveries.longest_lag_s + self.lag.of_messages_at_most_s
        if not self._standin.jobs.settle(patience_s):
            raise TimeoutError(f"webhooks still on their way after {patience_s:g} s")
