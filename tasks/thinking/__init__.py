"""One turn: from what waits in the mailbox to the actions that the graph wants. Posts nothing itself."""
