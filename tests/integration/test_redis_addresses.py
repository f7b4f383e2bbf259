"""Every way to Redis that the settings take, from the webhook to the reply: a socket, TLS, a private CA, both ways."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sandbox.machine.redis import RedisServer
from tests.desk import Desk
from tests.forwarder import Forwarder
from tests.stack import ROOT, Stack, wait_until
from tests.variants import Variant

CERTIFICATES = ROOT / "tests" / "certificates"
CA = f"ssl_ca_certs={CERTIFICATES}/ca.pem"
CLIENT = f"ssl_certfile={CERTIFICATES}/client.pem&ssl_keyfile={CERTIFICATES}/client.key"


@contextmanager
def encrypted(redis_server: RedisServer, *, name: str = "server", both_ways: bool = False) -> Iterator[str]:
    """Its address, without options."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CERTIFICATES / f"{name}.pem", CERTIFICATES / f"{name}.key")
    if both_ways:
        tls.verify_mode = ssl.CERT_REQUIRED
        tls.load_verify_locations(CERTIFICATES / "ca.pem")
    with Forwarder(redis_server.port, tls=tls) as address:
        yield f"rediss://localhost:{address.port}/0"


def a_customer_is_answered(desk: Desk, stack: Stack) -> None:
    stack.start_web()
    stack.start_worker()
    desk.conversation(3)
    desk.sandbox.customer_writes("Hola", conversation_id=3)
    assert desk.wait_for_replies(1) == ["Echo: Hola"]
    stack.celery("call", "tasks.send_reply", "--kwargs", '{"conversation_id": 3, "content": "by hand"}')
    assert desk.wait_for_replies(2) == ["Echo: Hola", "by hand"]
    assert "pong" in stack.celery("inspect", "ping")
    assert "insecure" not in stack.logs()


@pytest.mark.parametrize("setting", ["REDIS_URL", "CELERY_BROKER_URL"])
@pytest.mark.parametrize("login", ["", ":hush@"])
def test_a_socket(setting: str, login: str, desk: Desk, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("s") / "redis.sock"  # a short one: Linux takes 107 characters
    options = ["--unixsocket", str(path), *(["--requirepass", "hush"] if login else [])]
    with Variant(path.parent / "redis", *options, password="hush" if login else ""):
        stack.env[setting] = f"unix://{login}{path}?db=2"
        a_customer_is_answered(desk, stack)


def test_tls_with_a_ca_of_ones_own(desk: Desk, stack: Stack, redis_server: RedisServer) -> None:
    with encrypted(redis_server) as url:
        stack.env["REDIS_URL"] = f"{url}?{CA}"
        a_customer_is_answered(desk, stack)


def test_tls_both_ways(desk: Desk, stack: Stack, redis_server: RedisServer) -> None:
    with encrypted(redis_server, both_ways=True) as url:
        stack.env["REDIS_URL"] = f"{url}?{CA}&{CLIENT}"
        a_customer_is_answered(desk, stack)


def test_tls_for_the_broker_alone(desk: Desk, stack: Stack, redis_server: RedisServer) -> None:
    with encrypted(redis_server) as url:
        stack.env["CELERY_BROKER_URL"] = f"{url.removesuffix('/0')}/1?{CA}"
        a_customer_is_answered(desk, stack)


class TestWhoIsNotProven:
    """To neither is a password sent, nor a message: the broker's TLS is as strict as the mailboxes'."""

    @pytest.mark.parametrize("setting", ["REDIS_URL", "CELERY_BROKER_URL"])
    def test_of_an_unknown_ca(self, setting: str, stack: Stack, redis_server: RedisServer) -> None:
        with encrypted(redis_server) as url:
            self.is_refused(stack, setting, url)

    @pytest.mark.parametrize("setting", ["REDIS_URL", "CELERY_BROKER_URL"])
    def test_of_another_name(self, setting: str, stack: Stack, redis_server: RedisServer) -> None:
        with encrypted(redis_server, name="elsewhere") as url:
            self.is_refused(stack, setting, f"{url}?{CA}")

    @staticmethod
    def is_refused(stack: Stack, setting: str, url: str) -> None:
        stack.env[setting] = url
        if setting == "REDIS_URL":  # the broker is another
            stack.env["CELERY_BROKER_URL"] = url
        worker = stack.start("worker")
        refusal = re.compile("Cannot connect to rediss://.*CERTIFICATE_VERIFY_FAILED")  # kombu's own
        wait_until(lambda: refusal.search(worker.log.read_text()), what=f"kombu to refuse, see {worker.log}")
        assert "worker_ready" not in worker.log.read_text()

    def test_unless_the_url_says_that_anybody_will_do(
        self, desk: Desk, stack: Stack, redis_server: RedisServer
    ) -> None:
        with encrypted(redis_server, name="elsewhere") as url:
            stack.env["REDIS_URL"] = f"{url}?ssl_cert_reqs=none"
            a_customer_is_answered(desk, stack)
