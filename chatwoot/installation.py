"""How we are set up in an account: its agent bots and webhooks, and who it is whose token we have.

What a version of Chatwoot does not tell, or not to agents, is None. Nothing of it is to be shown: addresses may hold a
secret, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from chatwoot.reading import identifier, items, mapping, moment, required_id, text, texts
from chatwoot.versions import release_of


@dataclass(frozen=True, kw_only=True)
class AgentBot:
    """An agent bot, as administrators see it."""

    id: int
    name: str | None
    outgoing_url: str | None = field(repr=False)
    """Where its webhooks go."""
    access_token: str | None = field(repr=False)
    secret: str | None = field(repr=False)
    """What its webhooks are signed with, since 4.13. For administrators only."""
    is_system: bool
    """The whole server's: no account may change it."""

    @classmethod
    def from_json(cls, value: Any) -> AgentBot:
        """
        Raises:
            Misshapen: it has no id.
        """
        bot = mapping(value)
        return cls(
            id=required_id(bot),
            name=text(bot.get("name")),
            outgoing_url=text(bot.get("outgoing_url")),
            access_token=text(bot.get("access_token")),
            secret=text(bot.get("secret")),
            is_system=bot.get("system_bot") is True,
        )


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """A webhook of the account's."""

    id: int
    name: str | None
    url: str | None = field(repr=False)
    subscriptions: tuple[str, ...]
    secret: str | None = field(repr=False)
    """What it is signed with, since 4.12."""

    @classmethod
    def from_json(cls, value: Any) -> Webhook:
        """
        Raises:
            Misshapen: it has no id.
        """
        webhook = mapping(value)
        return cls(
            id=required_id(webhook),
            name=text(webhook.get("name")),
            url=text(webhook.get("url")),
            subscriptions=texts(webhook.get("subscriptions")),
            secret=text(webhook.get("secret")),
        )


@dataclass(frozen=True)
class Server:
    """The Chatwoot that answers."""

    version: str
    """Such as "4.15.1"."""
    clock: float | None
    """Unix seconds by its clock, or by that of the proxy before it; whole ones."""

    @property
    def release(self) -> tuple[int, int]:
        return release_of(self.version)


def role_in(account_id: int, profile: Any) -> str | None:
    """What a profile's user is in the account: "administrator" or "agent"; None: no part of it."""
    accounts = items(mapping(profile).get("accounts"))
    found = [account for account in accounts if identifier(account.get("id")) == account_id]
    return text(found[0].get("role")) if found else None


def clock_of(date: str | None, answer: Any) -> float | None:
    """By the header `Date`, which most proxies set, else by what GET /api says."""
    return _http_date(date) or moment(mapping(answer).get("timestamp"))


def _http_date(date: str | None) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() if date else None
    except ValueError:
        return None
