"""How a conversation's status, assignee, labels and attributes are set: acts that may be repeated.

To open it is to hand it over: tasks/ownership/handover.py.
"""

from __future__ import annotations

from chatwoot.client import Client
from tasks.records.actions import Assign, ChangeLabels, MergeAttributes, SetStatus
from tasks.runtime.clients import Desk

Arrangement = SetStatus | Assign | ChangeLabels | MergeAttributes


def arrange(desk: Desk, act: Arrangement, conversation_id: int) -> None:
    """Do the act. Reading, merging and writing are not one step in Chatwoot: of two at once the last writer wins.

    Raises:
        ChatwootError: as the client raises it.
    """
    if isinstance(act, SetStatus):
        desk.speaker.set_status(conversation_id, act.status)
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
