"""Plumbing that any Celery project has. Knows nothing of conversations."""
