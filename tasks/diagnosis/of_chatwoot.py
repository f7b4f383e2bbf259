"""Chatwoot: is it there, and who are we to it?"""

from __future__ import annotations

import time
from functools import cached_property

from chatwoot.administration import Administration
from chatwoot.errors import ChatwootError, PermanentError
from chatwoot.installation import Server
from settings import Settings
from tasks.diagnosis.findings import Check, Wrong
from tasks.diagnosis.of_redis import within_limits
from tasks.runtime.greeting import BOTS_MAY_NOT, in_words, may_read

CHATWOOT, USER, BOTS_TOKEN = "chatwoot", "user's token", "bot's token"
NO_BOT = "none is wanted: replies go out as the token's user"


class OfChatwoot:
    """Asks with the user's token where there is one, since bots may ask for nearly nothing."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.role: str | None = None
        """The user's in this account, once it is known."""

    @cached_property
    def client(self) -> Administration:
        return self._client(self._settings.chatwoot_api_token or self._settings.chatwoot_bot_token)

    @cached_property
    def server(self) -> Server:
        return self.client.server()

    @property
    def is_administrators(self) -> bool:
        return self.role == "administrator"

    def checks(self) -> list[Check]:
        return [
            Check(CHATWOOT, self._answers),
            Check("chatwoot's clock", self._clock, (CHATWOOT,)),
            Check(USER, self._users_token, (CHATWOOT,)),
            Check(BOTS_TOKEN, self._bots_token, (CHATWOOT,)),
        ]

    # -- is it there?

    def _answers(self) -> str:
        try:
            return self.server.version
        except ChatwootError as error:
            raise Wrong(f"CHATWOOT_API_URL: correct it, or start Chatwoot: {error}") from None

    def _clock(self) -> str:
        before = time.time()
        clock = self.client.server().clock
        return "it does not tell" if clock is None else within_limits("Chatwoot", clock, before, exact_to_s=1.0)

    # -- who are we to it?

    def _users_token(self) -> str:
        if not self._settings.chatwoot_api_token:
            return "none is set: no look at what was said, none for lost webhooks, no writing first"
        try:
            self.role = self.client.role()
        except PermanentError as error:
            if BOTS_MAY_NOT in error.text:
                raise Wrong("CHATWOOT_API_TOKEN is a bot's: take a user's, from their Profile Settings") from None
            raise Wrong(
                f"copy it anew from the user's Profile Settings: {in_words('CHATWOOT_API_TOKEN', error)}"
            ) from None
        if self.role is None:
            raise Wrong(
                f"CHATWOOT_ACCOUNT_ID: correct it, or invite the token's user: they are not in account "
                f"{self._settings.chatwoot_account_id}"
            )
        sees = "all inboxes, bots and webhooks" if self.is_administrators else "the inboxes that it collaborates on"
        return f"{self.role}: may list messages, see contacts, write first; sees {sees}"

    def _bots_token(self) -> str:
        token = self._settings.chatwoot_bot_token
        if not token:
            return NO_BOT
        client = self._client(token)
        try:
            reads = may_read(client)
        except ChatwootError as error:
            raise Wrong(
                f"copy it anew from the bot in Settings → Bots: {in_words('CHATWOOT_BOT_TOKEN', error)}"
            ) from None
        if not _is_a_bots(client):
            raise Wrong("CHATWOOT_BOT_TOKEN is a user's: take the bot's, or replies count as a person's")
        return "may post, open and assign" + (", and read a conversation" if reads else "; reading is for the user's")

    def _client(self, token: str) -> Administration:
        settings = self._settings
        return Administration(
            settings.chatwoot_api_url,
            settings.chatwoot_account_id,
            token,
            read_timeout_s=settings.chatwoot_timeout_seconds,
        )


def _is_a_bots(client: Administration) -> bool:
    """Only users have a profile."""
    try:
        client.role()
    except PermanentError as error:
        return BOTS_MAY_NOT in error.text
    return False
