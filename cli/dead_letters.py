"""`flask dead-letters list | show ID | retry ID... | retry --all | discard ID`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime

import click
from flask.cli import AppGroup

from chatwoot.errors import ChatwootError
from chatwoot.responses import shown
from tasks import wiring
from tasks.mailbox import NoSuchDeadLetter
from tasks.records.dead_letter import WRITING_FIRST, DeadLetter
from tasks.recovery.dead_letters import AnsweredSince, DeadLetters, NothingLeft

dead_letters = AppGroup("dead-letters", help="What could not be thought or sent.")


@dead_letters.command("list")
def list_() -> None:
    """List them, the oldest first: id, time, what, attempts, reason."""
    for id, letter in _dead_letters().all():
        click.echo(f"{id}\t{_time(letter.at)}\t{letter.what}\t{letter.attempts}\t{_reason(letter)}")


@dead_letters.command()
@click.argument("id")
def show(id: str) -> None:
    """Show one whole, with what people wrote in it."""
    try:
        letter = _dead_letters().find(id)
    except NoSuchDeadLetter:
        raise click.ClickException(f"no dead letter {id}") from None
    click.echo(json.dumps({**asdict(letter), "at": _time(letter.at)}, indent=2, ensure_ascii=False))


@dead_letters.command()
@click.argument("ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every dead letter there is.")
def retry(ids: tuple[str, ...], everything: bool) -> None:
    """Try again, unless somebody has answered the customer since."""
    if bool(ids) == everything:
        raise click.UsageError("name dead letters, or say --all")
    letters = _dead_letters()
    chosen: Iterable[str] = [id for id, _ in letters.all()] if everything else ids
    refused = 0
    for id in chosen:
        try:
            letters.retry(id)
            click.echo(f"{id}: tried again")
        except NoSuchDeadLetter:
            if everything:  # it went with what it told of, which was tried again
                continue
            refused += 1
            click.echo(f"{id}: no such dead letter", err=True)
        except (AnsweredSince, NothingLeft, ChatwootError) as error:
            refused += 1
            click.echo(f"{id}: left: {error}", err=True)
    sys.exit(1 if refused else 0)


@dead_letters.command()
@click.argument("id")
def discard(id: str) -> None:
    """Forget one for good."""
    try:
        _dead_letters().discard(id)
    except NoSuchDeadLetter:
        raise click.ClickException(f"no dead letter {id}") from None
    click.echo(f"{id}: discarded")


def _dead_letters() -> DeadLetters:
    return wiring.of_this_process().dead_letters


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _reason(letter: DeadLetter) -> str:
    """In one line. Our own words for what was wrong with a call stay; all others may be a channel's, or Chatwoot's."""
    return letter.reason if letter.what == WRITING_FIRST else shown(letter.reason)
