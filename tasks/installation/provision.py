"""Sets us up in Chatwoot: the agent bot, its inboxes, the account webhook. A dashboard app would be one step more."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from chatwoot.administration import Administration
from chatwoot.installation import AgentBot, Webhook
from tasks.installation import wanted


class CannotProvision(Exception):
    """Nothing more was done. The text says in a sentence what an operator has to do first, and shows no secret."""


@dataclass(frozen=True)
class Provisioned:
    """How it stands now."""

    changes: tuple[str, ...]
    """What was made or changed, a sentence each; none: all was as it should be."""
    public: dict[str, str]
    """Settings that anybody may see."""
    secret: dict[str, str] = field(repr=False)
    """Settings that nobody may."""


@dataclass(frozen=True, kw_only=True)
class Provisioner:
    """Safe to repeat: what is there is found by its name or URL, and only what differs is changed."""

    client: Administration
    """With an administrator's token."""
    inbox_ids: frozenset[int] | None
    """Those that the bot is set on; None is all of them."""
    inbox_id: int
    """The one for conversations that we start."""
    base_url: str
    """Where Chatwoot reaches us."""
    name: str
    """Of the bot, and of the webhook."""
    token: str = field(default="", repr=False)
    """What stands in the path for a Chatwoot that does not sign; empty: the one that stands there, or a new one."""

    def provision(self) -> Provisioned:
        """Make it so.

        Raises:
            CannotProvision: the token is no administrator's, an inbox is not there or has another bot, two bots have
                the name.
            ChatwootError: as the client raises it; what was done until then stays, and repeating goes on.
        """
        self._require_administrator()
        server = self.client.server()
        bot = self._bot()
        self._require_free(inbox_ids := self._inbox_ids(), bot)
        token = "" if wanted.signs_bots(server) else self._token(bot)
        url = wanted.webhook_url(self.base_url, token)
        changes: list[str] = []
        bot = self._made_bot(bot, url, changes.append)
        webhook = self._made_webhook(url, changes.append)
        self._set_on_inboxes(inbox_ids, bot, changes.append)
        return Provisioned(tuple(changes), self._public(), _secret(bot, webhook, token))

    def _require_administrator(self) -> None:
        if (role := self.client.role()) != "administrator":
            whose = f"is of an {role}" if role else f"is of nobody in account {self.client.account_id}"
            raise CannotProvision(f"CHATWOOT_API_TOKEN {whose}: set an administrator's for this command")

    def _bot(self) -> AgentBot | None:
        """By its name, since names are what people see."""
        found = [bot for bot in self.client.agent_bots() if bot.name == self.name and not bot.is_system]
        if len(found) > 1:
            raise CannotProvision(f"{len(found)} bots are called {self.name}: rename those that are not ours")
        return found[0] if found else None

    def _inbox_ids(self) -> list[int]:
        there = {inbox.id for inbox in self.client.inboxes()}
        ids = there if self.inbox_ids is None else self.inbox_ids
        if missing := sorted((ids | {self.inbox_id}) - there):
            listed, known = (", ".join(map(str, each)) for each in (missing, sorted(there)))
            raise CannotProvision(
                f"CHATWOOT_INBOX_ID, ANSWER_INBOX_IDS: the account has no inbox {listed}, but {known or 'none'}"
            )
        return sorted(ids)

    def _require_free(self, inbox_ids: list[int], bot: AgentBot | None) -> None:
        """Somebody has set another bot there, and knows why."""
        for id in inbox_ids:
            other = self.client.agent_bot_of(id)
            if other is not None and (bot is None or other.id != bot.id):
                raise CannotProvision(f"inbox {id} has another bot: take it off first, in its Bot Configuration")

    def _token(self, bot: AgentBot | None) -> str:
        there = wanted.token_in(bot.outgoing_url) if bot and bot.outgoing_url else ""
        return self.token or there or secrets.token_urlsafe(24)

    def _made_bot(self, bot: AgentBot | None, url: str, changed: Callable[[str], None]) -> AgentBot:
        if bot is None:
            bot = self.client.create_agent_bot(name=self.name, outgoing_url=url)
            changed(f"made the agent bot {self.name}")
        elif bot.outgoing_url != url:
            bot = self.client.set_agent_bots_url(bot.id, url)
            changed(f"the agent bot {self.name} posts to {wanted.shown(url)} now")
        return bot

    def _made_webhook(self, url: str, changed: Callable[[str], None]) -> Webhook:
        webhook = self._webhook(url)
        if webhook is None:
            changed("made the account webhook")
            return self.client.create_webhook(name=self.name, url=url, subscriptions=wanted.EVENTS)
        events = tuple(dict.fromkeys((*webhook.subscriptions, *wanted.EVENTS)))
        if (webhook.url, webhook.subscriptions) == (url, events):
            return webhook
        changed(f"the account webhook posts to {wanted.shown(url)} now, and tells of {', '.join(events)}")
        return self.client.update_webhook(webhook.id, url=url, subscriptions=events)

    def _webhook(self, url: str) -> Webhook | None:
        """By its URL, of which Chatwoot has one only; else by its name, where our address has changed."""
        there = self.client.webhooks()
        of_that_url = [each for each in there if each.url == url]
        of_that_name = [each for each in there if each.name == self.name]
        return next(iter(of_that_url + of_that_name), None)

    def _set_on_inboxes(self, inbox_ids: list[int], bot: AgentBot, changed: Callable[[str], None]) -> None:
        for id in inbox_ids:
            if self.client.agent_bot_of(id) is None:
                self.client.set_agent_bot_of(id, bot.id)
                changed(f"set it on inbox {id}")

    def _public(self) -> dict[str, str]:
        return {"CHATWOOT_ACCOUNT_ID": str(self.client.account_id), "CHATWOOT_INBOX_ID": str(self.inbox_id)}


def _secret(bot: AgentBot, webhook: Webhook, token: str) -> dict[str, str]:
    signing = ",".join(filter(None, (bot.secret, webhook.secret)))
    values = {
        "CHATWOOT_BOT_TOKEN": bot.access_token or "",
        "CHATWOOT_WEBHOOK_SECRET": signing,
        "CHATWOOT_WEBHOOK_TOKEN": token,
    }
    return {name: value for name, value in values.items() if value}
