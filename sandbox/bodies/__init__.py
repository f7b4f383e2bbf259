"""JSON as Chatwoot writes it: `rest` answers, `webhooks` are posted; the other rooms serve both."""
