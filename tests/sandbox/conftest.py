"""A stand-in, somebody who receives its webhooks, and an HTTP client: all real."""

from collections.abc import Iterator

import httpx
import pytest

from sandbox import Sandbox
from tests.sandbox.desk import Desk
from tests.sandbox.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(webhook_retry_s=0.02) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox, receiver: Receiver) -> Iterator[Desk]:
    """An API inbox with a bot and an account webhook; conversation 3 in it."""
    with httpx.Client(base_url=sandbox.url, trust_env=False, timeout=30) as http:
        yield Desk.furnish(sandbox, receiver, http)
