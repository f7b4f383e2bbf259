"""What was said, as a webhook tells of it and as Chatwoot answers it when asked."""

from __future__ import annotations

from chatwoot.conversations import Conversation
from chatwoot.messages import Message
from tasks.records import incoming
from tasks.records.incoming import Incoming

CONVERSATION = Conversation.from_json(
    {"id": 3, "inbox_id": 4, "meta": {"sender": {"id": 7}, "channel": "Channel::TwilioSms"}}
)


def test_a_message_that_was_looked_up_says_as_much_as_one_that_came() -> None:
    message = Message.from_json({"id": 8, "content": "That one", "content_attributes": {"in_reply_to": 5}})
    found = Incoming.of_message(message, CONVERSATION)
    assert (found.in_reply_to, found.contact_id, found.inbox_id, found.channel) == (5, 7, 4, "Channel::TwilioSms")
    assert incoming.load(incoming.dump(found)) == found
