"""People as such, whichever their conversations: writing to them first, and forgetting them."""
