"""Every process says that it lives, and which release it is."""

from __future__ import annotations

import json
import urllib.request

import redis

from tasks.runtime.presence import Alive
from tests.desk import Desk
from tests.stack import Stack, wait_until


def test_each_process_names_its_release(desk: Desk, stack: Stack, redis_client: redis.Redis) -> None:
    alive = Alive(redis_client, 1, "me")
    stack.start_web(RELEASE="a1b2c3d")
    old = stack.start_worker(RELEASE="a1b2c3d")
    stack.start_worker(RELEASE="9f8e7d6")
    beat = stack.start("beat", RELEASE="9f8e7d6")
    everybody = {"web": ["a1b2c3d"], "worker": ["9f8e7d6", "a1b2c3d"], "beat": ["9f8e7d6"]}
    wait_until(lambda: {kind: sorted(each) for kind, each in alive.releases().items()} == everybody, what="all of them")
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.port}/health", timeout=5) as answer:
        assert json.load(answer) == {"status": "alive", "release": "a1b2c3d"}
    for process, line in (
        (old, '"release": "a1b2c3d", "event": "worker_ready"'),
        (beat, '"release": "9f8e7d6", "event": "beat_ready"'),
    ):
        wait_until(lambda: line in process.log.read_text(), what=line)  # noqa: B023
    assert old.stop() == 0
    assert alive.releases()["worker"] == ["9f8e7d6"]
    beat.kill()
    wait_until(lambda: "beat" not in alive.releases(), what="the dead one to be forgotten")
