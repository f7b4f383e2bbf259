"""What an administrator sees and sets in an account: bots, webhooks, inboxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatwoot import responses
from chatwoot.client import Client
from chatwoot.inboxes import Inbox
from chatwoot.installation import AgentBot, Server, Webhook, clock_of, role_in
from chatwoot.reading import all_of, mapping, within
from chatwoot.responses import Call
from chatwoot.versions import version_in


class Administration(Client):
    """As `Client`, for a user's token. Where nothing else is said an agent may ask, too, and is not told secrets."""

    def server(self) -> Server:
        """Its version and clock. With any token."""
        call = Call("GET", "/api")
        response = self._send(call, call.path)
        date = response.headers.get("date")
        return responses.read(response, call, lambda answer: Server(version_in(answer), clock_of(date, answer)))

    def role(self) -> str | None:
        """What the token's user is in this account: "administrator" or "agent"; None: no part of it.

        Raises:
            PermanentError: with status 401: there is no such token, or it is a bot's.

        Source: https://developers.chatwoot.com/api-reference/profile/fetch-user-profile
        """
        call = Call("GET", "/api/v1/profile")
        return responses.read(self._send(call, call.path), call, lambda answer: role_in(self.account_id, answer))

    def inboxes(self) -> list[Inbox]:
        """All, or those that an agent is a member of.

        Source: https://developers.chatwoot.com/api-reference/inboxes/list-all-inboxes
        """
        return self._ask(Call("GET", "/inboxes"), all_of(Inbox.from_json, "payload"))

    def agent_bots(self) -> list[AgentBot]:
        """Those of the whole server are among them.

        Source: https://developers.chatwoot.com/api-reference/account-agentbots/list-all-agentbots
        """
        return self._ask(Call("GET", "/agent_bots"), all_of(AgentBot.from_json))

    def create_agent_bot(self, *, name: str, outgoing_url: str) -> AgentBot:
        """For administrators.

        Raises:
            TransientError, OutcomeUnknown, PermanentError: as for `send_message`.

        Source: https://developers.chatwoot.com/api-reference/account-agentbots/create-an-agent-bot
        """
        body = {"name": name, "outgoing_url": outgoing_url}
        return self._ask(Call("POST", "/agent_bots", creates=True), AgentBot.from_json, body=body)

    def set_agent_bots_url(self, bot_id: int, outgoing_url: str) -> AgentBot:
        """Where its webhooks go from now on. For administrators.

        Source: https://developers.chatwoot.com/api-reference/account-agentbots/update-an-agent-bot
        """
        body = {"outgoing_url": outgoing_url}
        return self._ask(Call("PATCH", f"/agent_bots/{bot_id}"), AgentBot.from_json, body=body)

    def agent_bot_of(self, inbox_id: int) -> AgentBot | None:
        """The inbox's bot.

        Source: https://developers.chatwoot.com/api-reference/inboxes/show-inbox-agent-bot
        """
        return self._ask(Call("GET", f"/inboxes/{inbox_id}/agent_bot"), _bot_of_inbox)

    def set_agent_bot_of(self, inbox_id: int, bot_id: int) -> None:
        """For administrators.

        Source: https://developers.chatwoot.com/api-reference/inboxes/add-or-remove-agent-bot
        """
        self._tell(Call("POST", f"/inboxes/{inbox_id}/set_agent_bot"), body={"agent_bot": bot_id})

    def webhooks(self) -> list[Webhook]:
        """For administrators.

        Source: https://developers.chatwoot.com/api-reference/webhooks/list-all-webhooks
        """
        return self._ask(Call("GET", "/webhooks"), all_of(Webhook.from_json, "payload", "webhooks"))

    def create_webhook(self, *, name: str, url: str, subscriptions: Sequence[str]) -> Webhook:
        """For administrators.

        Raises:
            PermanentError: `already_taken`: there is one with this URL.
            TransientError, OutcomeUnknown: as for `send_message`.

        Source: https://developers.chatwoot.com/api-reference/webhooks/add-a-webhook
        """
        body = {"webhook": {"name": name, "url": url, "subscriptions": list(subscriptions)}}
        return self._ask(Call("POST", "/webhooks", creates=True), _webhook, body=body)

    def update_webhook(self, webhook_id: int, *, url: str, subscriptions: Sequence[str]) -> Webhook:
        """For administrators.

        Source: https://developers.chatwoot.com/api-reference/webhooks/update-a-webhook-object
        """
        body = {"webhook": {"url": url, "subscriptions": list(subscriptions)}}
        return self._ask(Call("PATCH", f"/webhooks/{webhook_id}"), _webhook, body=body)


def _bot_of_inbox(answer: Any) -> AgentBot | None:
    bot = mapping(answer).get("agent_bot")
    return AgentBot.from_json(bot) if bot else None


def _webhook(answer: Any) -> Webhook:
    return Webhook.from_json(within(answer, "payload", "webhook"))
