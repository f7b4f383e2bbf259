"""E-mail, as Chatwoot keeps it: what an inbox makes of a customer's e-mail, and of what is posted there.

Recorded in tests/recorded/27-e-mail.json. Of Markdown only paragraphs and bold text become HTML here.
"""

import html
import re
from dataclasses import replace

from sandbox.clock import iso
from sandbox.drafts import Draft
from sandbox.world import Conversation, Json

_DOMAIN = "in.example.com"
_BOLD = re.compile(r"\*\*(.+?)\*\*")


def of(content_attributes: Json) -> Json:
    """The e-mail that a message is; {}: it is none, or nothing is known of it."""
    email: Json = content_attributes.get("email") or {}
    return email


def contact_attributes(address: str, message_id: str | None) -> Json:
    """Of whom an e-mail makes a contact: the company is guessed from the domain."""
    company = address.rpartition("@")[2].partition(".")[0].capitalize()
    return {"source_id": f"email:{message_id}", "company_name": company}


def conversation_attributes(email: Json, now: float) -> Json:
    return {
        "in_reply_to": email.get("in_reply_to"),
        "source": "email",
        "auto_reply": bool(email.get("auto_reply")),
        "mail_subject": email.get("subject"),
        "initiated_at": {"timestamp": iso(now)},
    }


def answers(email: Json, conversation: Conversation) -> bool:
    """Whether the e-mail names one of the conversation's; only then it goes on there."""
    named = {email.get("in_reply_to"), *(email.get("references") or ())} - {None}
    return any(message.source_id in named for message in conversation.messages)


def without_quotes(email: Json) -> str | None:
    """What the customer wrote themselves, without what they quote."""
    for part in ("html_content", "text_content"):
        if quoted := (email.get(part) or {}).get("quoted"):
            return str(quoted)
    return None


def posted(draft: Draft) -> Draft:
    """What Chatwoot adds to a message that is posted to an e-mail inbox: whom it goes to, and how it will read."""
    addressed: Json = {"cc_emails": [], "bcc_emails": [], "to_emails": []}
    if draft.content and not draft.private:
        as_html = _html(draft.content)
        addressed["email"] = {
            "html_content": {"full": as_html, "reply": as_html},
            "text_content": {"full": draft.content, "reply": draft.content},
        }
    return replace(draft, content_attributes=draft.content_attributes | addressed)


def new_message_id(conversation: Conversation, message_id: int) -> str:
    """Of the e-mail that a message becomes."""
    return f"conversation/{conversation.uuid}/messages/{message_id}@{_DOMAIN}"


def _html(text: str) -> str:
    paragraphs = (_BOLD.sub(r"<strong>\1</strong>", html.escape(each, quote=False)) for each in text.split("\n\n"))
    return "".join(f"<p>{each}</p>\n" for each in paragraphs)
