"""What lies in Redis, as typed values, and what tasks may be called with. Does nothing with any of it."""
