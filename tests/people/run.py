"""One run: a busy Chatwoot, 20 customers, people who take over and hand back, and the product among them all."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import httpx
import redis

from sandbox import Sandbox
from tests.desk import Desk
from tests.people.crowd import Talk
from tests.people.judge import Verdict, is_peoples, judge
from tests.people.killer import Killer
from tests.people.plan import MARTA, plan
from tests.people.timeline import Doing
from tests.stack import BOT_TOKEN, SECRET, Stack, Start, as_a_supervisor, settings

CONVERSATIONS = 20
ACTING_S = 45
PATIENCE_S = 90
WEBHOOKS_S = (0.0, 10.0)
API_S = (0.3, 1.2)
"""A Chatwoot on two cores with 20 conversations was seen to be so slow."""
LOOK_AND_POST_S = 2 * API_S[1]
"""Who asks Chatwoot right before posting may have been told, and then be carried out, so long apart."""


@dataclass(frozen=True)
class Outcome:
    seed: int
    killed: Counter[str]
    verdicts: Sequence[Verdict]
    seconds: float

    def count(self, what: str) -> int:
        """Of spoken_over, twice, out_of_order or left_alone, in all conversations."""
        return sum(len(getattr(verdict, what)) for verdict in self.verdicts)

    @property
    def texts(self) -> int:
        return sum(len(verdict.timeline.customers) for verdict in self.verdicts)

    @property
    def acts(self) -> int:
        return sum(len(verdict.timeline.acts) for verdict in self.verdicts)

    @property
    def could_have_known(self) -> int:
        """How often the bot spoke over people so late that asking Chatwoot before would have told it."""
        return sum(over.after_s > LOOK_AND_POST_S for verdict in self.verdicts for over in verdict.spoken_over)

    @property
    def is_clean(self) -> bool:
        return all(verdict.is_clean for verdict in self.verdicts)

    def __str__(self) -> str:
        counts = {
            "killed": self.killed.total(),
            "texts": self.texts,
            "acts of people": self.acts,
            "spoken over": self.count("spoken_over"),
            f"by more than {LOOK_AND_POST_S:g} s": self.could_have_known,
            "twice": self.count("twice"),
            "out of order": self.count("out_of_order"),
            "left alone": self.count("left_alone"),
        }
        return f"seed {self.seed}: " + ", ".join(f"{count} {what}" for what, count in counts.items())

    @property
    def failures(self) -> str:
        """The timelines of the conversations in which something is wrong."""
        return "\n\n".join(str(verdict) for verdict in self.verdicts if not verdict.is_clean)


def play(seed: int, *, kills: bool, redis_url: str, directory: Path, start: Start = as_a_supervisor) -> Outcome:
    """Everything by this seed; `directory` gets the logs. Takes two minutes."""
    began = time.monotonic()
    with (
        Sandbox() as sandbox,
        Stack(_settings(redis_url, sandbox.url), directory, start) as stack,
        httpx.Client(trust_env=False, limits=httpx.Limits(max_connections=None)) as http,
    ):
        talks = _talks(sandbox, stack, http, seed)
        killer = Killer(stack, random.Random(f"{seed}/kills"))
        killer.start_all()
        sandbox.lag.set(webhooks_s=WEBHOOKS_S, api_s=API_S, seed=seed)
        _act(talks, killer, kills=kills)
        _hand_back(talks)
        _wait(talks, redis_url)
        verdicts = [judge(talk.timeline()) for talk in talks]
    return Outcome(seed, killer.killed, verdicts, time.monotonic() - began)


def _settings(redis_url: str, chatwoot_url: str) -> dict[str, str]:
    return {
        **settings(redis_url, chatwoot_url),
        "COALESCE_SECONDS": "0.3",
        "LEASE_SECONDS": "4",
        # Longer than a call may take to be carried out.
        "CHATWOOT_STORING_SECONDS": "3",
        "RECONCILE_SECONDS": "5",
        # Longer than a webhook may be late.
        "RECONCILE_GRACE_SECONDS": "15",
        # What else hands over to people is not to get in the way.
        "MAX_WAIT_SECONDS": "600",
        "MAX_TURNS_PER_HOUR": "0",
    }


def _talks(sandbox: Sandbox, stack: Stack, http: httpx.Client, seed: int) -> list[Talk]:
    bot = sandbox.add_agent_bot(outgoing_url=stack.webhook_url, secret=SECRET, access_token=BOT_TOKEN)
    desk = Desk(sandbox, sandbox.add_inbox(name="Chat", channel="api", agent_bot_id=bot.id).id)
    # A web process that is killed must not give every conversation to people.
    sandbox.keep_pending_on_bot_failure()
    ids = [desk.conversation(id, f"+34600{id:06}") for id in range(1, CONVERSATIONS + 1)]
    return [Talk(sandbox, http, id, random.Random(f"{seed}/{id}")) for id in ids]


def _act(talks: Sequence[Talk], killer: Killer, *, kills: bool) -> None:
    over = Event()
    with ThreadPoolExecutor(2 * len(talks) + 1) as threads:
        killing = threads.submit(killer.go_on_until, over) if kills else None
        acting = []
        for talk in talks:
            planned = plan(talk.chance, ACTING_S)
            acting.append(threads.submit(talk.customer_writes, planned.writes))
            acting.append(threads.submit(talk.people_act, planned.steps))
        try:
            for each in acting:
                each.result()
        finally:
            over.set()
        if killing is not None:
            killing.result()


def _hand_back(talks: Sequence[Talk]) -> None:
    """Give the bot what people still have. What it has already stays as it is: that it knows so is judged, too."""
    with ThreadPoolExecutor(len(talks)) as threads:
        list(threads.map(lambda talk: talk.do(Doing.HAND_BACK, MARTA), filter(_have_people, talks)))


def _have_people(talk: Talk) -> bool:
    """Or had it handed over by the bot. A resolved conversation is nobody's."""
    status = talk.sandbox.conversation(talk.id)["status"]
    return status == "open" or (status == "pending" and is_peoples(talk.timeline()))


def _wait(talks: Sequence[Talk], redis_url: str) -> None:
    """Until nobody is left alone and all is done, or for so long that it will not be done any more."""
    end = time.monotonic() + PATIENCE_S
    with redis.Redis.from_url(redis_url, protocol=2) as client:
        while time.monotonic() < end:
            left_alone = any(judge(talk.timeline()).left_alone for talk in talks)
            if not left_alone and not any(client.zcard(key) for key in client.scan_iter("contesta:*:due")):
                break
            time.sleep(0.5)
    talks[0].sandbox.settle(60)
