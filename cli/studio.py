"""The bundled agent for LangGraph's own tools, which take a factory without arguments: `langgraph.json` names it.

They load it by its path, and read `.env` themselves.
"""

from __future__ import annotations

import asyncio

import settings
from graph import agent
from tasks.thinking.offered import offered_to_graphs


async def make_graph() -> agent.Agent:
    """As a worker has it, without opening hours. Made on a thread: `langgraph dev` lets nothing block its event loop.

    Raises:
        SettingsError: they, or others of a graph's, are malformed.
        GraphError: MODEL is not set, or its provider's package or key is missing.
    """
    return await asyncio.to_thread(_made)


def _made() -> agent.Agent:
    return agent.graph(**offered_to_graphs(settings.of_the_graph()))
