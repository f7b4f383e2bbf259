"""All checks, in the order in which one looks for a fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from celery import Celery

from settings import Settings, SettingsError
from tasks.diagnosis.findings import Check, Finding, examine
from tasks.diagnosis.of_chatwoot import OfChatwoot
from tasks.diagnosis.of_graph import OfGraph
from tasks.diagnosis.of_processes import OfProcesses
from tasks.diagnosis.of_redis import OfRedis
from tasks.diagnosis.of_setup import URL, OfSetup
from tasks.diagnosis.of_webhooks import OfWebhooks
from tasks.wiring import Wiring

_REDIS_PATIENCE_S = 2.0


def diagnose(
    read: Callable[[], Settings], app: Celery, *, base_url: str = "", asks_the_model: bool = False
) -> Iterator[Finding]:
    """Look at everything, and say of each thing that it is well or what to do. Never raises.

    Args:
        read: gives the settings, or raises SettingsError.
        app: the Celery app, whose broker is looked at.
        base_url: where Chatwoot should reach us; empty: wherever it posts to.
        asks_the_model: think one turn, which may cost something.
    """
    try:
        settings = read()
    except SettingsError as error:
        yield Finding("settings", "wrong", str(error))
        yield Finding("all else", "not looked at", "first settings")
        return
    yield Finding("settings", "ok", "complete")
    yield from examine(_checks(settings, app, base_url, asks_the_model))


def _checks(settings: Settings, app: Celery, base_url: str, asks_the_model: bool) -> list[Check]:
    parts = Wiring(settings, redis_patience_s=_REDIS_PATIENCE_S)
    chatwoot = OfChatwoot(settings)
    setup = OfSetup(chatwoot, settings, base_url)
    return [
        *OfRedis(parts, app).checks(),
        *OfProcesses(parts).checks(),
        *chatwoot.checks(),
        *setup.checks(),
        *OfWebhooks(settings, setup.urls, after=() if base_url else (URL,)).checks(),
        *OfGraph(settings, asks_the_model=asks_the_model).checks(),
    ]
