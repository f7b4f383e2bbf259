"""Liquid, as which Chatwoot renders every outgoing text and note: what somebody wrote, so that it is no template.

`escaped` is the last thing done to a text. Whatever is taken out of it afterwards may put a template together again.
"""

from __future__ import annotations

import re

# An invisible space (U+200B) after the first brace was seen to come through a real Chatwoot as it is
# (tests/recorded/09-liquid.json), in code in backticks too. A form that renders back to the very same text,
# `{{ '{{' }}`, is shown to the customer wherever Chatwoot does not render it.
# The backtick: Chatwoot puts `{% raw %}` before code, and would make `{{%` of a brace that stands there.
_OPENING = re.compile(r"\{(?=[{%`])")
_HIDDEN_OPENING = re.compile(r"\{\0+(?=[{%`])")
INVISIBLE_SPACE = "\u200b"


def escaped(text: str) -> str:
    """The same to a reader's eye, and no template to Chatwoot. Safe to repeat."""
    return _OPENING.sub("{" + INVISIBLE_SPACE, _storable(text))


def without_nul(text: str) -> str:
    """A NUL is refused with 422, whatever else the text says. Taken out of `{\\0{`, it must not make a template."""
    return _HIDDEN_OPENING.sub("{" + INVISIBLE_SPACE, text).replace("\0", "")


def _storable(text: str) -> str:
    """Half a surrogate pair, which models do write, has no UTF-8."""
    return text.replace("\0", "").encode(errors="replace").decode()
