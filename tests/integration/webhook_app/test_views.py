"""What Chatwoot is answered. Real Redis, Flask's own test client, real payloads."""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langgraph.checkpoint.memory import InMemorySaver

from graph.loader import load
from graph.outcome import Outcome
from graph.said import Said
from graph.thinking import Thinker
from settings import Settings
from tasks.customers.index import ContactIndex
from tasks.customers.twins import Twins
from tasks.mailbox import Mailbox, Timing, Turn, WakeThinker
from tasks.mailbox.doorbells import Doorbells
from tasks.ownership.intake import Intake
from tasks.ownership.policy import Policy
from tasks.records.incoming import Incoming
from tasks.recovery.holdings import Holdings
from tasks.recovery.undelivered import Undelivered
from tasks.runtime.release import RELEASE
from tasks.thinking.turn import TurnRunner
from webhook_app import create_app
from webhook_app.reception import Reception

SECRET = "a-secret-of-24-characters"
TOKEN = "token-in-the-path"
PAYLOADS = Path(__file__).parent.parent.parent / "payloads"
SAMPLES = [json.loads(path.read_text()) for path in sorted(PAYLOADS.rglob("*.json")) if "rest-" not in path.name]
HOLA = json.loads((PAYLOADS / "message_created-incoming-whatsapp.json").read_text())
SETTINGS = Settings.from_env(
    {
        "REDIS_URL": "redis://127.0.0.1:1",
        "CHATWOOT_API_URL": "http://127.0.0.1:1",
        "CHATWOOT_ACCOUNT_ID": "1",
        "CHATWOOT_INBOX_ID": "1",
        "CHATWOOT_API_TOKEN": "token",
        "CHATWOOT_WEBHOOK_TOKEN": TOKEN,
    }
)


class Front:
    """The web application, and what it rang for."""

    def __init__(self, client: redis.Redis) -> None:
        self.rung: list[tuple[int, WakeThinker]] = []
        self.mailbox = Mailbox(client, account_id=1, timing=Timing(quiet_s=0, most_quiet_s=0))
        policy = Policy(account_id=1, answer_inbox_ids=None, answer_statuses=frozenset({"pending", "open"}))
        reception = Reception(
            intake=Intake(
                mailbox=self.mailbox,
                index=ContactIndex(client, 1, ttl_s=60),
                twins=Twins(client, 1, ttl_s=60),
                policy=policy,
            ),
            undelivered=Undelivered(self.mailbox),
            doorbells=Doorbells(lambda id, doorbell: self.rung.append((id, doorbell)), lambda id: None),
            secrets=(SECRET,),
            token=TOKEN,
        )
        settings = SETTINGS.model_copy(update={"redis_url": _url(client)})
        self.client: FlaskClient = create_app(settings, reception).test_client()

    def post(self, payload: Any, *, secret: str = SECRET, at: float | None = None) -> int:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        timestamp = str(int(time.time() if at is None else at))
        signature = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers = {"X-Chatwoot-Timestamp": timestamp, "X-Chatwoot-Signature": f"sha256={signature}"}
        return self.client.post("/webhooks/chatwoot", data=body, headers=headers).status_code


def _url(client: redis.Redis) -> str:
    where = client.connection_pool.connection_kwargs
    return f"redis://{where['host']}:{where['port']}/{where['db']}"


@pytest.fixture
def front(redis_client: redis.Redis) -> Front:
    return Front(redis_client)


def test_a_customers_message_rings(front: Front) -> None:
    assert front.post(HOLA) == 200
    assert [id for id, _ in front.rung] == [HOLA["conversation"]["id"]]


def test_it_rings_once_however_often_it_comes(front: Front) -> None:
    assert [front.post(HOLA) for _ in range(3)] == [200, 200, 200]
    assert len(front.rung) == 1


@pytest.mark.parametrize("sample", SAMPLES, ids=[f"{number}" for number in range(len(SAMPLES))])
def test_everything_chatwoot_sends_is_taken(front: Front, sample: dict[str, Any]) -> None:
    assert front.post(sample) == 200


def test_another_accounts_message_is_taken_and_left(front: Front) -> None:
    theirs = copy.deepcopy(HOLA)
    theirs["account"]["id"] = 2
    assert front.post(theirs) == 200
    assert front.rung == []


class TestWhoMayComeIn:
    def test_another_secret_may_not(self, front: Front) -> None:
        assert front.post(HOLA, secret="another") == 401

    def test_an_old_webhook_may_not(self, front: Front) -> None:
        assert front.post(HOLA, at=time.time() - 301) == 401

    def test_a_webhook_of_the_future_may_not(self, front: Front) -> None:
        assert front.post(HOLA, at=time.time() + 301) == 401

    def test_an_unsigned_webhook_may_not(self, front: Front) -> None:
        assert front.client.post("/webhooks/chatwoot", json=HOLA).status_code == 401

    def test_the_token_in_the_path_may(self, front: Front) -> None:
        assert front.client.post(f"/webhooks/chatwoot/{TOKEN}", json=HOLA).status_code == 200
        assert len(front.rung) == 1

    @pytest.mark.parametrize("token", ["wrong", "tökén", TOKEN.upper()])
    def test_another_token_may_not(self, front: Front, token: str) -> None:
        assert front.client.post(f"/webhooks/chatwoot/{token}", json=HOLA).status_code == 401
        assert front.rung == []


def test_what_nobody_thought_of_is_told_without_words_and_without_the_token(
    front: Front, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError(HOLA["content"])

    monkeypatch.setattr(front.mailbox, "accept", fail)
    assert front.client.post(f"/webhooks/chatwoot/{TOKEN}", json=HOLA).status_code == 500
    told = caplog.text + "".join(capfd.readouterr())
    assert "RuntimeError" in told
    assert TOKEN not in told
    assert HOLA["content"] not in told


@pytest.mark.parametrize("number", ["1" * 5000, "-" + "9" * 100_000, "1e999", "1." + "0" * 5000, "NaN"])
def test_an_attribute_that_is_no_number_to_python_spoils_nothing(front: Front, number: str) -> None:
    body = json.dumps(HOLA | {"attribute": "a number"}).replace('"a number"', number)
    assert front.post(body.encode()) == 200
    assert [id for id, _ in front.rung] == [HOLA["conversation"]["id"]]


@pytest.mark.parametrize("body", [b"", b"no json", b"[1]", b'"text"', b"\xff\xfe", b"[" * 100_000, b"null"])
def test_what_is_no_json_object_is_400(front: Front, body: bytes) -> None:
    assert front.post(body) == 400


def test_more_than_2_mib_is_413(front: Front) -> None:
    assert front.post(b" " * (2 * 1024 * 1024 + 1)) == 413


def test_redis_away_is_500_and_then_well_again(redis_client: redis.Redis, tmp_path: Path) -> None:
    from sandbox.machine.redis import RedisServer

    with (
        RedisServer(tmp_path) as server,
        redis.Redis.from_url(server.url, decode_responses=True, socket_connect_timeout=1, retry=None) as client,
    ):
        front = Front(client)
        server.kill()
        assert front.post(HOLA) == 500
        assert front.client.get("/health").get_json() == {"status": "alive", "release": RELEASE}
        assert front.client.get("/ready").status_code == 503
        server.start()
        assert front.post(HOLA) == 200
        assert front.client.get("/ready").status_code == 200


# -- 2,000 things that Chatwoot might send one day

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def safe_traceback(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a payload."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from safe_traceback(child, (*path, key))


@st.composite
def variations(draw: st.DrawFn) -> Any:
    """A sample with some of its values dropped or replaced."""
    payload = copy.deepcopy(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(1, 4))):
        paths = list(safe_traceback(payload))
        if not paths:
            break
        *parents, last = draw(st.sampled_from(paths))
        holder = payload
        for key in parents:
            holder = holder[key]
        if draw(st.booleans()):
            del holder[last]
        else:
            holder[last] = draw(ANYTHING)
    return payload


@dataclass(frozen=True)
class Echoing:
    """The echo, whose memory is this process's."""

    thinker: Thinker = field(default_factory=lambda: Thinker(load("graph.echo:graph", InMemorySaver()), 40))

    def think(self, turn: Turn, messages: Sequence[Incoming]) -> Outcome:
        said = [Said(str(each.id), each.text) for each in messages]
        return self.thinker.think(str(turn.conversation_id), str(turn.number), said)

    def undo(self, turn: Turn, messages: Sequence[Incoming]) -> None:
        raise AssertionError("nothing is given up")

    def acted(self, turn: Turn, messages: Sequence[Incoming]) -> Sequence[str]:
        raise AssertionError("nothing is given up")


def test_no_variation_breaks_the_web_or_a_worker(redis_client: redis.Redis) -> None:
    front = Front(redis_client)
    turn_runner = TurnRunner(
        mailbox=front.mailbox,
        holdings=Holdings(60),
        bridge=Echoing(),
        most_attempts=1,
    )

    @settings(
        max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
    )
    @given(variations())
    def check(payload: Any) -> None:
        assert front.post(json.dumps(payload).encode()) == 200
        while front.rung:
            conversation_id, doorbell = front.rung.pop()
            turn_runner.answer(conversation_id, doorbell.bell)

    check()
    assert redis_client.keys("contesta:*outbox")
    # What a channel refused is one, and rightly so.
    assert not [letter for letter in front.mailbox.dead_letters() if '"thinking"' in letter.record]
