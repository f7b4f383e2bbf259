"""`flask doctor`: is all well, and if not, what is to be done?"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import asdict

import click

import settings
from tasks.celery import app
from tasks.diagnosis.doctor import diagnose
from tasks.diagnosis.findings import Finding
from tasks.runtime.release import RELEASE

_MARKS = {"ok": ("ok   ", "green"), "wrong": ("WRONG", "red"), "not looked at": ("-    ", "yellow")}


@click.command()
@click.option(
    "--url", default="", help="Where Chatwoot should reach us, to see whether it does: https://bot.example.com"
)
@click.option(
    "--model", is_flag=True, help="Also think one turn, to see whether the model answers: it may cost something."
)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object: `release`, `is_ok`, `findings`.")
def doctor(url: str, model: bool, as_json: bool) -> None:
    """Look at everything: each line is ok, or says what to do. Ends with status 0 only if all is ok.

    It changes nothing. One webhook of its own goes to our public address, a few times.
    """
    logging.disable(logging.CRITICAL)  # what is wrong is said below, once
    found: list[Finding] = []
    findings = diagnose(settings.of_this_process, app, base_url=url, asks_the_model=model)
    for finding in _with_stdout_to_itself(findings):
        found.append(finding)
        if not as_json:
            _show(finding)
    is_ok = all(finding.is_ok for finding in found)
    if as_json:
        shown = {"release": RELEASE, "is_ok": is_ok, "findings": [asdict(finding) for finding in found]}
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
    sys.exit(0 if is_ok else 1)


def _with_stdout_to_itself(findings: Iterator[Finding]) -> Iterator[Finding]:
    """A user's graph may print as it loads."""
    while True:
        with redirect_stdout(sys.stderr):
            finding = next(findings, None)
        if finding is None:
            return
        yield finding


def _show(finding: Finding) -> None:
    mark, colour = _MARKS[finding.state]
    words = f"not looked at: {finding.words}" if finding.state == "not looked at" else finding.words
    click.echo(f"{click.style(mark, fg=colour)} {finding.name:18} {words}")
