"""What an operator can do by hand.

`flask dead-letters list | show ID | retry ID... | retry --all | discard ID`,
`flask forget --contact ID | --conversation ID | --phone +34...`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime

import click
from flask.cli import AppGroup

from chatwoot.errors import ChatwootError
from tasks.customers.erasure import Forgetting, Forgotten, Person
from tasks.mailbox import NoSuchDeadLetter
from tasks.records.arguments import BadCall
from tasks.recovery.dead_letters import AnsweredSince, DeadLetters, NothingLeft

dead_letters = AppGroup("dead-letters", help="What could not be thought or sent.")


@dead_letters.command("list")
def list_() -> None:
    """List them, the oldest first: id, time, what, attempts, reason."""
    for id, grave in _dead_letters().all():
        click.echo(f"{id}\t{_time(grave.at)}\t{grave.what}\t{grave.attempts}\t{grave.reason}")


@dead_letters.command()
@click.argument("id")
def show(id: str) -> None:
    """Show one whole, with what people wrote in it."""
    try:
        grave = _dead_letters().find(id)
    except NoSuchDeadLetter:
        raise click.ClickException(f"no dead letter {id}") from None
    click.echo(json.dumps({**asdict(grave), "at": _time(grave.at)}, indent=2, ensure_ascii=False))


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


@click.command()
@click.option("--contact", type=click.IntRange(min=1), help="Chatwoot's id of the contact, deleted there or not.")
@click.option("--conversation", type=click.IntRange(min=1), help="The number that the dashboard shows.")
@click.option("--phone", help="In international form, like +34623226544.")
def forget(contact: int | None, conversation: int | None, phone: str | None) -> None:
    """Forget a contact or a conversation: memory, mailbox, records, dead letters. What Chatwoot holds stays there."""
    if sum(each is not None for each in (contact, conversation, phone)) != 1:
        raise click.UsageError("say one of --contact, --conversation, --phone")
    forgetting = _forgetting()
    if conversation is not None:
        _show_forgotten(forgetting.conversation(conversation))
        return
    person = _person(forgetting, contact, phone)
    for id in sorted(person.conversation_ids):
        _show_forgotten(forgetting.conversation(id))
    click.echo(f"{len(person.conversation_ids)} conversations, {forgetting.letters_to(person)} written by us first")


def _person(forgetting: Forgetting, contact: int | None, phone: str | None) -> Person:
    try:
        return forgetting.contact(contact) if contact is not None else forgetting.phone(phone or "")
    except BadCall as error:
        raise click.UsageError(str(error)) from None
    except ChatwootError as error:
        raise click.ClickException(f"nothing was forgotten, Chatwoot cannot be asked now: {error}") from None


def _show_forgotten(forgotten: Forgotten) -> None:
    counts = "nothing was known" if forgotten.is_nothing else ", ".join(_counts(forgotten))
    click.echo(f"conversation {forgotten.conversation_id}: {counts}")


def _counts(forgotten: Forgotten) -> list[str]:
    return [
        f"{forgotten.messages} messages",
        f"{forgotten.acts} unsent",
        f"{forgotten.records} records",
        f"{forgotten.dead_letters} dead letters",
        f"{forgotten.memories} memories",
    ]


def _forgetting() -> Forgetting:
    from tasks import wiring

    return wiring.forgetting()


def _dead_letters() -> DeadLetters:
    from tasks import wiring

    return wiring.dead_letters()


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
