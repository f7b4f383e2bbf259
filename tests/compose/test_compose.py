"""compose.yaml for real: built, healthy, answering, scaled, restarted, taken down.

The tests are one story in the order of this file. They need a Docker engine with Compose v2: `make compose-test`.
"""

import os
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.stack import wait_until

ROOT = Path(__file__).parents[2]
ENV = ROOT / "compose.sandbox.env"
SETTINGS = dict(line.split("=", 1) for line in ENV.read_text().splitlines() if line and not line.startswith("#"))
SERVICES = ("redis", "web", "worker", "beat", "flower", "sandbox")

pytestmark = pytest.mark.timeout(600)


class Compose:
    """The project's compose file under a name of its own, beside whatever else runs here."""

    NAME = "contesta-test"

    def __call__(self, *words: str) -> str:
        files = ("--file", "compose.yaml", "--file", "compose.test.yaml", "--env-file", str(ENV))
        name = ("--ansi", "never", "--project-name", self.NAME, "--profile", "sandbox")
        line = ["docker", "compose", *name, *files, *words]
        # The developer's own settings must not leak in: they win over those of --env-file.
        env = {name: value for name, value in os.environ.items() if name not in SETTINGS}
        done = subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(words)}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def up(self, *words: str) -> None:
        self("up", "--detach", "--no-recreate", "--wait", "--wait-timeout", "180", *words)

    def url(self, service: str, port: int) -> str:
        return f"http://{self('port', service, str(port)).strip()}"

    def volumes(self) -> str:
        project = f"label=com.docker.compose.project={self.NAME}"
        listed = subprocess.run(["docker", "volume", "ls", "-q", "--filter", project], capture_output=True, text=True)
        return listed.stdout


class Customer:
    """Somebody who writes to us, each time from a new phone, and reads what comes back."""

    def __init__(self, compose: Compose) -> None:
        self._compose = compose
        self._numbers = count(1)

    def writes(self, text: str) -> int:
        """Returns the number of the new conversation."""
        phone = f"+3460000{next(self._numbers):04}"
        body = {"content": text, "name": "Lucía", "phone_number": phone, "inbox_id": 1}
        return int(self._call("POST", "/sandbox/customers/messages", json=body)["conversation_id"])

    def is_answered(self, conversation_id: int, answer: str) -> bool:
        listed = self._call("GET", f"/api/v1/accounts/1/conversations/{conversation_id}/messages")
        return any(message["content"] == answer for message in listed["payload"])

    def writes_and_is_answered(self, text: str) -> None:
        conversation_id = self.writes(text)
        wait_until(lambda: self.is_answered(conversation_id, f"Echo: {text}"), what=f"the answer to {text}")

    def _call(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        url = self._compose.url("sandbox", 3000) + path
        headers = {"Api-Access-Token": SETTINGS["CHATWOOT_API_TOKEN"]}
        answer = httpx.request(method, url, headers=headers, trust_env=False, timeout=20, **body)
        return dict(answer.raise_for_status().json())


@pytest.fixture(scope="module")
def compose(request: pytest.FixtureRequest) -> Iterator[Compose]:
    compose = Compose()
    try:
        compose("build")
        compose.up()
        yield compose
        if request.session.testsfailed:
            print(compose("logs", "--no-color", "--tail", "60"))
    finally:
        compose("down", "--volumes", "--timeout", "30")
    assert compose("ps", "--all", "--quiet") + compose.volumes() == ""


@pytest.fixture(scope="module")
def customer(compose: Compose) -> Customer:
    return Customer(compose)


def test_a_customer_is_answered(customer: Customer) -> None:
    customer.writes_and_is_answered("Hola")


def test_nothing_runs_as_root_or_can_change_its_files(compose: Compose) -> None:
    for service in SERVICES:
        assert compose("exec", "-T", service, "id", "-u").strip() != "0", service
        tried = compose("exec", "-T", service, "sh", "-c", "touch /etc/mine 2>&1 || true")
        assert "Read-only file system" in tried, service


def test_flower_asks_for_its_login(compose: Compose) -> None:
    url = compose.url("flower", 5555)
    login = httpx.BasicAuth(*SETTINGS["FLOWER_BASIC_AUTH"].split(":"))
    assert httpx.get(url, trust_env=False).status_code == httpx.codes.UNAUTHORIZED
    assert httpx.get(url, trust_env=False, auth=login, follow_redirects=True).status_code == httpx.codes.OK


def test_two_workers_share_the_work(compose: Compose, customer: Customer) -> None:
    compose.up("--scale", "worker=2")
    assert "2 nodes online" in compose(
        "exec", "-T", "flower", "celery", "-A", "tasks", "inspect", "ping", "-d", _workers(compose)
    )
    conversations = {number: customer.writes(f"one of many, {number}") for number in range(10)}
    wait_until(
        lambda: all(
            customer.is_answered(conversation_id, f"Echo: one of many, {number}")
            for number, conversation_id in conversations.items()
        ),
        what="all answers",
    )


def _workers(compose: Compose) -> str:
    return ",".join(f"worker@{container[:12]}" for container in compose("ps", "--quiet", "worker").split())


@pytest.mark.parametrize("service", SERVICES)
def test_after_a_restart_customers_are_answered_again(compose: Compose, customer: Customer, service: str) -> None:
    compose("restart", service)
    compose.up("--scale", "worker=2")
    customer.writes_and_is_answered(f"after a restart of {service}")
