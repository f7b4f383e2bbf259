"""How each act is done in Chatwoot: posted once, whatever happened to earlier tries. No Celery here."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from chatwoot import marker
from chatwoot.attachments import Upload
from chatwoot.client import Client
from chatwoot.conversations import Conversation, Status
from chatwoot.messages import Message
from tasks import answered, crash_points
from tasks.acts import Act, Assign, Attached, ChangeLabels, MergeAttributes, Post, SetStatus
from tasks.mailbox import Mailbox, Sending

log = structlog.get_logger()


class StillInDoubt(Exception):
    """Nothing is to be seen of an earlier try, but it may still come true: look again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__("an earlier try may still come true")
        self.seconds = seconds


@dataclass(frozen=True)
class Desk:
    """The two hands that we have in Chatwoot."""

    speaker: Client
    """Posts: as the agent bot where there is one."""
    reader: Client | None
    """Lists messages, finds contacts: a user's token. None where there is only a bot's."""
    version: Callable[[], str]
    """Chatwoot's; which marks a message can carry depends on it. Raises `ChatwootError`."""
    in_flight: threading.BoundedSemaphore
    """Chatwoot only gets slower with more at once."""
    speaks_as_bot: bool = True

    @property
    def keeper(self) -> Client:
        """Keeps labels, attributes and assignments: a bot may not read them before 4.14.2."""
        return self.reader or self.speaker


@dataclass(frozen=True)
class Doer:
    """How acts are done in this process."""

    mailbox: Mailbox
    desk: Desk

    def do(self, act: Act, sending: Sending) -> None:
        """Do the act, unless an earlier try has done it.

        Raises:
            ChatwootError: as the client raises it.
            StillInDoubt: nobody can tell yet whether it was done.
            TurnLost: the outbox is another worker's by now.
        """
        if not isinstance(act, Post):
            self._arrange(act, sending.conversation_id)
        elif self._is_first_try(act, sending) or self._is_missing(act, sending):
            with self.desk.in_flight:
                self.mailbox.confirm(sending)
                with crash_points.around("post"):
                    message_id = self._post(act, sending.conversation_id)
            log.info("message_sent", key=act.key, message_id=message_id, tries=sending.tries, private=act.private)

    def _arrange(self, act: SetStatus | Assign | ChangeLabels | MergeAttributes, conversation_id: int) -> None:
        """What may be repeated. Read, changed and written is not one step in Chatwoot: the last writer wins."""
        keeper = self.desk.keeper
        if isinstance(act, SetStatus):
            self._set_status(conversation_id, act.status)
        elif isinstance(act, Assign):
            keeper.assign(conversation_id, team_id=act.team_id, assignee_id=act.assignee_id)
        elif isinstance(act, ChangeLabels):
            before = keeper.labels(conversation_id)
            after = [label for label in dict.fromkeys([*before, *act.add]) if label not in act.remove]
            if after != before:
                keeper.set_labels(conversation_id, after)
        else:
            known = keeper.conversation(conversation_id).custom_attributes
            keeper.set_custom_attributes(conversation_id, {**known, **act.values})

    def _set_status(self, conversation_id: int, status: Status) -> None:
        if self.desk.speaks_as_bot or status != "open":
            self.desk.speaker.set_status(conversation_id, status)
            return
        # The token of a user with role agent takes the conversation for that user: it goes back to whose it was.
        before = self.desk.speaker.conversation(conversation_id)
        self.desk.speaker.set_status(conversation_id, status)
        if self.desk.speaker.conversation(conversation_id).assignee != before.assignee:
            self._assign_as_before(before)

    def _assign_as_before(self, before: Conversation) -> None:
        was = before.assignee
        if was is not None and was.kind == "agent_bot":
            self.desk.speaker.assign(before.id, agent_bot_id=was.id or 0)
        else:
            self.desk.speaker.assign(before.id, assignee_id=(was.id if was else None) or 0)  # 0: nobody

    def _is_first_try(self, act: Post, sending: Sending) -> bool:
        return sending.tries == 1 and not act.look_first

    def _post(self, act: Post, conversation_id: int) -> int:
        marks = marker.written(act.key, version=self.desk.version(), at=act.asked_at)
        return self.desk.speaker.send_message(
            conversation_id,
            act.content,
            private=act.private,
            content_type="input_select" if act.quick_replies else None,
            content_attributes={**marks.content_attributes, **answered.written(act.answers), **_dressing(act)},
            external_created_at=marks.external_created_at,
            template_params=act.template_params,
            files=[_upload(file) for file in act.files],
        ).id

    def _is_missing(self, act: Post, sending: Sending) -> bool:
        if self._is_there(act, sending.conversation_id):
            return False
        if sending.doubt_s > 0:
            raise StillInDoubt(sending.doubt_s)
        return True

    def _is_there(self, act: Post, conversation_id: int) -> bool:
        """Whether an earlier try has made the message: our own webhook may have said so, else Chatwoot is asked."""
        if self.mailbox.was_seen(conversation_id, act.key):
            return True
        reader = self.desk.reader
        found: Sequence[Message | None]
        if reader is not None:
            found = reader.messages(conversation_id, after=act.after)
        else:
            conversation = self.desk.speaker.conversation(conversation_id)
            found = [conversation.last_message, conversation.last_non_activity_message]
        return any(message and marker.carries(message.content_attributes, act.key) for message in found)


def _dressing(act: Post) -> dict[str, Any]:
    """What makes a text a quote, or a question with buttons."""
    dressing: dict[str, Any] = {}
    if act.in_reply_to:
        dressing["in_reply_to"] = act.in_reply_to
    if act.quick_replies:
        dressing["items"] = [{"title": reply, "value": reply} for reply in act.quick_replies]
    return dressing


def _upload(file: Attached) -> Upload:
    return Upload(file.name, base64.b64decode(file.content), file.content_type)
