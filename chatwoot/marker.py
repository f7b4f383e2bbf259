"""How a message that we send is marked as ours, so that it is known again and not sent twice.

Chatwoot has no idempotency key. Since 4.9 it keeps any key in `content_attributes` and shows it in answers, lists
and webhooks. Older servers drop that and keep only `external_created_at`, a number that their dashboard shows as the
message's time: there the key's digest stands in the fraction of the second.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chatwoot.versions import release_of

OUR_KEY = "contesta_key"
NUMBER_KEY = "external_created_at"

_FIRST_TO_KEEP_KEYS = (4, 9)
_MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Marker:
    """What to send with a message: the two arguments of `Client.send_message` of the same names."""

    content_attributes: Mapping[str, Any] = field(default_factory=dict)
    external_created_at: float | None = None


def written(key: str, *, version: str | None, at: float) -> Marker:
    """The marker for `key` on a server of `version`; in both forms where the version is not known.

    `at` is the unix time that an older server's dashboard will show.
    """
    if version is None:
        return Marker({OUR_KEY: key}, as_number(key, at))
    if keeps_keys(version):
        return Marker({OUR_KEY: key})
    return Marker(external_created_at=as_number(key, at))


def carries(content_attributes: Mapping[str, Any], key: str) -> bool:
    """Whether a message with these attributes was sent with `key`.

    On servers before 4.9 one message in a million looks like another: compare within one conversation only.
    """
    if content_attributes.get(OUR_KEY) == key:
        return True
    return OUR_KEY not in content_attributes and _fraction(content_attributes) == _digest(key)


def is_marked(content_attributes: Mapping[str, Any], key_name: str = OUR_KEY) -> bool:
    """Whether it was sent by us, with whatever key. Chatwoot's own external times are whole seconds."""
    key = content_attributes.get(key_name)
    return (isinstance(key, str) and key != "") or bool(_fraction(content_attributes))


def keeps_keys(version: str) -> bool:
    """Whether a server of this version keeps our key in `content_attributes`."""
    return release_of(version) >= _FIRST_TO_KEEP_KEYS


def as_number(key: str, at: float) -> float:
    """`at` in whole seconds, with the key's digest as microseconds, which a JSON number still carries exactly."""
    return int(at) + _digest(key) / _MICROSECONDS


def _digest(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) % (_MICROSECONDS - 1) + 1


def _fraction(content_attributes: Mapping[str, Any]) -> int:
    """The microseconds of `external_created_at`; 0 where it is none of ours."""
    value = content_attributes.get(NUMBER_KEY)
    if isinstance(value, bool) or not isinstance(value, float | str):
        return 0
    try:
        number = float(value)
    except ValueError:
        return 0
    return round(number % 1 * _MICROSECONDS) % _MICROSECONDS if math.isfinite(number) else 0
