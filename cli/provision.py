"""`flask provision --url https://bot.example.com`: the agent bot and the webhook in Chatwoot, and their settings."""

from __future__ import annotations

from urllib.parse import urlsplit

import click

import settings
from chatwoot.administration import Administration
from chatwoot.errors import ChatwootError
from settings import AccountSettings, SettingsError
from tasks.installation.provision import CannotProvision, Provisioned, Provisioner


def _address(context: click.Context, option: click.Parameter, value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise click.BadParameter("begins with https://, and ends before /webhooks")
    return value


@click.command()
@click.option("--url", required=True, callback=_address, help="Where Chatwoot reaches us: https://bot.example.com")
@click.option("--name", default="Contesta", show_default=True, help="What bot and webhook are called in Chatwoot.")
@click.option("--show-secrets", is_flag=True, help="Show the token and the secrets, too: `>> .env` takes all of it.")
def provision(url: str, name: str, show_secrets: bool) -> None:
    """Set us up in Chatwoot: the agent bot, on the inboxes of the settings, and the account webhook. Safe to repeat.

    Needs an administrator's CHATWOOT_API_TOKEN. The settings that follow are all that is written to stdout.
    """
    try:
        account = settings.of_the_account()
        with _client(account) as client:
            done = Provisioner(
                client=client,
                inbox_ids=account.answered_inbox_ids,
                inbox_id=account.chatwoot_inbox_id,
                base_url=url,
                name=name,
                token=account.chatwoot_webhook_token,
            ).provision()
    except (SettingsError, CannotProvision, ChatwootError) as error:
        raise click.ClickException(str(error)) from None
    _tell(done)
    _print(done, show_secrets)


def _client(account: AccountSettings) -> Administration:
    if not account.chatwoot_api_token:
        raise SettingsError("set CHATWOOT_API_TOKEN to an administrator's token (Profile Settings in Chatwoot)")
    return Administration(
        account.chatwoot_api_url,
        account.chatwoot_account_id,
        account.chatwoot_api_token,
        read_timeout_s=account.chatwoot_timeout_seconds,
    )


def _tell(done: Provisioned) -> None:
    for change in done.changes:
        click.echo(change, err=True)
    if not done.changes:
        click.echo("Nothing was changed: all is as it should be.", err=True)


def _print(done: Provisioned, show_secrets: bool) -> None:
    """What is hidden is a comment, so that no setting becomes it by mistake."""
    for name, value in done.public.items():
        click.echo(f"{name}={value}")
    for name, value in done.secret.items():
        click.echo(f"{name}={value}" if show_secrets else f"# {name}=…  (--show-secrets)")
