"""How Chatwoot is to be set up for us, and the setting up. Knows nothing of conversations, Redis or Celery."""
