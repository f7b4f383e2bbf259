"""docs/benchmarks.md: the table, and how it came about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.results import HEAD, Result

PATH = Path("docs/benchmarks.md")
_ABOUT = """\
# What it costs, against limits

`make bench` measured this in {seconds:.0f} s, on real processes (gunicorn, Celery, Redis) and the sandbox as Chatwoot,
all on one machine, new for each benchmark; `python -m bench --write` wrote it. It fails where a ratio is above its
limit. Both sides of a ratio are measured in the same run, by turns where that is possible, since a time alone says
more of the machine and its other work than of the program. This one:
{machine}.

A graph stands in for the model: it sleeps as long as the customer asks for (`bench/graphs.py`). `COALESCE_SECONDS` is
0, `CHATWOOT_RATE_PER_MINUTE` off, there is one web process; all else is as by default, but for what is said here.

- *Nothing noticeable on top of the model*: from the customer's writing to the arrival of the answer's POST at Chatwoot,
  one customer after the other. The 8 ms that the sandbox takes before it sends a webhook are in it.
- *Asking*: what `LOOK_BEFORE_THINKING=always` adds to `late`, and how long the bot may speak on an old answer
  (docs/who-has-it.md).
- *50 customers at once* write to one worker, which has 50 threads; the CPU of their turns comes on top of the model.
- *A conversation in trouble*: in one conversation the model takes 2.5 s, in another it fails twice and is given up
  (`TURN_ATTEMPTS=2`), in a third the customer writes 20 messages at once, while others write one after the other and
  get their answers from a model that takes no time.
- *Flat cost*: all of a turn but Celery and the call to Chatwoot. Redis' commands are counted with those inside of
  scripts; CPU is without Redis' own. The memory is read and written whole and holds the last 40 messages
  (`HISTORY_LIMIT`), so a conversation of 10 costs a little less; what is older than 40 costs nothing.
- *A webhook*: signed, and first in its conversation, so that it is accepted and rung for; against one of the same
  length that says nothing to us. No worker runs.
- *A second worker*: customers wrote while the workers were paused, and are answered. Both share the cores with Redis,
  web and sandbox, and `POSTS_IN_FLIGHT` is out of their way; what comes of it is the machine's, so it has no limit.

"""


def write(results: Sequence[Result], machine: str, seconds: float) -> None:
    PATH.write_text(text(results, machine, seconds))


def text(results: Sequence[Result], machine: str, seconds: float) -> str:
    about = _ABOUT.format(machine=machine, seconds=seconds)
    return about + HEAD + "".join(f"{result}\n" for result in results)
