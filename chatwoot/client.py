"""The API of one Chatwoot account: a method for each endpoint that we use. It tries once; retrying is the caller's.

Every method raises a `ChatwootError`: where nothing else is said a `TransientError` or a `PermanentError`, and the
call may be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

import httpx

from chatwoot import responses
from chatwoot.attachments import Upload
from chatwoot.contacts import Contact
from chatwoot.conversations import Conversation, Status
from chatwoot.http import Http
from chatwoot.inboxes import Inbox
from chatwoot.liquid import without_nul
from chatwoot.messages import Message
from chatwoot.reading import Misshapen, all_of, mapping, required_id, text, texts, within
from chatwoot.responses import Call
from chatwoot.versions import version_in

T = TypeVar("T")


class Client:
    """Speaks for one token to one account. Any number of threads may use it; `close` it at the end."""

    def __init__(
        self,
        base_url: str,
        account_id: int,
        token: str,
        *,
        transport: httpx.BaseTransport | None = None,
        connect_timeout_s: float = 5.0,
        read_timeout_s: float = 20.0,
        before_each: Callable[[Call], None] | None = None,
    ) -> None:
        """
        Args:
            token: of a user, or of an agent bot, which may not list messages nor see contacts.
            read_timeout_s: above 15 s, at which Chatwoot itself gives up and says so.
            before_each: called before a call is made; what it raises, the call raises, and nothing was sent.
        """
        timeout = httpx.Timeout(read_timeout_s, connect=connect_timeout_s, pool=connect_timeout_s)
        self._http = Http(base_url, token, timeout=timeout, transport=transport)
        self.account_id = account_id
        self._account = f"/api/v1/accounts/{account_id}"
        self._before_each = before_each

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Messages

    def send_message(
        self,
        conversation_id: int,
        content: str,
        *,
        private: bool = False,
        content_type: str | None = None,
        content_attributes: Mapping[str, Any] | None = None,
        external_created_at: float | None = None,
        template_params: Mapping[str, Any] | None = None,
        files: Sequence[Upload] = (),
    ) -> Message:
        """Post a reply, or a private note, and return it as stored. Stored is not delivered yet.

        Not idempotent: Chatwoot has no key to repeat it by. `chatwoot.marker` says how ours is found again.
        Chatwoot renders the content as a Liquid template: `chatwoot.liquid`.

        Args:
            external_created_at: the marker of servers before 4.9.
            template_params: an approved WhatsApp template, for writing outside the 24-hour window.

        Raises:
            TransientError: not stored: no connection, 429, or 200 messages within a minute (then wait 60 s).
            OutcomeUnknown: no answer in time, 5xx, a 422 of unknown meaning, or an unusable answer.
            PermanentError: not stored, and never will be. `NotFound`: there is no such conversation.

        Source: https://developers.chatwoot.com/api-reference/messages/create-new-message
        """
        body = {
            "content": without_nul(content),
            "private": private,
            "content_type": content_type,
            "content_attributes": content_attributes,
            "external_created_at": external_created_at,
            "template_params": template_params,
        }
        call = Call("POST", f"/conversations/{conversation_id}/messages", creates=True)
        return self._ask(call, Message.from_json, body=_given(body), files=files)

    def messages(self, conversation_id: int, *, after: int | None = None, before: int | None = None) -> list[Message]:
        """The last 20 messages, oldest first, or the last 20 with ids below `before`; or the first 100 with ids above
        `after`. Activities and notes are among them. One of the two, or neither.

        With a user's token only.

        Source: https://developers.chatwoot.com/api-reference/messages/get-messages
        """
        call = Call("GET", f"/conversations/{conversation_id}/messages")
        return self._ask(call, all_of(Message.from_json, "payload"), params=_given({"after": after, "before": before}))

    # Conversations

    def conversation(self, conversation_id: int) -> Conversation:
        """The conversation as it is now. With a bot's token since 4.14.2.

        Source: https://developers.chatwoot.com/api-reference/conversations/conversation-details
        """
        return self._ask(Call("GET", f"/conversations/{conversation_id}"), Conversation.from_json)

    def conversations(
        self,
        *,
        status: Status | Literal["all"],
        inbox_id: int | None = None,
        source_id: str | None = None,
        sort_by: str | None = None,
        page: int = 1,
    ) -> list[Conversation]:
        """A page of 25 conversations; empty past the end. With a user's token only.

        Args:
            source_id: only those of the contact with this source id, compared exactly.
            sort_by: such as `waiting_since_asc`: those who wait longest first, those who do not wait last.

        Source: https://developers.chatwoot.com/api-reference/conversations/conversations-list
        """
        params = {"status": status, "inbox_id": inbox_id, "source_id": source_id, "sort_by": sort_by, "page": page}
        shape = all_of(Conversation.from_json, "data", "payload")
        return self._ask(Call("GET", "/conversations"), shape, params=_given(params))

    def create_conversation(self, *, inbox_id: int, contact_id: int, source_id: str | None = None) -> Conversation:
        """Begin a conversation. An inbox that is locked to a single conversation gives the contact's last one back.

        Args:
            source_id: the contact's own in this inbox, where it has one (`Contact.source_id_in`): an API inbox makes
                another contact_inbox each time without it. An empty one would end in a 404 and is left out.

        Raises:
            TransientError, OutcomeUnknown, PermanentError: as for `send_message`.

        Source: https://developers.chatwoot.com/api-reference/conversations/create-new-conversation
        """
        body = {"inbox_id": inbox_id, "contact_id": contact_id, "source_id": source_id or None}
        call = Call("POST", "/conversations", creates=True)
        return self._ask(call, Conversation.from_json, body=_given(body))

    def set_status(self, conversation_id: int, status: Status) -> str:
        """Set the status and return the one it has now.

        *open* from *pending* with a bot's token is a hand-over. With the token of a user with role agent, *open*
        assigns the conversation to that user.

        Source: https://developers.chatwoot.com/api-reference/conversations/toggle-status
        """
        # `success` is null where a bot hands over, although it worked: only `current_status` tells.
        call = Call("POST", f"/conversations/{conversation_id}/toggle_status")
        return self._ask(call, _current_status, body={"status": status})

    def set_typing(self, conversation_id: int, on: bool) -> None:
        """Show or hide "is typing…". Nothing but another call hides it. With a bot's token since 4.12.

        Source: https://developers.chatwoot.com/api-reference/conversations/toggle-typing-status
        """
        call = Call("POST", f"/conversations/{conversation_id}/toggle_typing_status")
        self._tell(call, body={"typing_status": "on" if on else "off"})

    def assign(
        self,
        conversation_id: int,
        *,
        assignee_id: int | None = None,
        team_id: int | None = None,
        agent_bot_id: int | None = None,
    ) -> None:
        """Assign to a person, a team or an agent bot: exactly one of them. The status stays as it is.

        Chatwoot takes an id that does not exist, such as 0, for "nobody" and says nothing.

        Source: https://developers.chatwoot.com/api-reference/conversation-assignments/assign-conversation
        """
        given = _given({"assignee_id": assignee_id, "team_id": team_id, "agent_bot_id": agent_bot_id})
        if len(given) != 1:
            raise ValueError("assign to one of assignee_id, team_id, agent_bot_id")
        if agent_bot_id is not None:
            given = {"assignee_id": agent_bot_id, "assignee_type": "AgentBot"}
        self._tell(Call("POST", f"/conversations/{conversation_id}/assignments"), body=given)

    def labels(self, conversation_id: int) -> list[str]:
        """Source: https://developers.chatwoot.com/api-reference/conversations/list-labels"""
        return self._ask(Call("GET", f"/conversations/{conversation_id}/labels"), _labels)

    def set_labels(self, conversation_id: int, labels: Sequence[str]) -> list[str]:
        """Replace all labels: read and merge before. A label need not exist.

        Source: https://developers.chatwoot.com/api-reference/conversations/add-labels
        """
        call = Call("POST", f"/conversations/{conversation_id}/labels")
        return self._ask(call, _labels, body={"labels": list(labels)})

    def set_custom_attributes(self, conversation_id: int, attributes: Mapping[str, Any]) -> None:
        """Replace all custom attributes: read (`Conversation.custom_attributes`) and merge before.

        Source: https://developers.chatwoot.com/api-reference/conversations/update-custom-attributes
        """
        call = Call("POST", f"/conversations/{conversation_id}/custom_attributes")
        self._tell(call, body={"custom_attributes": dict(attributes)})

    # Contacts: with a user's token only.

    def find_contact(self, phone_number: str) -> Contact | None:
        """The contact with exactly this number, in E.164; the oldest, should there be several.

        Source: https://developers.chatwoot.com/api-reference/contacts/contact-filter
        """
        condition = {
            "attribute_key": "phone_number",
            "filter_operator": "equal_to",
            "values": [phone_number],
            "query_operator": None,
        }
        call = Call("POST", "/contacts/filter")
        found = self._ask(call, all_of(Contact.from_json, "payload"), body={"payload": [condition]})
        # Compared again: a message must not reach another one's phone, whatever a version's filter takes for equal.
        exact = [contact for contact in found if contact.phone_number == phone_number]
        return min(exact, key=lambda contact: contact.id, default=None)

    def contact(self, contact_id: int) -> Contact:
        """Source: https://developers.chatwoot.com/api-reference/contacts/show-contact"""
        return self._ask(Call("GET", f"/contacts/{contact_id}"), lambda answer: _contact(answer, "payload"))

    def contacts_with(self, label: str, *, page: int = 1) -> list[Contact]:
        """A page of 15 of the contacts that have this label, the oldest first; empty past the end.

        Contacts without e-mail address, phone number and identifier are not among them.

        Source: https://developers.chatwoot.com/api-reference/contacts/list-contacts; `labels[]` and
        `include_contact_inboxes` are in app/controllers/api/v1/accounts/contacts_controller.rb only.
        """
        params = {"labels[]": label, "sort": "created_at", "page": page, "include_contact_inboxes": "false"}
        return self._ask(Call("GET", "/contacts"), all_of(Contact.from_json, "payload"), params=params)

    def create_contact(self, *, name: str, phone_number: str, inbox_id: int | None = None) -> Contact:
        """Create a contact, which with `inbox_id` can be written to in that inbox at once.

        Raises:
            PermanentError: `already_taken`: someone else has created it, look it up again. Two at once may both
                succeed: Chatwoot's database does not forbid a phone number twice.
            TransientError, OutcomeUnknown: as for `send_message`.

        Source: https://developers.chatwoot.com/api-reference/contacts/create-contact
        """
        body = {"name": name, "phone_number": phone_number, "inbox_id": inbox_id}
        call = Call("POST", "/contacts", creates=True)
        return self._ask(call, lambda answer: _contact(answer, "payload", "contact"), body=_given(body))

    def contact_conversations(self, contact_id: int) -> list[Conversation]:
        """The contact's last 20 conversations, the most recently active first.

        Source: https://developers.chatwoot.com/api-reference/contacts/contact-conversations
        """
        call = Call("GET", f"/contacts/{contact_id}/conversations")
        return self._ask(call, all_of(Conversation.from_json, "payload"))

    # Inboxes: with a user's token only.

    def inbox(self, inbox_id: int) -> Inbox:
        """
        Raises:
            NotFound: there is none of this id in the account.

        Source: https://developers.chatwoot.com/api-reference/inboxes/get-an-inbox
        """
        return self._ask(Call("GET", f"/inboxes/{inbox_id}"), Inbox.from_json)

    # The server

    def agent_names(self) -> list[str]:
        """What the account's people are called, in full and as customers see it. With a user's token only.

        Source: https://developers.chatwoot.com/api-reference/agents/list-agents-in-account
        """
        named = self._ask(Call("GET", "/agents"), all_of(_names))
        return [name for names in named for name in names]

    def own_user_id(self) -> int:
        """Whose token it is. With a user's token only.

        Source: https://developers.chatwoot.com/api-reference/profile/fetch-user-profile
        """
        call = Call("GET", "/api/v1/profile")
        return responses.read(self._send(call, call.path), call, lambda answer: required_id(mapping(answer)))

    def server_version(self) -> str:
        """Such as "4.15.1"."""
        call = Call("GET", "/api")
        return responses.read(self._send(call, call.path), call, version_in)

    def _ask(
        self,
        call: Call,
        shape: Callable[[Any], T],
        *,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        files: Sequence[Upload] = (),
    ) -> T:
        """Make the call and shape what is answered."""
        return responses.read(self._send(call, self._account + call.path, params, body, files), call, shape)

    def _tell(self, call: Call, *, body: Mapping[str, Any]) -> None:
        """Make the call; of a good answer nothing is read, and some have no body at all."""
        response = self._send(call, self._account + call.path, None, body)
        if not response.is_success:
            raise responses.error_for_answer(response, call)

    def _send(
        self,
        call: Call,
        path: str,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        files: Sequence[Upload] = (),
    ) -> httpx.Response:
        if self._before_each is not None:
            self._before_each(call)
        try:
            return self._http.request(call.method, path, params=params, body=body, files=files)
        except responses.HTTPX_ERRORS as error:
            raise responses.error_for_exception(error, call) from error


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _contact(answer: Any, *keys: str) -> Contact:
    return Contact.from_json(within(answer, *keys))


def _names(agent: Any) -> list[str]:
    names = (text(mapping(agent).get(key)) for key in ("name", "available_name"))
    return [name for name in names if name and name.strip()]


def _labels(answer: Any) -> list[str]:
    return list(texts(within(answer, "payload")))


def _current_status(answer: Any) -> str:
    if (status := text(within(answer, "payload", "current_status"))) is None:
        raise Misshapen("no current_status")
    return status
