"""The rows of the fault matrix: each writes twenty messages and breaks something meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.bookings import Bookings
from tests.faults.scene import Scene
from tests.stack import wait_until

Play = Callable[[Scene], None]


@dataclass(frozen=True)
class Row:
    name: str
    play: Play
    conversations: int = 4


def _write(scene: Scene, rounds: int) -> None:
    """Each customer writes so many times. Chatwoot has told us of one round before the next is written."""
    for _ in range(rounds):
        scene.write()
        scene.wait_for_webhooks()


def _api(kind: str, times: int, *, seconds: float = 1.0, text: str | None = None) -> Play:
    """The first posts are broken."""

    def play(scene: Scene) -> None:
        more = {} if text is None else {"text": text}
        scene.sandbox.faults.add(kind, times=times, seconds=seconds, **more)
        _write(scene, 20 // len(scene.conversations))

    return play


def _stored_and_never_told(scene: Scene) -> None:
    """Our own replies' webhooks do not come either, so Chatwoot has to be asked."""
    scene.sandbox.webhook_faults.add("never", event=None, content="Echo: ", times=None)
    _api("500-after-storing", 6)(scene)


def _frozen(scene: Scene) -> None:
    """The first round's posts wait in its backlog for longer than storing may take. It is slow afterwards, and tells of
    no reply of ours, so that it has to be asked."""
    scene.sandbox.webhook_faults.add("never", event=None, content="Echo: ", times=None)
    scene.sandbox.faults.add("frozen", seconds=25)
    scene.sandbox.set_pace(0.67)
    _write(scene, 1)
    scene.wait_for_answers()
    scene.sandbox.set_pace(None)
    _write(scene, 4)


def _twice(scene: Scene) -> None:
    scene.sandbox.webhook_faults.add("twice", times=None)
    _write(scene, 5)


def _late(scene: Scene) -> None:
    """Within the quiet time that the bot waits for: what comes later sorts into place."""
    for _ in range(5):
        scene.sandbox.webhook_faults.add("late", times=2, seconds=0.4)
        scene.write()
    scene.wait_for_webhooks()


def _shuffled(scene: Scene) -> None:
    scene.sandbox.webhook_faults.add("shuffled", times=20)
    for _ in range(5):
        scene.write()
    scene.wait_for_webhooks()


def _never(scene: Scene) -> None:
    """The last message of each conversation."""
    _write(scene, 4)
    scene.sandbox.webhook_faults.add("never", times=len(scene.conversations))
    scene.write()


def _dies(place: str) -> Play:
    """The worker kills itself at the third passing of a place."""

    def play(scene: Scene) -> None:
        scene.replace_worker(die_at=f"{place}:3")
        _write(scene, 2)
        wait_until(lambda: not scene.worker.is_alive, what="the worker to die")
        _write(scene, 1)
        scene.replace_worker()
        _write(scene, 2)

    return play


def _acts(place: str) -> Play:
    """A tool books what is written, once, and the worker kills itself at the third passing of a place. In doubt, as of
    what its other threads were about to do, the service is asked."""

    def play(scene: Scene) -> None:
        with Bookings() as scene.bookings:
            env = {"GRAPH": "tests.graphs_that_act:agent", "BOOKINGS_URL": scene.bookings.url}
            env["BOOKINGS_ONCE"] = "verify"
            scene.replace_worker(die_at=f"{place}:3", **env)
            _write(scene, 2)
            wait_until(lambda: not scene.worker.is_alive, what="the worker to die")
            _write(scene, 1)
            scene.replace_worker(**env)
            _write(scene, 2)
            scene.wait_for_answers()
        scene.replace_worker()

    return play


def _killed_while_sending(scene: Scene) -> None:
    scene.sandbox.faults.add("slow", times=4, seconds=2)
    _write(scene, 2)
    wait_until(lambda: any(post.in_flight for post in scene.desk.posts()), what="a post to be in flight")
    scene.worker.kill()
    _write(scene, 1)
    scene.replace_worker()
    _write(scene, 2)


def _web_killed(scene: Scene) -> None:
    """A round is written while there is no web process: nobody is told of it."""
    _write(scene, 2)
    scene.web.kill()
    _write(scene, 1)
    scene.replace_web()
    scene.wait_for_answers()
    _write(scene, 2)


def _beat_killed(scene: Scene) -> None:
    """And a round of webhooks is lost while it is away."""
    _write(scene, 2)
    scene.beat.kill()
    scene.sandbox.webhook_faults.add("never", times=len(scene.conversations))
    _write(scene, 1)
    scene.replace_beat()
    scene.wait_for_answers()
    _write(scene, 2)


def _redis_away_as_turns_end(scene: Scene) -> None:
    """Killed and back at once, while replies are being posted."""
    for _ in range(5):
        scene.sandbox.faults.add("slow", times=len(scene.conversations), seconds=1)
        scene.write()
        scene.wait_for_webhooks()
        wait_until(lambda: any(post.in_flight for post in scene.desk.posts()), what="a post to be in flight")
        scene.redis_server.kill()
        scene.redis_server.start()


def _redis_killed(scene: Scene) -> None:
    """A round is written while there is no Redis."""
    _write(scene, 2)
    scene.redis_server.kill()
    _write(scene, 1)
    scene.redis_server.start()
    scene.wait_for_answers()
    _write(scene, 2)


def _workers(count: int) -> Play:
    def play(scene: Scene) -> None:
        with scene.more_workers(count - 1):
            _write(scene, 2)
            scene.wait_for_answers()

    return play


def _nothing(scene: Scene) -> None:
    _write(scene, 5)


ROWS = (
    Row("nothing", _nothing),
    Row("500", _api("500", 6)),
    Row("429", _api("429", 6)),
    Row("429 with Retry-After: 3", _api("429-retry-after", 6, seconds=3)),
    Row("503", _api("503", 6)),
    Row("slow: 1.5 s for an answer", _api("slow", 20, seconds=1.5)),
    Row("hang", _api("hang", 4, seconds=60)),
    Row("hang after storing", _api("hang-after-storing", 4, seconds=60)),
    Row("frozen for 25 s, then slow", _frozen),
    Row("500 after storing", _api("500-after-storing", 6)),
    Row("500 after storing, and no webhook of it", _stored_and_never_told),
    Row("422 after storing: statement timeout", _api("422-after-storing", 6)),
    Row("422 after storing: waited for Redis", _api("422-after-storing", 6, text="Waited 1 seconds (redis://redis)")),
    Row("connection reset", _api("reset", 6)),
    Row("connection reset after storing", _api("reset-after-storing", 6)),
    Row("401 to 5 posts", _api("401", 5), conversations=20),
    Row("404 to 5 posts", _api("404", 5), conversations=20),
    Row("webhook twice", _twice),
    Row("webhook late", _late),
    Row("webhook never", _never),
    Row("webhooks out of order", _shuffled),
    Row("worker killed while thinking", _dies("think.after")),
    Row("worker killed while sending", _killed_while_sending),
    Row("worker killed after sending", _dies("post.after")),
    Row("worker killed after a tool has acted", _acts("did.after")),
    Row("worker killed while a tool acts", _acts("did.before")),
    Row("web killed", _web_killed),
    Row("beat killed", _beat_killed),
    Row("Redis killed", _redis_killed),
    Row("Redis away for a moment as turns end", _redis_away_as_turns_end),
    Row("two workers", _workers(2), conversations=10),
    Row("four workers", _workers(4), conversations=10),
)
