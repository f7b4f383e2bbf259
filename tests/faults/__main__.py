"""The fault matrix: `make faults`. Fails if anything was lost, doubled or out of order.

Writes the table into docs/faults.md, and its sums into the README.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.rows import ROWS, Row
from tests.faults.scene import Scene, scene
from tests.tally import Tally

README = Path("README.md")
TABLE = Path("docs/faults.md")
_HEAD = """\
# What breaks, and what becomes of the messages

`make faults` wrote this: {rows} rows in {seconds:.0f} s, on real processes (gunicorn, Celery, beat, Redis) and the
sandbox as Chatwoot, which tells of a message by an account webhook: once. In each row customers write 20 messages
while something is broken; the counts are taken from what Chatwoot has stored in the end. It fails if anything is
lost, doubled or out of order.

Faster than by default, so that the run is short: a lease of 4 s, a look for lost webhooks every 2 s, and 3 s of
patience with Chatwoot. Where Chatwoot is broken, it is so for the first 4 to 6 posts. *Given up*: Chatwoot refused
for good; the reply is a dead letter and, where Chatwoot takes one, a private note tells the humans. *Worst delay*:
where nobody can know whether a post was carried out, it is not repeated before 15 s have shown that it was not.

| what is broken | sent | answered once | given up | lost | doubled | out of order | worst delay |
|---|---:|---:|---:|---:|---:|---:|---:|
"""


@dataclass(frozen=True)
class Result:
    row: Row
    tally: Tally
    given_up: frozenset[str]
    worst_delay_s: float

    @property
    def lost(self) -> frozenset[str]:
        return frozenset(self.tally.lost) - self.given_up

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.tally.doubled or self.tally.out_of_order)

    def __str__(self) -> str:
        counts = (
            self.tally.sent,
            self.tally.answered_once,
            len(self.given_up),
            len(self.lost),
            len(self.tally.doubled),
            len(self.tally.out_of_order),
        )
        return f"| {self.row.name} | {' | '.join(map(str, counts))} | {self.worst_delay_s:.1f} s |"


def play(row: Row, on: Scene) -> Result:
    on.begin(row.conversations)
    row.play(on)
    try:
        on.wait_for_answers()
    except AssertionError as error:  # counted as lost, and the next row is played
        print(f"  {error}", file=sys.stderr)
    return Result(row, on.tally(), frozenset(on.given_up()), on.worst_delay_s())


def main() -> int:
    parser = argparse.ArgumentParser(description="Break everything once, and count what becomes of the messages.")
    parser.add_argument("--only", default="", help="the rows whose name contains this; nothing is written then")
    chosen = parser.parse_args().only
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="contesta-faults-") as directory:
        rows = [row for row in ROWS if chosen in row.name]
        results = _play_all(rows, Path(directory))
    if not chosen:
        head = _HEAD.format(rows=len(rows), seconds=time.monotonic() - started)
        TABLE.write_text(head + "".join(f"{result}\n" for result in results))
        show_in_readme(sums(results))
    return 0 if all(result.is_clean for result in results) else 1


def sums(results: Sequence[Result]) -> str:
    """All rows in a sentence."""
    total = sum((result.tally for result in results), Tally())
    given_up = sum(len(result.given_up) for result in results)
    lost = sum(len(result.lost) for result in results)
    return (
        f"{len(results)} rows, {total.sent} messages: {total.answered_once} answered once, {given_up} given up because "
        f"Chatwoot refused them, {lost} lost, {len(total.doubled)} doubled, {len(total.out_of_order)} out of order; "
        f"the longest wait {max(result.worst_delay_s for result in results):.1f} s.\n"
    )


def show_in_readme(sentence: str) -> None:
    """Put it between its marks."""
    before, _, rest = README.read_text().partition("<!-- faults -->\n")
    _, mark, after = rest.partition("<!-- /faults -->")
    README.write_text(f"{before}<!-- faults -->\n{sentence}{mark}{after}")


def _play_all(rows: Sequence[Row], directory: Path) -> list[Result]:
    results = []
    with scene(directory) as on:
        for row in rows:
            results.append(play(row, on))
            print(results[-1], flush=True)
            if not results[-1].is_clean:
                print(f"  {results[-1].tally} logs:\n{on.stack.logs()[-5000:]}", file=sys.stderr)
    return results


if __name__ == "__main__":
    sys.exit(main())
