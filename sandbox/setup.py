"""What an administrator sets up: users, inboxes, bots, webhooks, teams."""

from typing import Any
from urllib.parse import urlsplit

from sandbox import errors
from sandbox.bodies.inboxes import settings_of
from sandbox.contacts import as_id
from sandbox.events import ACCOUNT_EVENTS
from sandbox.world import AgentBot, Article, Inbox, Json, Team, User, Webhook, World

CHANNELS = {
    "api": "Channel::Api",
    "web_widget": "Channel::WebWidget",
    "whatsapp": "Channel::Whatsapp",
    "twilio": "Channel::TwilioSms",
    "telegram": "Channel::Telegram",
    "email": "Channel::Email",
}
_NOT_SETTINGS = ("id", "channel_id", "channel_type", "avatar_url", "secret")


class Setup:
    def __init__(self, world: World) -> None:
        self._world = world

    def add_user(self, name: str, email: str, role: str, access_token: str) -> User:
        user = User(self._world.next_id("user"), name, email, role, access_token)
        self._world.users[user.id] = user
        return user

    def inbox(self, inbox_id: Any) -> Inbox:
        inbox = self._world.inboxes.get(as_id(inbox_id))
        if inbox is None:
            raise errors.not_found()
        return inbox

    def add_inbox(self, name: str, channel: Json) -> Inbox:
        """`channel` as in POST inboxes: type, and what that type wants (webhook_url, phone_number...)."""
        channel_type = CHANNELS.get(str(channel.get("type")))
        if channel_type is None:
            raise errors.broken()
        channel_id = self._world.next_id(channel_type)
        settings = settings_of(channel_type, channel, self._world.base_url)
        inbox = Inbox(self._world.next_id("inbox"), channel_id, name, channel_type, settings)
        inbox.webhook_url = channel.get("webhook_url")
        self._world.inboxes[inbox.id] = inbox
        return inbox

    def update_inbox(self, inbox: Inbox, params: Json) -> None:
        inbox.name = params.get("name", inbox.name)
        channel = params.get("channel") or {}
        if "webhook_url" in channel:
            inbox.webhook_url = channel["webhook_url"]
        known = (key for key in params if key in inbox.settings and key not in _NOT_SETTINGS)
        inbox.settings = inbox.settings | {key: params[key] for key in known}

    def add_article(self, portal: str, locale: str, title: str, content: str, description: str) -> Article:
        id, category = self._world.next_id("article"), 1
        article = Article(id, portal, locale, category, title, content, description)
        self._world.articles[article.id] = article
        return article

    def set_bot(self, inbox: Inbox, bot_id: Any) -> None:
        if bot_id is not None and as_id(bot_id) not in self._world.bots:
            raise errors.not_found()
        inbox.agent_bot_id = None if bot_id is None else as_id(bot_id)

    def set_members(self, inbox: Inbox, user_ids: list[Any]) -> list[User]:
        members = [user for user in self._world.users.values() if user.id in map(as_id, user_ids)]
        inbox.member_ids = {user.id for user in members}
        return members

    def bot(self, bot_id: Any) -> AgentBot:
        bot = self._world.bots.get(as_id(bot_id))
        if bot is None:
            raise errors.not_found()
        return bot

    def add_bot(
        self,
        name: str,
        outgoing_url: str | None,
        *,
        description: str | None = None,
        secret: str | None = None,
        access_token: str | None = None,
    ) -> AgentBot:
        bot = AgentBot(self._world.next_id("bot"), name, outgoing_url, description)
        bot.secret = secret or bot.secret
        bot.access_token = access_token or bot.access_token
        self._world.bots[bot.id] = bot
        return bot

    def delete_bot(self, bot: AgentBot) -> None:
        del self._world.bots[bot.id]
        for inbox in self._world.inboxes.values():
            if inbox.agent_bot_id == bot.id:
                inbox.agent_bot_id = None

    def webhook(self, webhook_id: Any) -> Webhook:
        webhook = self._world.webhooks.get(as_id(webhook_id))
        if webhook is None:
            raise errors.not_found()
        return webhook

    def add_webhook(self, params: Json) -> Webhook:
        url, subscriptions = params.get("url"), params.get("subscriptions") or list(ACCOUNT_EVENTS)
        self._check_webhook(url, params.get("subscriptions", subscriptions))
        webhook = Webhook(self._world.next_id("webhook"), str(url), subscriptions)
        webhook.name, webhook.inbox_id = params.get("name"), params.get("inbox_id")
        webhook.secret = params.get("secret") or webhook.secret
        self._world.webhooks[webhook.id] = webhook
        return webhook

    def update_webhook(self, webhook: Webhook, params: Json) -> None:
        url = params.get("url", webhook.url)
        subscriptions = params.get("subscriptions", webhook.subscriptions)
        self._check_webhook(url, subscriptions, but=webhook)
        webhook.url, webhook.subscriptions = url, subscriptions
        webhook.name = params.get("name", webhook.name)

    def add_team(self, params: Json) -> Team:
        team = Team(self._world.next_id("team"), str(params.get("name", "")).lower(), params.get("description"))
        team.allow_auto_assign = bool(params.get("allow_auto_assign", True))
        self._world.teams[team.id] = team
        return team

    def _check_webhook(self, url: Any, subscriptions: Any, but: Webhook | None = None) -> None:
        if urlsplit(str(url)).scheme not in ("http", "https"):
            raise errors.invalid("url", "is invalid")
        if not subscriptions or set(subscriptions).difference(ACCOUNT_EVENTS):
            raise errors.invalid("subscriptions", "Invalid events")
        if any(hook.url == url for hook in self._world.webhooks.values() if hook is not but):
            raise errors.invalid("url", "has already been taken")
