"""What stands in Chatwoot for us: the inboxes, the bot on them, where its webhooks go and what proves them."""

from __future__ import annotations

from functools import cached_property

from chatwoot.installation import AgentBot, Webhook
from settings import Settings
from tasks.diagnosis.findings import Check, NotLookedAt, Wrong
from tasks.diagnosis.of_chatwoot import BOTS_TOKEN, NO_BOT, USER, OfChatwoot
from tasks.installation import wanted

BOT, URL = "bot", "bot's URL"
_INBOXES = "inboxes"
_ADMINISTRATORS = "for that run it with an administrator's token: CHATWOOT_API_TOKEN=… flask doctor"


class OfSetup:
    def __init__(self, chatwoot: OfChatwoot, settings: Settings, base_url: str = "") -> None:
        """`base_url` is where Chatwoot should reach us; empty: wherever it posts to."""
        self._chatwoot = chatwoot
        self._settings = settings
        self._base_url = base_url

    def checks(self) -> list[Check]:
        return [
            Check(_INBOXES, self._inboxes, (USER,)),
            Check(BOT, self._bot, (USER, BOTS_TOKEN)),
            Check("bot on its inboxes", self._bot_on_inboxes, (BOT, _INBOXES)),
            Check(URL, self._bots_url, (BOT,)),
            Check("bot's secret", self._bots_secret, (BOT,)),
            Check("account webhook", self._account_webhook, (USER,)),
        ]

    def urls(self) -> list[str]:
        """Where Chatwoot posts, and where it should, of what leads to us."""
        bot, webhook, token = self._found_bot, self._found_webhook, self._settings.chatwoot_webhook_token
        there = [bot.outgoing_url if bot else None, webhook.url if webhook else None]
        found = [url for url in there if url and wanted.leads_to_us(url, token)]
        if self._base_url:
            found.append(wanted.webhook_url(self._base_url, "" if self._settings.chatwoot_webhook_secret else token))
        return list(dict.fromkeys(found))

    def _inboxes(self) -> str:
        self._require_user()
        there = {inbox.id for inbox in self._chatwoot.client.inboxes()}
        if missing := sorted(self._inbox_ids - there):
            listed, known = (", ".join(map(str, each)) for each in (missing, sorted(there)))
            why = "" if self._chatwoot.is_administrators else ", or the token's user is no collaborator there"
            raise Wrong(
                f"CHATWOOT_INBOX_ID, ANSWER_INBOX_IDS: the account has no inbox {listed}{why}: it has {known or 'none'}"
            )
        return f"{', '.join(map(str, sorted(self._inbox_ids)))} of {len(there)}"

    @cached_property
    def _found_bot(self) -> AgentBot | None:
        """The one whose token we have."""
        if self._chatwoot.role is None or not self._settings.chatwoot_bot_token:
            return None
        bots = self._chatwoot.client.agent_bots()
        return next((bot for bot in bots if bot.access_token == self._settings.chatwoot_bot_token), None)

    def _bot(self) -> str:
        if not self._settings.chatwoot_bot_token:
            return NO_BOT
        self._require_user()
        if self._found_bot is None:
            raise Wrong(
                "CHATWOOT_BOT_TOKEN: take that of a bot of this account (Settings → Bots), or `flask provision`"
            )
        return f"number {self._found_bot.id}"

    def _bot_on_inboxes(self) -> str:
        if (ours := self._found_bot) is None:
            return NO_BOT
        without = []
        for inbox_id in sorted(self._inbox_ids):
            bot = self._chatwoot.client.agent_bot_of(inbox_id)
            if bot is None:
                without.append(f"inbox {inbox_id} has no bot")
            elif bot.id != ours.id:
                without.append(f"inbox {inbox_id} has another bot")
        if without:
            raise Wrong(f"set the bot in the inbox's Bot Configuration, or `flask provision`: {', '.join(without)}")
        return "it is set"

    def _bots_url(self) -> str:
        if self._found_bot is None:
            return NO_BOT
        url = self._found_bot.outgoing_url or ""
        if not wanted.leads_to_us(url, self._settings.chatwoot_webhook_token):
            raise Wrong(f"let the bot's webhook URL end in {wanted.PATH}: it leads elsewhere, on {wanted.shown(url)}")
        if self._base_url and wanted.shown(url) != wanted.shown(self._base_url):
            raise Wrong(
                f"`flask provision --url {wanted.shown(self._base_url)}`, since the bot posts to {wanted.shown(url)}"
            )
        return wanted.shown(url)

    def _bots_secret(self) -> str:
        if (bot := self._found_bot) is None:
            return NO_BOT
        if not wanted.signs_bots(self._chatwoot.server):
            return "this version signs no bot's webhook: the token in the URL proves it"
        if (token := self._settings.chatwoot_webhook_token) and wanted.token_in(bot.outgoing_url or "") == token:
            return "not asked for: the token in the URL proves it"
        if bot.secret is None:
            raise NotLookedAt(f"Chatwoot tells it to administrators only: {_ADMINISTRATORS}")
        if bot.secret not in self._settings.chatwoot_webhook_secret:
            raise Wrong("CHATWOOT_WEBHOOK_SECRET: add the bot's (Settings → Bots), which is none of those that are set")
        return "it is among those that are set"

    @cached_property
    def _found_webhook(self) -> Webhook | None:
        """The one that leads to us."""
        if not self._chatwoot.is_administrators:
            return None
        token = self._settings.chatwoot_webhook_token
        return next(
            (each for each in self._chatwoot.client.webhooks() if wanted.leads_to_us(each.url or "", token)), None
        )

    def _account_webhook(self) -> str:
        is_needed = wanted.needs_account_webhook(self._chatwoot.server) or not self._settings.chatwoot_bot_token
        if not self._chatwoot.is_administrators:
            raise NotLookedAt(f"Chatwoot shows webhooks to administrators only: {_ADMINISTRATORS}")
        if (webhook := self._found_webhook) is None:
            if is_needed:
                raise Wrong(
                    "add an account webhook (Settings → Integrations), or `flask provision`: bots are not told all"
                )
            return "none, and none is needed"
        if lacking := [event for event in wanted.EVENTS if event not in webhook.subscriptions]:
            raise Wrong(f"let the account webhook tell of {', '.join(lacking)}, or `flask provision`")
        is_signed = webhook.secret is not None and not wanted.token_in(webhook.url or "")
        if is_signed and webhook.secret not in self._settings.chatwoot_webhook_secret:
            raise Wrong("CHATWOOT_WEBHOOK_SECRET: add the account webhook's, behind the bot's with a comma")
        return "it tells of all, and its secret is known"

    @property
    def _inbox_ids(self) -> frozenset[int]:
        """Those that the settings name. Where the bot answers in all, the one that we begin conversations in."""
        return (self._settings.answered_inbox_ids or frozenset()) | {self._settings.chatwoot_inbox_id}

    def _require_user(self) -> None:
        if self._chatwoot.role is None:
            raise NotLookedAt("only a user may: set CHATWOOT_API_TOKEN")
