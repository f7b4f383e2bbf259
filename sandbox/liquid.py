"""Liquid, which Chatwoot runs over every outgoing text: `{{contact.name}}` is replaced, `{% … %}` executed."""

import re
from typing import Any

from liquid import Environment, Mode
from liquid.exceptions import LiquidError

from sandbox.world import AgentBot, Conversation, Sender, User, World

_LIQUID = re.compile(r"\{\{|\{%")
# Chatwoot protects code by wrapping it into {% raw %} before it renders.
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_ENVIRONMENT = Environment(tolerance=Mode.STRICT)


def render(world: World, conversation: Conversation, sender: Sender | None, content: str | None) -> str | None:
    """The text as it is stored. Code in backticks stays, and so does all of a text that is not Liquid."""
    if content is None or not _LIQUID.search(content):
        return content
    try:
        template = _ENVIRONMENT.from_string(_CODE.sub(_protected, content))
        return template.render(**_names(world, conversation, sender))
    except LiquidError:
        return content


def _protected(code: re.Match[str]) -> str:
    return f"{{% raw %}}{code.group()}{{% endraw %}}"


def _names(world: World, conversation: Conversation, sender: Sender | None) -> dict[str, Any]:
    contact = world.contact_of(conversation)
    person = {"name": contact.name, "first_name": contact.name.split(" ")[0].capitalize()}
    agent = {"name": sender.name} if isinstance(sender, User | AgentBot) else {}
    return {
        "contact": person | {"email": contact.email, "phone_number": contact.phone_number},
        "agent": agent,
        "conversation": {"display_id": conversation.id},
        "inbox": {"name": world.inbox_of(conversation).name},
        "account": {"name": world.account.name},
    }
