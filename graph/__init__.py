"""Thinks: text in, outcome out. LangGraph graphs, their loading, and their memory in Redis.

Knows no HTTP, no Chatwoot and no Celery.
"""
