"""What the Chatwoot that is played can do, by its version."""

from dataclasses import dataclass

NEWEST_RECORDED = "4.15.1"

_BOT_ENDPOINTS = frozenset(
    {
        "conversations.create",
        "conversations.toggle_status",
        "conversations.toggle_priority",
        "conversations.custom_attributes",
        "assignments.create",
        "messages.create",
    }
)


@dataclass(frozen=True)
class Version:
    """A release number and what came with which release. "4.16" is "4.16.0"."""

    text: str = NEWEST_RECORDED

    @property
    def in_full(self) -> str:
        """As Chatwoot tells it: always in three parts."""
        return ".".join(map(str, self._release))

    @property
    def _release(self) -> tuple[int, ...]:
        parts = tuple(int(part) for part in self.text.split("."))
        return parts + (0,) * (3 - len(parts))

    def _since(self, *release: int) -> bool:
        return self._release >= release

    @property
    def opens_on_bot_failure(self) -> bool:
        return self._since(4, 7, 0)

    @property
    def keeps_content_attributes(self) -> bool:
        """Before, only items, in_reply_to and automation_rule_id were stored."""
        return self._since(4, 9, 0)

    @property
    def bot_reply_ends_waiting(self) -> bool:
        return self._since(4, 10, 0)

    @property
    def keeps_pending_if_told(self) -> bool:
        """An account may keep a conversation pending though its bot could not be told."""
        return self._since(4, 11, 0)

    @property
    def search_counts_one_page(self) -> bool:
        return self._since(4, 11, 0)

    @property
    def signs_account_webhooks(self) -> bool:
        return self._since(4, 12, 0)

    @property
    def retries_bot_webhooks(self) -> bool:
        return self._since(4, 12, 0)

    @property
    def signs_bot_webhooks(self) -> bool:
        return self._since(4, 13, 0)

    @property
    def tells_bots_of_conversations(self) -> bool:
        """conversation_updated and conversation_status_changed go to bots too."""
        return self._since(4, 13, 0)

    @property
    def normalises_webhook_text(self) -> bool:
        return self._since(4, 13, 0)

    @property
    def names_account_in_conversation(self) -> bool:
        return self._since(4, 14, 2)

    @property
    def bot_owns_conversations(self) -> bool:
        """What the bot is to answer has it as assignee; before, that it was pending said so."""
        return self._since(4, 16, 0)

    @property
    def bot_endpoints(self) -> frozenset[str]:
        """What an agent bot's token may call."""
        allowed = set(_BOT_ENDPOINTS)
        if self._since(4, 12, 0):
            allowed.add("conversations.toggle_typing_status")
        if self._since(4, 14, 2):
            allowed |= {"conversations.show", "conversations.update", "labels.index", "labels.create"}
        return frozenset(allowed)
