"""Many runs, and a table of what went wrong in each: `python -m tests.people --seeds 10 --kills`.

The timelines of what went wrong go to standard error. Fails if anything did.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from sandbox.machine.redis import RedisServer
from tests.people.run import LOOK_AND_POST_S, Outcome, play

HEAD = f"""\
| seed | killed | texts | acts | spoken over | by > {LOOK_AND_POST_S:g} s | twice | out of order | left alone | took |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"""


def main() -> int:
    parser = argparse.ArgumentParser(description="Customers, people and the product in a busy Chatwoot.")
    parser.add_argument("--seeds", type=int, default=10, metavar="N", help="how many; default: 10")
    parser.add_argument("--first", type=int, default=1, metavar="N", help="the first of them; default: 1")
    parser.add_argument("--kills", action="store_true", help="each once more while processes are killed")
    parser.add_argument("--logs", type=Path, metavar="DIR", help="keep the processes' logs there")
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    with tempfile.TemporaryDirectory(prefix="contesta-people-") as directory:
        outcomes = list(_play_all(seeds, [False, True] if options.kills else [False], options.logs or Path(directory)))
    print(row("all", outcomes))
    return 0 if all(outcome.is_clean for outcome in outcomes) else 1


def _play_all(seeds: Sequence[int], how: Sequence[bool], directory: Path) -> Iterator[Outcome]:
    print(HEAD, flush=True)
    for kills in how:
        for seed in seeds:
            place = directory / f"{seed}{'-kills' if kills else ''}"
            place.mkdir(parents=True, exist_ok=True)
            with RedisServer(place / "redis", fsync="always") as redis_server:
                outcome = play(seed, kills=kills, redis_url=redis_server.url, directory=place)
            print(row(str(seed), [outcome]), flush=True)
            print(outcome.failures, file=sys.stderr, flush=True)
            yield outcome


def row(name: str, outcomes: Sequence[Outcome]) -> str:
    cells = [
        name,
        sum(outcome.killed.total() for outcome in outcomes),
        sum(outcome.texts for outcome in outcomes),
        sum(outcome.acts for outcome in outcomes),
        sum(outcome.count("spoken_over") for outcome in outcomes),
        sum(outcome.could_have_known for outcome in outcomes),
        *(sum(outcome.count(what) for outcome in outcomes) for what in ("twice", "out_of_order", "left_alone")),
        f"{sum(outcome.seconds for outcome in outcomes):.0f} s",
    ]
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    sys.exit(main())
