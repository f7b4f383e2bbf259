"""A stand-in for Chatwoot on this machine: its REST API, its webhooks, and switches that break them.

Knows nothing of the product that it tests: it signs, counts and remembers by itself.
"""

from sandbox.server import Sandbox

__all__ = ["Sandbox"]
