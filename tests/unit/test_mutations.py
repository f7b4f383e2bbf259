"""The list of guards that are broken on purpose is of the code as it is: a guard that was renamed is missed at once."""

from __future__ import annotations

import pytest

from tests.chaos.mutations import MUTATIONS, Mutation
from tests.stack import ROOT


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.guard)
def test_each_guard_is_there_once(mutation: Mutation) -> None:
    assert (ROOT / mutation.file).read_text().count(mutation.old) == 1
