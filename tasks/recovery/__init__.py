"""What was dropped is taken up again: dead workers' turns, lost webhooks, customers who wait, dead letters."""
