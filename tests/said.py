"""Messages as the API lists them, so and so old: what a customer wrote, what the bot answered."""

from __future__ import annotations

import time
from typing import Any

from chatwoot.marker import OUR_KEY
from tasks.ownership.answered import written


def customer(id: int, *, age_s: float) -> dict[str, Any]:
    return {"id": id, "message_type": 0, "content": "Hola", "created_at": time.time() - age_s}


def reply(id: int, *answers: int, age_s: float, status: str = "sent") -> dict[str, Any]:
    marks = {OUR_KEY: f"m{id}.0", **written(answers)}
    created_at = time.time() - age_s
    return {"id": id, "message_type": 1, "status": status, "created_at": created_at, "content_attributes": marks}
