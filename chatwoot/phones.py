"""One phone, written in several ways: where a channel knows a number otherwise than people write it.

WhatsApp names Mexican mobiles +521…, Argentinian ones +549…, and some Brazilian ones without the ninth digit; people
and other programs write them without or with it. Chatwoot stores what it was given.
"""

from __future__ import annotations

import re

# Each with its other form, both ways.
_FORMS = (
    (re.compile(r"\+521(\d{10})"), r"+52\1"),
    (re.compile(r"\+52(\d{10})"), r"+521\1"),
    (re.compile(r"\+549(\d{10})"), r"+54\1"),
    (re.compile(r"\+54(\d{10})"), r"+549\1"),
    (re.compile(r"\+55(\d{2})9([6-9]\d{7})"), r"+55\1\2"),
    (re.compile(r"\+55(\d{2})([6-9]\d{7})"), r"+55\g<1>9\2"),
)


def written_forms(phone_number: str) -> tuple[str, ...]:
    """All ways in which this number, in E.164, may be written; itself first."""
    others = (form.sub(other, phone_number) for form, other in _FORMS if form.fullmatch(phone_number))
    return tuple(dict.fromkeys([phone_number, *others]))


def one_form(phone_number: str) -> str:
    """The same for all ways of writing it: to know a number again."""
    return min(written_forms(phone_number), key=lambda form: (len(form), form))
