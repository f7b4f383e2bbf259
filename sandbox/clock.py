"""Times as Chatwoot writes them: ISO strings with milliseconds, and whole seconds where 0 means never."""

import time
from datetime import UTC, datetime


def iso(at: float | None) -> str | None:
    """1795388483.19 -> "2026-11-22T23:01:23.190Z"."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(at: float | None) -> int:
    return int(at or 0)


def first_id() -> int:
    """A number to count ids from that no sandbox of the last four months has reached at 100 ids a second.

    Below half of what Chatwoot's ids may become, 2**31.
    """
    return int(time.time() * 100) % 2**30 + 1
