"""Is this webhook really Chatwoot's? Signed since Chatwoot 4.12 (account webhooks) and 4.13 (bots, API inboxes).

The signature is `sha256=` and the hex HMAC-SHA256 of timestamp, a dot and the raw body, keyed with the secret's text.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from chatwoot.errors import SignatureError

TIMESTAMP_HEADER = "X-Chatwoot-Timestamp"
SIGNATURE_HEADER = "X-Chatwoot-Signature"
DELIVERY_HEADER = "X-Chatwoot-Delivery"

_PREFIX = "sha256="
_LONGEST_TIMESTAMP = 20


def verify(
    body: bytes,
    *,
    timestamp: str | None,
    signature: str | None,
    secrets: Sequence[str],
    now: float,
    tolerance_s: float = 300,
) -> None:
    """Return if `body`, byte for byte as received, was signed with one of `secrets` at about `now`.

    Chatwoot signs each attempt anew, so a retried webhook is not refused for its age.

    Raises:
        SignatureError: headers missing or malformed; older or newer than `tolerance_s`; signed with another secret.
    """
    if not timestamp or not signature:
        raise SignatureError("the signature or its timestamp is missing")
    _check_age(timestamp, now=now, tolerance_s=tolerance_s)
    given = _digest_in(signature)
    # Every secret is tried, also after one fitted: the time taken tells nothing about which one it was.
    fits = [hmac.compare_digest(_digest(body, timestamp, secret), given) for secret in secrets if secret]
    if not any(fits):
        raise SignatureError("the signature is wrong")


def sign(body: bytes, *, timestamp: str, secret: str) -> str:
    """The signature header's value, as Chatwoot makes it."""
    return _PREFIX + _digest(body, timestamp, secret).hex()


def _check_age(timestamp: str, *, now: float, tolerance_s: float) -> None:
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= _LONGEST_TIMESTAMP):
        raise SignatureError("the timestamp is malformed")
    age_s = now - int(timestamp)
    if age_s > tolerance_s:
        raise SignatureError("the timestamp is too old")
    if age_s < -tolerance_s:
        raise SignatureError("the timestamp is too new")


def _digest_in(signature: str) -> bytes:
    try:
        digest = bytes.fromhex(signature.removeprefix(_PREFIX))
    except ValueError:
        raise SignatureError("the signature is malformed") from None
    if not signature.startswith(_PREFIX) or len(digest) != hashlib.sha256().digest_size:
        raise SignatureError("the signature is malformed")
    return digest


def _digest(body: bytes, timestamp: str, secret: str) -> bytes:
    return hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256")
