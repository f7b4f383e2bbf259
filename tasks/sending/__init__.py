"""Each action of an outbox done in Chatwoot once, in order. Knows no graph."""
