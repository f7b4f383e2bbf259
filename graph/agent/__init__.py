"""GRAPH=graph.agent:graph: the bundled agent, a chat model with a shop's tools. docs/agent.md leads to one.

It knows no HTTP: what it asks of the help centre and of the inbox it is given as functions.
"""

from graph.agent.factory import PROMPT as PROMPT
from graph.agent.factory import Agent as Agent
from graph.agent.factory import build as build
from graph.agent.factory import graph as graph
