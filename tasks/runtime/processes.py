"""Which worker processes there are, and which of them are dead: nobody need wait for a dead one's leases.

The end of a process closes its connections at once, in whatever container and on whatever machine it ran, and Redis
knows who is connected. So each process keeps one connection open under its own name, and says by it every second or two
that it lives. Who says nothing and is not connected either is dead. Where Redis does not tell, or was itself away, the
lease decides: docs/adr/0007-who-is-dead.md
"""

from __future__ import annotations

import os
import re
import socket
import uuid
from collections.abc import Mapping

import redis
import structlog

log = structlog.get_logger()

EVERY_S = 1.5
"""How often a process says that it lives, and looks for the others."""
_SILENT_LOOKS = 2
_MEMORY_S = 24 * 3600
# Server, number of the connection there, how often it was said.
_ENTRY = re.compile(r"(\w+)/([1-9][0-9]{0,17})/[0-9]+", re.ASCII)
_LIFE = uuid.uuid4().hex[:12]


def owner_of_this_process() -> str:
    """`host/pid/life`, of characters that Redis takes for a connection's name. No other process ever has the same."""
    return f"{re.sub(r'[^!-~]', '-', socket.gethostname())}/{os.getpid()}/{_LIFE}"


class ProcessRegistry:
    """The processes that may hold something, and the connection of each, in Redis."""

    def __init__(self, client: redis.Redis, account_id: int, owner: str) -> None:
        """`client` decodes responses, and has one connection, which is used for nothing else."""
        self._client = client
        self._key = f"contesta:{account_id}:processes"
        self._owner = owner
        self._server = self._number = ""
        self._said = 0
        self._silent: dict[tuple[str, str], int] = {}
        self._is_refused = False

    def register(self) -> None:
        """Say that this process lives. To be repeated every `EVERY_S`; nothing where Redis does not tell of others."""
        if not self._is_refused and self._has_introduced_itself():
            self._said += 1
            with self._client.pipeline() as pipe:  # in one step: who dies in between would leave it for ever
                pipe.hset(self._key, self._owner, f"{self._server}/{self._number}/{self._said}")
                pipe.expire(self._key, _MEMORY_S)
                pipe.execute()

    def dead(self) -> list[str]:
        """The owners that have ended and were not removed. To be asked every `EVERY_S`, after `register`."""
        if self._is_refused:
            return []
        entries = {str(owner): str(entry) for owner, entry in self._client.hgetall(self._key).items()}
        self._silent = {each: self._silent.get(each, -1) + 1 for each in entries.items()}
        silent = {owner: entry for (owner, entry), looks in self._silent.items() if looks >= _SILENT_LOOKS}
        try:
            return self._not_connected(silent) if silent else []
        except redis.ResponseError as error:
            self._give_up(error)
            return []

    def remove(self, owner: str) -> None:
        """Of one that lives, it is undone when that registers again."""
        self._client.hdel(self._key, owner)

    def _has_introduced_itself(self) -> bool:
        """Give the connection this process's name, where it is new. False: Redis refuses."""
        try:
            if self._client.client_getname() != self._owner:
                self._introduce()
        except redis.ResponseError as error:
            self._give_up(error)
        return not self._is_refused

    def _introduce(self) -> None:
        with self._client.pipeline(transaction=False) as pipe:
            pipe.client_setname(self._owner)
            pipe.client_id()
            pipe.info("server")
            _, number, server = pipe.execute()
        # Numbers begin anew with each server.
        self._server, self._number = str(server.get("run_id")), str(number)
        self._names(self._number)  # refused now, rather than when it is needed

    def _not_connected(self, silent: Mapping[str, str]) -> list[str]:
        numbers = {owner: self._number_of(entry) for owner, entry in silent.items()}
        names = self._names(self._number, *filter(None, numbers.values()))
        # Who does not see itself has another connection by now, perhaps to another server, or is not shown all.
        if names.get(self._number) != self._owner:
            return []
        for owner, number in numbers.items():
            if not number:
                self.remove(owner)
        return [owner for owner, number in numbers.items() if number and names.get(number) != owner]

    def _give_up(self, error: redis.ResponseError) -> None:
        """Redis, or what stands in front of it, refuses to tell who is connected, and will go on to."""
        log.warning("leases_decide_who_is_dead", error=str(error))
        self._is_refused = True

    def _number_of(self, entry: str) -> str:
        """Of its connection; empty where it was one to another server, of which this one can tell nothing."""
        match = _ENTRY.fullmatch(entry)
        return match[2] if match and match[1] == self._server else ""

    def _names(self, *numbers: str) -> dict[str, str]:
        """Number -> name of the connections among these that exist."""
        return {str(each["id"]): str(each["name"]) for each in self._client.client_list(client_id=[*numbers])}
