"""The chat page: the customer's phone and the agent's desk, in one browser window."""
