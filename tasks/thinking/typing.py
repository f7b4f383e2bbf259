"""Show the customer that the bot "is typing…", once thinking has taken a while, and never longer than it thinks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from chatwoot.client import Client
from chatwoot.errors import ChatwootError

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class TypingSign:
    """Switches the sign on and off from a thread of its own: what Chatwoot makes of it neither delays nor fails a turn.

    A bot's token may do so since Chatwoot 4.12; before, it is refused, and nobody sees a sign.
    """

    new_client: Callable[[], Client]
    """With short timeouts: a worker that ends waits for the sign to be off. Closed with the thread that it was for."""
    after_s: float
    """How long thinking goes unseen: an echo costs no call."""

    @contextmanager
    def shown(self, conversation_id: int, *, left_on: bool = False) -> Iterator[None]:
        """While the body runs; `left_on`: a worker that died may have left it on, it is switched off in any case.

        Nothing but another call switches it off.
        """
        ended = threading.Event()
        # Not a daemon: the interpreter waits for it when the worker ends.
        thread = threading.Thread(target=self._show, args=(conversation_id, ended, left_on), name="typing")
        thread.start()
        try:
            yield
        finally:
            ended.set()

    def off(self, conversation_id: int) -> None:
        """Nothing is said: what another has switched on, or Chatwoot's widget shows by itself, would stay for ever."""
        threading.Thread(target=self._switch_off, args=(conversation_id,), name="typing").start()

    def _switch_off(self, conversation_id: int) -> None:
        with self.new_client() as client:
            _set(client, conversation_id, on=False)

    def _show(self, conversation_id: int, ended: threading.Event, left_on: bool) -> None:
        was_short = ended.wait(self.after_s)
        if was_short and not left_on:
            return
        with self.new_client() as client:
            if not was_short:
                _set(client, conversation_id, on=True)
                ended.wait()
            _set(client, conversation_id, on=False)


def _set(client: Client, conversation_id: int, *, on: bool) -> None:
    try:
        client.set_typing(conversation_id, on)
    except ChatwootError as error:
        log.debug("typing_not_shown", conversation_id=conversation_id, on=on, error=type(error).__name__)
