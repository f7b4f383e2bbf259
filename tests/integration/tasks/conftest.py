"""A mailbox on a real Redis and as the fake: what is asked of one is asked of the other."""

from __future__ import annotations

import pytest
import redis

from tasks.mailbox import Mailbox
from tests.fakes import FakeMailbox, Memory
from tests.mailbox.steps import AT_ONCE, LOST_AT_ONCE, AnyMailbox, Open


@pytest.fixture(params=["redis", "fake"])
def open_mailbox(request: pytest.FixtureRequest) -> Open:
    if request.param == "fake":
        memory = Memory()
        return lambda timing: FakeMailbox(memory, timing=timing, owner="here")
    client: redis.Redis = request.getfixturevalue("redis_client")
    return lambda timing: Mailbox(client, account_id=1, timing=timing, owner="here")


@pytest.fixture
def mailbox(open_mailbox: Open) -> AnyMailbox:
    return open_mailbox(AT_ONCE)


@pytest.fixture
def hasty(open_mailbox: Open) -> AnyMailbox:
    """Sees every holder as gone, and every doorbell as lost, at once."""
    return open_mailbox(LOST_AT_ONCE)
