"""One phone, written in several ways."""

from __future__ import annotations

import pytest

from chatwoot.phones import one_form, written_forms


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+5215512345678", "+525512345678"),
        ("+5491123456789", "+541123456789"),
        ("+5511987654321", "+551187654321"),
    ],
)
def test_each_form_leads_to_the_other(one: str, other: str) -> None:
    assert written_forms(one) == (one, other)
    assert written_forms(other) == (other, one)
    assert one_form(one) == one_form(other)


@pytest.mark.parametrize("number", ["+34623226544", "+551132654321", "+15551234567", "+521234"])
def test_others_are_written_in_one_way(number: str) -> None:
    assert written_forms(number) == (number,)
    assert one_form(number) == number
