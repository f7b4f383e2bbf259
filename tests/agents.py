"""GRAPH=tests.agents:graph: the bundled agent by its own settings, with a model that is at CHAT_API_URL."""

from __future__ import annotations

import os

from langchain_core.language_models import BaseChatModel

from graph.agent import factory
from tests.chat_api import HttpModel


def _model(_: str) -> BaseChatModel:
    return HttpModel(url=os.environ["CHAT_API_URL"])


factory._model = _model
graph = factory.graph
