"""What has to stand in Chatwoot for webhooks to arrive and be believed: the one place that knows it."""

from __future__ import annotations

from urllib.parse import urlsplit

from chatwoot.installation import Server

PATH = "/webhooks/chatwoot"
"""Where webhook_app takes webhooks in; with a slash and a token behind it those that are not signed."""
EVENTS = ("message_created", "message_updated", "conversation_updated", "conversation_status_changed")
"""What an account webhook must tell of."""

_SIGNS_BOTS = (4, 13)
_TELLS_BOTS = (4, 13)


def signs_bots(server: Server) -> bool:
    """Whether a bot's webhooks are signed; before, a token in their path is the secret."""
    return server.release >= _SIGNS_BOTS


def needs_account_webhook(server: Server) -> bool:
    """Whether bots are not told there who assigns or hands back a conversation."""
    return server.release < _TELLS_BOTS


def webhook_url(base: str, token: str = "") -> str:
    """Where Chatwoot is to post, of a server whose address is `base`."""
    return base.rstrip("/") + PATH + (f"/{token}" if token else "")


def token_in(url: str) -> str:
    """What stands behind our path; empty where nothing does, or the URL is not ours."""
    _, found, token = _path(url).partition(f"{PATH}/")
    return token.strip("/") if found else ""


def leads_to_us(url: str, token: str = "") -> bool:
    """Whether its path is one that webhook_app answers. A proxy may take off what stands before."""
    path = _path(url).rstrip("/")
    return path.endswith(PATH) or (bool(token) and path.endswith(f"{PATH}/{token}"))


def shown(url: str) -> str:
    """Without what may be a secret: its path, and a login."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that is none"
    return f"{parts.scheme}://{parts.hostname}{port}" if parts.hostname else "no address"


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""
