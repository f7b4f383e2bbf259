"""Speaks with Chatwoot: its API, its webhooks, its signatures. Knows no web framework, queue or settings."""
