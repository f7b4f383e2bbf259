"""`flask restored`, after Redis was restored from a copy and before anything starts on it."""

from __future__ import annotations

import click

from chatwoot.errors import ChatwootError
from tasks import wiring


@click.command()
def restored() -> None:
    """Redis was restored from an older copy: from now on look whether something was said before it is said."""
    parts = wiring.of_this_process()
    parts.restoration.mark()
    if parts.answered_since is None:
        click.echo("What stands in the copy is looked for where a bot's token may look, else it is a dead letter.")
        return
    try:
        answered = parts.answered_since.leave_out()
    except ChatwootError as error:
        raise click.ClickException(f"what was answered since cannot be seen now, repeat this: {error}") from None
    unfinished = sum(1 for _ in parts.mailbox.unfinished())
    click.echo(f"{answered} messages were answered since; {unfinished} conversations go on, and look before they speak")
