"""What a function that makes a graph may ask for, by name: in a worker, in `flask chat`, wherever one is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatwoot.help_center import searching
from settings import GraphSettings

if TYPE_CHECKING:  # LangChain: not for the web process
    from graph.agent.asked import OpeningHours


def offered_to_graphs(settings: GraphSettings, *, opening_hours: OpeningHours | None = None) -> dict[str, Any]:
    """`opening_hours`: where somebody can ask for them."""
    help_center = searching(settings.help_center_url)
    return {**settings.offered, "help_center": help_center, "opening_hours": opening_hours}
