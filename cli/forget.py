"""`flask forget --contact ID | --conversation ID | --phone +34...`."""

from __future__ import annotations

import click

from chatwoot.errors import ChatwootError
from tasks import wiring
from tasks.customers.erasure import DataSubject, Eraser, Forgotten
from tasks.records.arguments import InvalidArguments


@click.command()
@click.option("--contact", type=click.IntRange(min=1), help="Chatwoot's id of the contact, deleted there or not.")
@click.option("--conversation", type=click.IntRange(min=1), help="The number that the dashboard shows.")
@click.option("--phone", help="In international form, like +34623226544.")
def forget(contact: int | None, conversation: int | None, phone: str | None) -> None:
    """Forget a contact or a conversation: memory, mailbox, records, dead letters. What Chatwoot holds stays there.

    What a graph knows of a contact beyond a conversation goes with the contact, not with one of the conversations.
    """
    if sum(each is not None for each in (contact, conversation, phone)) != 1:
        raise click.UsageError("say one of --contact, --conversation, --phone")
    eraser = wiring.of_this_process().eraser
    if conversation is not None:
        _show_forgotten(eraser.conversation(conversation))
        return
    subject = _subject(eraser, contact, phone)
    for id in sorted(subject.conversation_ids):
        _show_forgotten(eraser.conversation(id))
    known = eraser.what_is_known_of(subject)
    first = eraser.first_messages_to(subject)
    click.echo(f"{len(subject.conversation_ids)} conversations, {first} written by us first, {known} known of them")


def _subject(eraser: Eraser, contact: int | None, phone: str | None) -> DataSubject:
    try:
        return eraser.contact(contact) if contact is not None else eraser.phone(phone or "")
    except InvalidArguments as error:
        raise click.UsageError(str(error)) from None
    except ChatwootError as error:
        raise click.ClickException(f"nothing was forgotten, Chatwoot cannot be asked now: {error}") from None


def _show_forgotten(forgotten: Forgotten) -> None:
    counts = "nothing was known" if forgotten.is_nothing else ", ".join(_counts(forgotten))
    click.echo(f"conversation {forgotten.conversation_id}: {counts}")


def _counts(forgotten: Forgotten) -> list[str]:
    return [
        f"{forgotten.messages} messages",
        f"{forgotten.actions} unsent",
        f"{forgotten.records} records",
        f"{forgotten.dead_letters} dead letters",
        f"{forgotten.memories} memories",
    ]
