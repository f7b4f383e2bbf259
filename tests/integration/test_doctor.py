"""`flask doctor` on a product that runs: well, it says so; with a fault planted, it names that one and no other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import httpx
import pytest
import redis

from sandbox import Sandbox
from sandbox.machine.ports import free_port
from sandbox.machine.redis import RedisServer
from tasks.installation import wanted
from tests.nursery import Nursery
from tests.proxy import Proxy
from tests.stack import BOT_TOKEN, SECRET, Stack, settings, wait_until
from tests.variants import Variant

ADMIN, AGENT = "admin-token", "agent-token"
SECRETS = (ADMIN, AGENT, BOT_TOKEN, SECRET, "another-secret", "a-token-that-is-unknown")
THIS, OTHER = "a1b2c3d", "9f8e7d6"

# What they share is started once: they all run in one process.
pytestmark = pytest.mark.xdist_group("doctor")


@dataclass(frozen=True)
class Clinic:
    """A product that is well, and its doctor."""

    sandbox: Sandbox
    stack: Stack
    redis: redis.Redis
    directory: Path

    def examine(self, *options: str, **env: str) -> CompletedProcess[str]:
        """By a process of its own that has these settings besides."""
        return self.stack.run("flask", "doctor", "--json", *options, **env)

    def administrator(self, method: str, path: str, body: dict[str, Any]) -> None:
        url = f"{self.sandbox.url}/api/v1/accounts/1/{path}"
        httpx.request(method, url, json=body, headers={"Api-Access-Token": ADMIN}).raise_for_status()


@pytest.fixture(scope="module")
def clinic(redis_server: RedisServer, nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    directory = tmp_path_factory.mktemp("clinic")
    with (
        Sandbox(port=0, admin_token=ADMIN, agent_token=AGENT) as sandbox,
        redis.Redis.from_url(redis_server.url, decode_responses=True, protocol=2) as client,
    ):
        client.flushall()
        env = {**settings(redis_server.url, sandbox.url), "ANSWER_INBOX_IDS": "1", "RELEASE": THIS}
        with Stack(env, directory, nursery.start) as stack:
            bot = sandbox.add_agent_bot(outgoing_url=stack.webhook_url, secret=SECRET, access_token=BOT_TOKEN)
            sandbox.add_inbox(agent_bot_id=bot.id)
            sandbox.add_inbox()
            sandbox.add_webhook(url=stack.webhook_url, secret=SECRET)
            stack.start("beat")
            stack.start_worker()
            stack.start_web()
            wait_until(
                lambda: client.hget("contesta:1:last_done", "reconcile"), what="the first look for lost webhooks"
            )
            yield Clinic(sandbox, stack, client, directory)
        client.flushall()


Findings = dict[str, dict[str, str]]


def read(done: CompletedProcess[str]) -> Findings:
    """Name -> what was found."""
    assert "Traceback" not in done.stderr
    assert not [secret for secret in SECRETS if secret in done.stdout + done.stderr]
    told = json.loads(done.stdout)
    findings = {each["name"]: each for each in told["findings"]}
    is_ok = all(each["state"] == "ok" for each in findings.values())
    assert (done.returncode, told["is_ok"], told["release"]) == (0 if is_ok else 1, is_ok, THIS)
    return findings


def that_are(state: str, findings: Findings) -> dict[str, str]:
    """Name -> words."""
    return {name: each["words"] for name, each in findings.items() if each["state"] == state}


def test_all_is_well(clinic: Clinic) -> None:
    findings = read(clinic.examine("--model", "--url", f"http://127.0.0.1:{clinic.stack.port}"))
    assert {each["state"] for each in findings.values()} == {"ok"}
    assert findings["releases"]["words"] == "all are a1b2c3d"
    assert findings["model"]["words"].startswith("a turn took ")
    assert clinic.redis.ttl("contesta:account") > 0


def test_it_is_read_by_people_too(clinic: Clinic) -> None:
    lines = clinic.stack.flask("doctor", status=0).splitlines()
    assert [line for line in lines if not line.startswith("ok    ")] == []
    assert any(line.split()[1:3] == ["chatwoot", "4.15.1"] for line in lines)


# -- Faults: where each is planted, and what is said of it.

Plant = Callable[[Clinic], AbstractContextManager[dict[str, str]]]


@dataclass(frozen=True)
class Fault:
    """Something that is wrong."""

    names: dict[str, str]
    """Of all findings that are wrong, with some of their words."""
    env: dict[str, str] = field(default_factory=dict)
    """What the settings say."""
    plant: Plant = lambda clinic: nullcontext({})
    """What else is done; gives more settings."""
    options: tuple[str, ...] = ()


@contextmanager
def configured(clinic: Clinic, **options: str) -> Iterator[dict[str, str]]:
    """A Redis with other options, which it has had from its start for all that anybody knows."""
    names = [name.replace("_", "-") for name in options]
    before = {name: clinic.redis.config_get(name)[name] for name in names}
    for name, value in zip(names, options.values(), strict=True):
        clinic.redis.config_set(name, value)
    yield {}
    for name, value in reversed(before.items()):
        clinic.redis.config_set(name, value)


@contextmanager
def without_json(clinic: Clinic) -> Iterator[dict[str, str]]:
    with Variant(clinic.directory / "without", modules=False) as server:
        yield {"REDIS_URL": server.url, "CELERY_BROKER_URL": clinic.stack.env["REDIS_URL"]}


@contextmanager
def another_accounts(clinic: Clinic) -> Iterator[dict[str, str]]:
    clinic.redis.set("contesta:account", 2, ex=60)
    yield {}
    clinic.redis.set("contesta:account", 1, ex=60)


@contextmanager
def an_empty_redis(clinic: Clinic) -> Iterator[dict[str, str]]:
    """Where no process of ours has ever been."""
    url = f"{clinic.stack.env['REDIS_URL'].removesuffix('/0')}/7"
    yield {"REDIS_URL": url}


@contextmanager
def no_chatwoot(clinic: Clinic) -> Iterator[dict[str, str]]:
    yield {"CHATWOOT_API_URL": f"http://127.0.0.1:{clinic.stack.port}"}


@contextmanager
def another_clock(clinic: Clinic) -> Iterator[dict[str, str]]:
    with Proxy(clinic.sandbox.url, ahead_s=90) as proxy:
        yield {"CHATWOOT_API_URL": proxy.url}


@contextmanager
def a_bot_of_inbox(clinic: Clinic, bot_id: int | None) -> Iterator[dict[str, str]]:
    clinic.administrator("POST", "inboxes/1/set_agent_bot", {"agent_bot": bot_id})
    yield {}
    clinic.administrator("POST", "inboxes/1/set_agent_bot", {"agent_bot": 1})


@contextmanager
def another_bot(clinic: Clinic) -> Iterator[dict[str, str]]:
    other = clinic.sandbox.add_agent_bot(name="other")
    with a_bot_of_inbox(clinic, other.id):
        yield {}


@contextmanager
def posts_to(clinic: Clinic, url: str) -> Iterator[dict[str, str]]:
    """The bot does."""
    clinic.administrator("PATCH", "agent_bots/1", {"outgoing_url": url})
    yield {}
    clinic.administrator("PATCH", "agent_bots/1", {"outgoing_url": clinic.stack.webhook_url})


@contextmanager
def a_slow_proxy(clinic: Clinic) -> Iterator[dict[str, str]]:
    """Between Chatwoot and us."""
    web = clinic.stack.webhook_url.removesuffix(wanted.PATH)
    with Proxy(web, late_s=1.1) as proxy, posts_to(clinic, wanted.webhook_url(proxy.url)):
        yield {}


@contextmanager
def events_less(clinic: Clinic) -> Iterator[dict[str, str]]:
    """The account webhook is the first one."""
    clinic.administrator("PATCH", "webhooks/1", {"subscriptions": ["message_created"]})
    yield {}
    clinic.administrator("PATCH", "webhooks/1", {"subscriptions": list(wanted.EVENTS)})


@contextmanager
def an_old_worker(clinic: Clinic) -> Iterator[dict[str, str]]:
    old = clinic.stack.start_worker(RELEASE=OTHER)
    wait_until(lambda: OTHER in str(clinic.redis.hvals("contesta:1:alive")), what="it to be heard of")
    yield {}
    assert old.stop() == 0


NOBODY = f"http://127.0.0.1:{free_port()}"
UNKNOWN = "a-token-that-is-unknown"

FAULTS: dict[str, Fault] = {
    "settings missing": Fault({"settings": "set REDIS_URL"}, {"REDIS_URL": ""}),
    "Redis away": Fault(
        {"redis": "REDIS_URL: start Redis, or correct its address", "broker": "start the broker"},
        {"REDIS_URL": "redis://127.0.0.1:1"},
    ),
    "Redis without JSON": Fault({"redis modules": "has no JSON.GET: take Redis 8"}, plant=without_json),
    "Redis of another account": Fault({"redis account": "is of account 2: give account 1"}, plant=another_accounts),
    "Redis that evicts": Fault(
        {"redis eviction": "noeviction: with allkeys-lru a full Redis forgets"},
        plant=lambda clinic: configured(clinic, maxmemory="1gb", maxmemory_policy="allkeys-lru"),
    ),
    "Redis that is nearly full": Fault(
        {"redis memory": "give Redis more memory"},
        plant=lambda clinic: configured(clinic, maxmemory=str(int(clinic.redis.info()["used_memory"] * 1.2))),
    ),
    "Redis without persistence": Fault(
        {"redis persistence": "CONFIG SET appendonly yes"}, plant=lambda clinic: configured(clinic, appendonly="no")
    ),
    "Redis that wants replicas": Fault(
        {"redis writes": "make Redis take writes: it is full, a replica, or without rights: NOREPLICAS"},
        plant=lambda clinic: configured(clinic, min_replicas_to_write="1"),
    ),
    "broker away": Fault({"broker": "CELERY_BROKER_URL"}, {"CELERY_BROKER_URL": "redis://127.0.0.1:1"}),
    "no process": Fault(
        {"web": "start a web process", "workers": "start a worker", "beat": "start a beat"}, plant=an_empty_redis
    ),
    "a deployment that was not ended": Fault(
        {"releases": f"than this command's, {THIS}: 1 of 2 worker ({OTHER})"},
        plant=an_old_worker,
    ),
    "Chatwoot away": Fault({"chatwoot": "CHATWOOT_API_URL: correct it"}, {"CHATWOOT_API_URL": NOBODY}),
    "no Chatwoot": Fault({"chatwoot": "CHATWOOT_API_URL: correct it"}, plant=no_chatwoot),
    "clock skew": Fault({"chatwoot's clock": " s ahead of this one"}, plant=another_clock),
    "unknown user's token": Fault(
        {"user's token": "copy it anew from the user's Profile Settings: CHATWOOT_API_TOKEN"},
        {"CHATWOOT_API_TOKEN": UNKNOWN},
    ),
    "unknown bot's token": Fault(
        {"bot's token": "copy it anew from the bot in Settings → Bots: CHATWOOT_BOT_TOKEN"},
        {"CHATWOOT_BOT_TOKEN": UNKNOWN},
    ),
    "tokens changed round": Fault(
        {"user's token": "CHATWOOT_API_TOKEN is a bot's", "bot's token": "CHATWOOT_BOT_TOKEN is a user's"},
        {"CHATWOOT_API_TOKEN": BOT_TOKEN, "CHATWOOT_BOT_TOKEN": ADMIN},
    ),
    "an account of others": Fault(
        {"redis account": "is of account 1", "user's token": "CHATWOOT_ACCOUNT_ID"}
        | {"web": "start", "workers": "start", "beat": "start"},
        {"CHATWOOT_ACCOUNT_ID": "7"},
    ),
    "an inbox that is not there": Fault(
        {"inboxes": "the account has no inbox 99: it has 1, 2"}, {"CHATWOOT_INBOX_ID": "99"}
    ),
    "no bot on the inbox": Fault(
        {"bot on its inboxes": "inbox 1 has no bot"}, plant=lambda clinic: a_bot_of_inbox(clinic, None)
    ),
    "another bot on the inbox": Fault({"bot on its inboxes": "inbox 1 has another bot"}, plant=another_bot),
    "a bot that posts elsewhere": Fault(
        {"bot's URL": "end in /webhooks/chatwoot: it leads elsewhere, on https://elsewhere.example.com"},
        plant=lambda clinic: posts_to(clinic, "https://elsewhere.example.com/secret-of-theirs"),
    ),
    "another address than the public one": Fault(
        {"bot's URL": f"`flask provision --url {NOBODY}`, since the bot posts to http://127.0.0.1"}
        | {"public address": f"let {NOBODY} lead to a web process that runs"},
        options=("--url", NOBODY),
    ),
    "a public address where nobody is": Fault(
        {"public address": f"let {NOBODY} lead to a web process that runs, from everywhere: Connection refused"},
        plant=lambda clinic: posts_to(clinic, f"{NOBODY}/webhooks/chatwoot"),
    ),
    "a public address of somebody else's": Fault(
        {"public address": "somebody else answers 404 there"},
        plant=lambda clinic: posts_to(clinic, f"{clinic.sandbox.url}/webhooks/chatwoot"),
    ),
    "slow answers": Fault({"ack time": "s; Chatwoot gives up after 5"}, plant=a_slow_proxy),
    "another secret than Chatwoot's": Fault(
        {
            "bot's secret": "CHATWOOT_WEBHOOK_SECRET: add the bot's",
            "account webhook": "CHATWOOT_WEBHOOK_SECRET: add the account webhook's",
            "public address": "restart the web process with these settings",
        },
        {"CHATWOOT_WEBHOOK_SECRET": "another-secret"},
    ),
    "an account webhook that does not tell all": Fault(
        {"account webhook": "message_updated, conversation_updated, conversation_status_changed"}, plant=events_less
    ),
    "a graph that does not load": Fault(
        {"graph": "GRAPH=graph.nowhere:graph: no module named graph.nowhere"}, {"GRAPH": "graph.nowhere:graph"}
    ),
    "a model that does not answer": Fault(
        {"model": "look at the model's key, quota and address: a turn ended with"},
        {"GRAPH": "tests.graphs:failing"},
        options=("--model",),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named(clinic: Clinic, name: str) -> None:
    fault = FAULTS[name]
    with fault.plant(clinic) as env:
        done = clinic.examine(*fault.options, **fault.env, **env)
    found = that_are("wrong", read(done))
    assert found.keys() == fault.names.keys(), found
    assert [words for each, words in fault.names.items() if words not in found[each]] == [], found


def test_an_agents_token_is_told_what_it_cannot_see(clinic: Clinic) -> None:
    findings = read(clinic.examine(CHATWOOT_API_TOKEN=AGENT))
    unseen = that_are("not looked at", findings)
    assert unseen.keys() == {"bot's secret", "account webhook"}
    assert all("run it with an administrator's token" in words for words in unseen.values())
    assert findings["user's token"]["words"].startswith("agent: may")
    assert that_are("wrong", findings) == {}


def test_without_a_users_token_it_has_to_be_told_the_address(clinic: Clinic) -> None:
    findings = read(clinic.examine(CHATWOOT_API_TOKEN=""))
    assert that_are("wrong", findings) == {}
    assert that_are("not looked at", findings)["inboxes"] == "only a user may: set CHATWOOT_API_TOKEN"
    assert "public address" in that_are("not looked at", findings)
    told = read(clinic.examine("--url", f"http://127.0.0.1:{clinic.stack.port}", CHATWOOT_API_TOKEN=""))
    assert "ack time" in that_are("ok", told)


def test_what_needs_another_is_not_looked_at(clinic: Clinic) -> None:
    done = clinic.stack.run("flask", "doctor", CHATWOOT_API_URL=NOBODY)
    assert done.returncode == 1
    assert "-     inboxes            not looked at: first user's token" in done.stdout.splitlines()
