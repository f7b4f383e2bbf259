"""The embedded Redis is a real one, and outlives its own death."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from sandbox.machine.redis import RedisServer, RedisUnavailable, answers_ping


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis", fsync="always") as running:
        yield running


@pytest.fixture
def client(server: RedisServer) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(server.url) as connected:
        yield connected


def test_it_has_json_and_search_and_refuses_rather_than_evicts(client: "redis.Redis") -> None:
    assert client.json().set("doc", "$", {"text": "hola"}) is True
    assert client.ft("none").client.execute_command("FT._LIST") == []
    assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
    assert client.config_get("appendonly")["appendonly"] == "yes"


def test_a_kill_and_a_restart_keep_the_data(server: RedisServer, client: "redis.Redis") -> None:
    client.set("kept", "yes")
    server.kill()
    assert not answers_ping(server.port)
    server.start()
    assert client.get("kept") == b"yes"


def test_stopping_twice_is_harmless(server: RedisServer) -> None:
    server.stop()
    server.stop()
    assert not answers_ping(server.port)


def test_anothers_answer_is_not_taken_for_its_own(server: RedisServer, tmp_path: Path) -> None:
    with pytest.raises(RedisUnavailable, match=f"another Redis answers on port {server.port}"):
        RedisServer(tmp_path / "second", port=server.port).start()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(RedisUnavailable, match="Address already in use"),
    ):
        RedisServer(tmp_path, port=taken.getsockname()[1]).start()
