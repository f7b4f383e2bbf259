"""`flask chat`: the graph that GRAPH names, in a terminal. No Chatwoot, no Celery, no Redis."""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Iterator
from typing import Any

import click
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.memory import InMemoryStore

import settings
from chatwoot.channels import CHANNELS, channel
from cli import shown
from cli.talk import Talk
from graph.answers import NothingSaid
from graph.context import Conversation
from graph.loader import GraphError
from graph.outcome import BadWant, Outcome
from graph.thinking import Thinker
from settings import GraphSettings, SettingsError
from tasks.thinking.offered import offered_to_graphs

_HELP = """{graph} answers. The team's words: /note decides what the graph asks them, /person is said to the customer,
/back gives the conversation back to the bot. Ctrl-D ends."""


@click.command()
@click.option("--graph", help="package.module:attribute or path/to/file.py:attribute, instead of GRAPH.")
@click.option("--name", help="The contact's name.")
@click.option("--phone", help="In international form.")
@click.option("--email")
@click.option("--identifier", help="What the business calls the contact.")
@click.option("--language", help="Such as es.")
@click.option("--channel", "channel_type", help="Such as whatsapp, or Channel::Whatsapp.")
@click.option("--subject", help="An e-mail's.")
@click.option("--label", "labels", multiple=True, help="Of the conversation. May be repeated.")
@click.option("--attribute", "attributes", multiple=True, metavar="NAME=VALUE", help="The conversation's.")
@click.option("--contact-attribute", "contact_attributes", multiple=True, metavar="NAME=VALUE", help="The contact's.")
def chat(graph: str | None, **about: Any) -> None:
    """Talk to your graph as a customer: what it says, and what else it wants.

    A line is a message. Lines that begin with /note, /person or /back are the team's: see the first lines.
    """
    conversation = _conversation(**about)
    try:
        configured = settings.of_the_graph()
        talk = _talk(configured.model_copy(update={"graph": graph} if graph else {}), conversation)
    except (SettingsError, GraphError) as error:
        raise click.ClickException(str(error)) from None
    if sys.stdin.isatty():
        click.echo(_HELP.format(graph=graph or configured.graph))
    try:
        for line in _typed():
            _take(talk, line)
    except KeyboardInterrupt:
        click.echo()


def _talk(configured: GraphSettings, about: Conversation) -> Talk:
    memory = InMemorySaver()
    thinker = Thinker.of(configured, memory, InMemoryStore(), offered=offered_to_graphs(configured))
    return Talk(thinker, memory, about)


def _typed() -> Iterator[str]:
    """Line by line, until the end of what is typed or piped. What is piped is shown, as what is typed is."""
    if not sys.stdin.isatty():
        for line in sys.stdin:
            click.echo(f"you: {line.rstrip()}")
            yield line.strip()
        return
    import readline  # noqa: F401 - input() edits lines with it

    while True:
        try:
            yield input("you: ").strip()
        except EOFError:
            click.echo()
            return


def _take(talk: Talk, line: str) -> None:
    """An error of the graph's is shown whole, and ends nothing."""
    command, _, words = line.partition(" ")
    try:
        if not line:
            return
        if command == "/note":
            talk.note(words)
        elif command == "/person":
            talk.person(words)
        elif command == "/back":
            _show(talk.give_back())
        elif talk.people_have_it:
            talk.customer(line)
            click.echo("(people have the conversation, the bot is silent: /back gives it back)")
        else:
            _show(talk.customer(line))
    except NothingSaid as error:
        click.echo(f"-> nothing said: {error}. A worker thinks once more, unless a tool has run; then people are told.")
    except BadWant as error:
        click.echo(f"-> wants what cannot be: {error}. Nothing of the turn is said, and people are told.")
    except Exception as error:  # noqa: BLE001 - a graph is a user's code and may raise anything
        click.echo(
            f"-> failed: {type(error).__name__}. The memory is what it was, and your words come with the next turn."
        )
        click.echo(traceback.format_exc(), err=True, nl=False)


def _show(outcome: Outcome) -> None:
    for line in shown.lines(outcome):
        click.echo(line)


def _conversation(
    *,
    name: str | None,
    channel_type: str | None,
    phone: str | None,
    labels: tuple[str, ...],
    attributes: tuple[str, ...],
    contact_attributes: tuple[str, ...],
    email: str | None,
    identifier: str | None,
    language: str | None,
    subject: str | None,
) -> Conversation:
    """As Chatwoot would tell of it."""
    channels = {each.removeprefix("Channel::").casefold(): each for each in CHANNELS}
    channel_type = channels.get((channel_type or "").casefold(), channel_type)
    hours = channel(channel_type).window_hours
    return Conversation(
        account_id=1,
        conversation_id=1,
        inbox_id=1,
        contact_id=1,
        contact_name=name,
        phone_number=phone,
        channel=channel_type,
        window_open_until=time.time() + hours * 3600 if hours else None,
        labels=labels,
        conversation_attributes=_pairs(attributes),
        contact_attributes=_pairs(contact_attributes),
        email=email,
        identifier=identifier,
        language=language,
        subject=subject,
    )


def _pairs(texts: tuple[str, ...]) -> dict[str, Any]:
    """`size=42` is a number, as it would be in Chatwoot, and `size=large` a text."""
    pairs = [text.partition("=") for text in texts]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise click.UsageError(f"write {wrong[0]}=VALUE")
    return {name: _value(text) for name, _, text in pairs}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
