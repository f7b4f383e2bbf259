"""The whole stack on this machine: it answers, heals what is killed, and is gone when it is ended."""

import os
import signal
import socket
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import httpx
import pytest

from sandbox.machine import demo
from sandbox.machine.stack import Plan, Ports, Stack
from sandbox.machine.supervisor import SupervisorError
from tests.machine.terminal import Run
from tests.stack import wait_until

# They share one stack, so they all run in one process.
pytestmark = pytest.mark.xdist_group("stack")

ENDED = 0


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(Plan(tmp_path_factory.mktemp("stack"), Ports.any_free()), os.environ) as running:
        yield running


@pytest.fixture
def chatwoot(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"Api-Access-Token": stack.plan.admin_token}
    with httpx.Client(base_url=stack.plan.sandbox_url, headers=headers, trust_env=False) as client:
        yield client


phones = (f"+3460000{number:04}" for number in count(1))


def a_customer_is_answered(chatwoot: httpx.Client) -> bool:
    body = {"content": "Hola", "name": "Lucía", "phone_number": next(phones), "inbox_id": 1}
    written = chatwoot.post("/sandbox/customers/messages", json=body).raise_for_status().json()
    path = f"/api/v1/accounts/1/conversations/{written['conversation_id']}/messages"

    def is_answered() -> bool:
        return any(each["content"] == "Echo: Hola" for each in chatwoot.get(path).json()["payload"])

    wait_until(is_answered, what="the answer")
    return True


def test_a_customer_of_the_stack_is_answered(chatwoot: httpx.Client) -> None:
    assert a_customer_is_answered(chatwoot)


KILLED = [("product", "worker"), ("product", "web"), ("redis", "redis"), ("chatwoot", "sandbox")]


@pytest.mark.parametrize(("group", "program"), KILLED)
def test_what_is_killed_comes_back_and_answers(stack: Stack, chatwoot: httpx.Client, group: str, program: str) -> None:
    killed = stack.supervisor.pid(group, program)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: stack.supervisor.pid(group, program) not in (0, killed), what=f"another {program}")
    wait_until(lambda: is_ready(stack), what="all to answer")
    assert a_customer_is_answered(chatwoot)


def is_ready(stack: Stack) -> bool:
    return all(answers(url) for url in (f"{stack.plan.web_url}/ready", f"{stack.plan.sandbox_url}/api"))


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def test_a_second_run_keeps_its_hands_off_the_data(stack: Stack, chatwoot: httpx.Client) -> None:
    with pytest.raises(SupervisorError, match="in use by another run"):
        Stack(stack.plan, os.environ).start()
    assert a_customer_is_answered(chatwoot)


def test_flower_asks_for_the_login_of_the_run(stack: Stack) -> None:
    wait_until(lambda: listens(stack.plan.ports.flower), what="Flower")
    user, _, password = stack.plan.flower_login.partition(":")
    for auth, status in ((None, httpx.codes.UNAUTHORIZED), ((user, password), httpx.codes.OK)):
        answer = httpx.get(stack.plan.flower_url, auth=auth, follow_redirects=True, trust_env=False)
        assert answer.status_code == status


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    run = Run("sandbox.machine.run", tmp_path)
    yield run
    run.end()


def test_ctrl_c_leaves_nothing_behind(run: Run, tmp_path: Path) -> None:
    run.read_until("Contesta is running")
    assert (tmp_path / "run.env").exists()
    assert len(run.left_behind()) > len(("redis", "sandbox", "web", "worker", "beat", "flower"))
    run.process.send_signal(signal.SIGINT)
    assert "stopped" in run.read_all()
    assert run.process.wait() == ENDED
    assert run.left_behind() == []
    assert not (tmp_path / "run.env").exists()


def test_an_interrupted_start_leaves_nothing_behind(run: Run) -> None:
    run.read_until("starting")
    wait_until(lambda: len(run.left_behind()) > 1, what="its first child")
    run.process.terminate()
    run.read_all()
    assert run.process.wait() == ENDED
    assert run.left_behind() == []


def test_a_closed_terminal_leaves_nothing_behind(run: Run, tmp_path: Path) -> None:
    run.read_until("Contesta is running")
    run.close_terminal()
    run.process.wait()
    assert run.left_behind() == []
    assert not (tmp_path / "run.env").exists()


def test_the_demo_shows_the_trip_and_ends_well(tmp_path: Path) -> None:
    shown = Run("sandbox.machine.demo", tmp_path)
    trip = shown.read_all()
    assert shown.process.wait() == ENDED, trip
    for step in ('writes "Hola"', "webhook message_created", "tasks.process_message", '"Echo: Hola" stands in'):
        assert step in trip
    assert shown.left_behind() == []
    shown.end()


def test_the_demo_fails_without_a_reply(tmp_path: Path) -> None:
    def silent(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"conversation_id": 3, "payload": []})

    with (
        httpx.Client(base_url="http://sandbox", transport=httpx.MockTransport(silent)) as client,
        pytest.raises(demo.DemoError, match='no "Echo: Hola" in conversation 3'),
    ):
        demo.follow(demo.Chatwoot(client), tmp_path / "worker.log", patience_s=0)
