"""Where in Redis a conversation's mailbox is: on one slot, so that a step on it is atomic in a cluster, too."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

_KINDS = ("state", "waiting", "outbox", "seen", "meanwhile", "later", "acts")


@dataclass(frozen=True)
class Keys:
    """The keys of one account's mailboxes, in so many shards, each with indexes of its own."""

    account_id: int
    shards: int

    def of(self, conversation_id: int) -> list[str]:
        """Those that every script is given, in the order in which lua/_state.lua unpacks them."""
        shard = self.shard(conversation_id)
        state, waiting, outbox, seen, meanwhile, later, acts = (self._own(conversation_id, kind) for kind in _KINDS)
        of_shard = (self.due(shard), self.dead_letters(shard))
        return [state, waiting, outbox, seen, *of_shard, meanwhile, later, self.unanswered(shard), acts]

    def state(self, conversation_id: int) -> str:
        return self._own(conversation_id, "state")

    def waiting(self, conversation_id: int) -> str:
        return self._own(conversation_id, "waiting")

    def acts(self, conversation_id: int) -> str:
        return self._own(conversation_id, "acts")

    def thread(self, conversation_id: int) -> str:
        """The conversation's LangGraph thread id: its checkpoints share the slot of its mailbox."""
        return f"{_tag(self.shard(conversation_id))}:{self.account_id}:{conversation_id}"

    def shard(self, conversation_id: int) -> int:
        return crc32(f"{self.account_id}:{conversation_id}".encode()) % self.shards

    def due(self, shard: int) -> str:
        """Conversations by when somebody must look at them: all that are not idle, or have something scheduled."""
        return f"{self._base(shard)}:due"

    def unanswered(self, shard: int) -> str:
        """Conversations by since when their customer has waited for the bot."""
        return f"{self._base(shard)}:unanswered"

    def dead_letters(self, shard: int) -> str:
        return f"{self._base(shard)}:dead_letters"

    def _own(self, conversation_id: int, kind: str) -> str:
        return f"{self._base(self.shard(conversation_id))}:{conversation_id}:{kind}"

    def _base(self, shard: int) -> str:
        return f"contesta:{_tag(shard)}:{self.account_id}"


def _tag(shard: int) -> str:
    return f"{{{shard:02x}}}"
