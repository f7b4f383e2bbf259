"""A conversation's mailbox: the truth about what waits, who thinks, and what is to be sent.

    idle -> queued -> thinking -> replying -> (queued | idle)

- `accept` takes a customer's message in, once, and says whether a doorbell must be rung.
- `claim` gives the conversation's turn to one worker, with a token; `commit` ends the turn, for its token only:
  messages leave the mailbox in the same atomic step in which what the turn wants is recorded in the outbox.
- `learn`, and what comes with a customer's message or with Chatwoot's answers, tell whose the conversation is; one
  function decides it (lua/_ownership.lua).
- `begin_sending` and `settle` empty the outbox, one action after the other, by one worker at a time.
- `overdue` and `reclaim_overdue` find what nobody works on any more. What is not idle has a deadline.

Celery's messages are doorbells: one that is lost is rung again, one that comes twice finds nothing to do.
Each step is one Lua script (lua/) on the keys of one conversation, all on one slot. Every call may be repeated without
harm; what ended the first time may be called lost or gone the second.
docs/crash-table.md says what happens when the process dies before or after each step.
"""

from tasks.mailbox.mailbox import Mailbox
from tasks.mailbox.values import (
    NO_DEAD_LETTER,
    NO_LAPSE,
    NO_NEWS,
    Accepted,
    DeadLetterRecord,
    Figures,
    Lapse,
    LeftToPeople,
    Listed,
    News,
    NoSuchDeadLetter,
    NotYet,
    OnItsWay,
    Sending,
    Timing,
    Turn,
    TurnLost,
    WakeSender,
    WakeThinker,
    Whose,
    Word,
)

__all__ = [
    "NO_DEAD_LETTER",
    "NO_LAPSE",
    "NO_NEWS",
    "Accepted",
    "DeadLetterRecord",
    "Figures",
    "Lapse",
    "LeftToPeople",
    "Listed",
    "Mailbox",
    "News",
    "NoSuchDeadLetter",
    "NotYet",
    "OnItsWay",
    "Sending",
    "Timing",
    "Turn",
    "TurnLost",
    "WakeSender",
    "WakeThinker",
    "Whose",
    "Word",
]
