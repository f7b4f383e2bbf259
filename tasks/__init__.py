"""Queues and ties together: the conversation's mailbox and turn, and the Celery tasks that move them.

Importing it loads no LangGraph: the web process enqueues, it does not think.
"""
