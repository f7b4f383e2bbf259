"""How a conversation's status, assignee, labels and attributes are set: actions that may be repeated.

To open it is to hand it over: tasks/ownership/handover.py.
"""

from __future__ import annotations

from chatwoot.client import Client
from tasks.records.actions import Assign, ChangeLabels, MergeAttributes, SetStatus
from tasks.runtime.clients import Clients

Arrangement = SetStatus | Assign | ChangeLabels | MergeAttributes


def arrange(clients: Clients, action: Arrangement, conversation_id: int) -> None:
    """Do the action. Reading, merging and writing are not one step in Chatwoot: of two at once the last writer wins.

    Raises:
        ChatwootError: as the client raises it.
    """
    if isinstance(action, SetStatus):
        clients.reply.set_status(conversation_id, action.status)
    elif isinstance(action, Assign):
        clients.admin.assign(conversation_id, team_id=action.team_id, assignee_id=action.assignee_id)
    elif isinstance(action, ChangeLabels):
        _change_labels(clients.admin, action, conversation_id)
    else:
        known = clients.admin.conversation(conversation_id).custom_attributes
        clients.admin.set_custom_attributes(conversation_id, {**known, **action.values})


def _change_labels(client: Client, action: ChangeLabels, conversation_id: int) -> None:
    before = client.labels(conversation_id)
    after = [label for label in dict.fromkeys([*before, *action.add]) if label not in action.remove]
    if after != before:
        client.set_labels(conversation_id, after)
