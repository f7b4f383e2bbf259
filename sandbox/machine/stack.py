"""The whole stack on this machine: its addresses and secrets for one run, and its processes."""

import os
import secrets
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from sandbox.machine import procfile
from sandbox.machine.ports import LOOPBACK, free_port, free_ports
from sandbox.machine.redis import answers_ping
from sandbox.machine.supervisor import Program, Supervisor

ROOT = Path(__file__).parents[2]

# Celery warns of root, which one often is in a container where this is tried out.
NOT_FOR_ONE_MACHINE = "ignore:You're running the worker with superuser privileges"

# The groups, in the order in which they are started; they are stopped the other way round.
REDIS, CHATWOOT, PRODUCT = "redis", "chatwoot", "product"


class StackError(Exception):
    """The stack cannot start; the message says why."""


@dataclass(frozen=True)
class Ports:
    """Where each server of a run listens."""

    web: int
    sandbox: int
    flower: int
    redis: int

    @classmethod
    def any_free(cls) -> Self:
        return cls(*free_ports(4))

    @classmethod
    def usual(cls, env: Mapping[str, str]) -> Self:
        """The ports that the environment names, else the usual ones, else free ones.

        Raises:
            StackError: a port that was named is taken.
        """
        return cls(
            web=_port(env, "PORT", 8000),
            sandbox=_port(env, "SANDBOX_PORT", 3000),
            flower=_port(env, "FLOWER_PORT", 5555),
            redis=_port(env, "REDIS_PORT", 6379),
        )


def _port(env: Mapping[str, str], name: str, usual: int) -> int:
    if not env.get(name):
        return free_port(usual)
    named = int(env[name])
    if free_port(named) != named:
        raise StackError(f"port {named} ({name}) is in use")
    return named


@dataclass(frozen=True)
class Plan:
    """What one run is made of. Its secrets are new each time and good for nothing else."""

    directory: Path
    ports: Ports
    # A Redis that somebody else runs; empty for the embedded one.
    given_redis_url: str = ""
    admin_token: str = field(default_factory=secrets.token_urlsafe, repr=False)
    agent_token: str = field(default_factory=secrets.token_urlsafe, repr=False)
    bot_token: str = field(default_factory=secrets.token_urlsafe, repr=False)
    webhook_secret: str = field(default_factory=secrets.token_urlsafe, repr=False)
    flower_password: str = field(default_factory=lambda: secrets.token_urlsafe(6), repr=False)

    @property
    def redis_url(self) -> str:
        return self.given_redis_url or f"redis://{LOOPBACK}:{self.ports.redis}/0"

    @property
    def web_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports.web}"

    @property
    def webhook_url(self) -> str:
        return f"{self.web_url}/webhooks/chatwoot"

    @property
    def sandbox_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports.sandbox}"

    @property
    def flower_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports.flower}"

    @property
    def flower_login(self) -> str:
        return f"contesta:{self.flower_password}"

    @property
    def redis_program(self) -> Program:
        words = (sys.executable, "-m", "sandbox.machine.redis")
        options = ("--port", str(self.ports.redis), "--dir", str(self.directory / "redis"))
        return Program("redis", shlex.join(words + options))

    @property
    def sandbox_program(self) -> Program:
        options = {
            "--host": LOOPBACK,
            "--port": str(self.ports.sandbox),
            "--admin-token": self.admin_token,
            "--agent-token": self.agent_token,
            "--bot-token": self.bot_token,
            "--bot-url": self.webhook_url,
            "--webhook-url": self.webhook_url,
            "--secret": self.webhook_secret,
            # It keeps nothing and may be killed: the product, which remembers, must not meet its ids again.
            "--first-id": "clock",
            # But for one, so that the README can name it.
            "--conversation": "3",
        }
        # With "=", since a token may begin with a dash.
        words = (f"{name}={value}" for name, value in options.items())
        return Program("sandbox", shlex.join((sys.executable, "-m", "sandbox", *words)))

    def environment(self, outer: Mapping[str, str]) -> dict[str, str]:
        """The product's settings for this run, on top of the environment that `make` was called with."""
        return {
            **outer,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{outer.get('PATH', os.defpath)}",
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": outer.get("PYTHONWARNINGS", NOT_FOR_ONE_MACHINE),
            "REDIS_URL": self.redis_url,
            "CHATWOOT_API_URL": self.sandbox_url,
            "CHATWOOT_ACCOUNT_ID": "1",
            "CHATWOOT_INBOX_ID": "1",
            "CHATWOOT_API_TOKEN": self.admin_token,
            "CHATWOOT_BOT_TOKEN": self.bot_token,
            "CHATWOOT_WEBHOOK_SECRET": self.webhook_secret,
            "PORT": str(self.ports.web),
            "FLOWER_PORT": str(self.ports.flower),
            "FLOWER_BASIC_AUTH": self.flower_login,
        }


class Stack:
    """All processes of a plan, supervised.

    >>> with Stack(plan) as stack:   # returns when the product is ready
    ...     stack.plan.sandbox_url
    """

    def __init__(self, plan: Plan, outer: Mapping[str, str]) -> None:
        self.plan = plan
        groups = {CHATWOOT: (plan.sandbox_program,), PRODUCT: procfile.read(ROOT / "Procfile")}
        if not plan.given_redis_url:
            groups = {REDIS: (plan.redis_program,), **groups}
        self.supervisor = Supervisor(plan.directory, ROOT, groups, plan.environment(outer))

    def start(self, timeout_s: float = 60, watch: Callable[[], None] = lambda: None) -> Self:
        """Start everything and return when the product is ready for webhooks.

        Meanwhile the watch is called again and again.

        Raises:
            StackError: it was not in time.
        """
        wait = partial(self._wait, timeout_s=timeout_s, watch=watch)
        self.supervisor.start()
        # The sandbox forgets everything when it ends, so an older run's memory would be of other conversations.
        shutil.rmtree(self.plan.directory / "redis", ignore_errors=True)
        if not self.plan.given_redis_url:
            self.supervisor.start_group(REDIS)
            wait(lambda: answers_ping(self.plan.ports.redis), "Redis")
        self.supervisor.start_group(CHATWOOT)
        wait(lambda: _answers(f"{self.plan.sandbox_url}/api"), "the sandbox")
        self.supervisor.start_group(PRODUCT)
        wait(lambda: _answers(f"{self.plan.web_url}/ready"), "the web process")
        return self

    def _wait(self, is_ready: Callable[[], bool], what: str, *, timeout_s: float, watch: Callable[[], None]) -> None:
        deadline = time.monotonic() + timeout_s
        while not is_ready():
            watch()
            if time.monotonic() > deadline or not self.supervisor.is_alive:
                raise StackError(f"{what} is not ready; its log is in {self.plan.directory}/logs")
            time.sleep(0.1)

    def stop(self) -> None:
        self.supervisor.stop()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()  # an interrupted start leaves nothing behind either
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
