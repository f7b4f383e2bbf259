"""How a conversation's status, assignee, labels and attributes are set: acts that may be repeated."""

from __future__ import annotations

from chatwoot.client import Client
from chatwoot.conversations import Conversation
from tasks.acts import Assign, ChangeLabels, MergeAttributes, SetStatus
from tasks.desk import Desk

Arrangement = SetStatus | Assign | ChangeLabels | MergeAttributes


def arrange(desk: Desk, act: Arrangement, conversation_id: int) -> None:
    """Do the act. Reading, merging and writing are not one step in Chatwoot: of two at once the last writer wins.

    Raises:
        ChatwootError: as the client raises it.
    """
    if isinstance(act, SetStatus):
        _set_status(desk, act, conversation_id)
    elif isinstance(act, Assign):
        desk.keeper.assign(conversation_id, team_id=act.team_id, assignee_id=act.assignee_id)
    elif isinstance(act, ChangeLabels):
        _change_labels(desk.keeper, act, conversation_id)
    else:
        known = desk.keeper.conversation(conversation_id).custom_attributes
        desk.keeper.set_custom_attributes(conversation_id, {**known, **act.values})


def _change_labels(client: Client, act: ChangeLabels, conversation_id: int) -> None:
    before = client.labels(conversation_id)
    after = [label for label in dict.fromkeys([*before, *act.add]) if label not in act.remove]
    if after != before:
        client.set_labels(conversation_id, after)


def _set_status(desk: Desk, act: SetStatus, conversation_id: int) -> None:
    if desk.speaks_as_bot or act.status != "open":
        desk.speaker.set_status(conversation_id, act.status)
        return
    # The token of a user with role agent takes the conversation for that user: it goes back to whose it was.
    before = desk.speaker.conversation(conversation_id)
    desk.speaker.set_status(conversation_id, act.status)
    if desk.speaker.conversation(conversation_id).assignee != before.assignee:
        _assign_as(before, desk.speaker)


def _assign_as(before: Conversation, client: Client) -> None:
    was = before.assignee
    if was is not None and was.kind == "agent_bot":
        client.assign(before.id, agent_bot_id=was.id or 0)
    else:
        client.assign(before.id, assignee_id=(was.id if was else None) or 0)  # 0: nobody
