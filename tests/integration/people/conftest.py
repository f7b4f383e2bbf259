"""Every test of people runs on both: since 4.16 Chatwoot's bots own their conversations."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox import Sandbox


@pytest.fixture(params=["4.15.1", "4.17.0"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(
        port=0, admin_token="admin-token", agent_token="agent-token", chatwoot_version=request.param
    ) as stand_in:
        yield stand_in
