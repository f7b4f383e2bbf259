"""docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.results import HEAD, Result

PATH = Path("docs/benchmarks.md")
_ABOUT = """\
# What it costs

`make bench` wrote this in {seconds:.0f} s: real processes (gunicorn, Celery, Redis) and the sandbox as Chatwoot, on
{machine}.

Each figure is compared with another one of the same run, so that a slow or busy machine is in both; the limits are of
the ratios, and a run fails where one is exceeded. Where none is given, the figure is for the reader.

"""


def write(results: Sequence[Result], machine: str, seconds: float) -> None:
    PATH.write_text(text(results, machine, seconds))


def text(results: Sequence[Result], machine: str, seconds: float) -> str:
    about = _ABOUT.format(machine=machine, seconds=seconds)
    return about + HEAD + "".join(f"{result}\n" for result in results)
