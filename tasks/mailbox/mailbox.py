"""The mailboxes of an account in Redis: a method for each script of lua/."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import redis

from tasks.mailbox import replies
from tasks.mailbox.keys import Keys
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
    Sending,
    Timing,
    Turn,
    TurnLost,
    WakeSender,
    WakeThinker,
    Whose,
)
from tasks.runtime import failpoints
from tasks.runtime.patience import Patience

_LUA = Path(__file__).parent / "lua"
_BEGIN = ("_state", "_ownership", "_steps")
"""What every script begins with."""
_OF_A_HOLDER = frozenset(
    ("claim", "hear", "intend", "did", "commit", "begin_sending", "confirm", "settle", "defer", "release"),
)
"""The steps of whoever holds a turn or an outbox, or is about to: they wait for a Redis that is away."""
_MOST_MESSAGES_IN_A_TURN = 50


class Mailbox:
    """The mailboxes of one account's conversations, in Redis.

    Raises `redis.RedisError` where Redis is away or full; then nothing has happened, or all of it:
    the same call again is safe. The steps of a turn's and of an outbox's holder wait for Redis first, for a lease.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        account_id: int,
        timing: Timing | None = None,
        shards: int = 16,
        owner: str = "",
    ) -> None:
        """`client` must decode responses. `owner` names this process in its tokens."""
        self._redis = client
        self._keys = Keys(account_id, shards)
        self._timing = timing or Timing()
        self._patience = Patience(self._timing.lease_s)
        self.owner = owner
        begin = "".join((_LUA / f"{name}.lua").read_text() for name in _BEGIN)
        self._scripts = {
            path.stem: client.register_script(begin + path.read_text())
            for path in _LUA.glob("*.lua")
            if not path.stem.startswith("_")
        }

    # -- coming in

    def accept(
        self,
        conversation_id: int,
        message_id: int,
        message: str,
        *,
        source_id: str | None = None,
        news: News = NO_NEWS,
        overtakes: bool | None = None,
        is_unheard: bool = False,
        is_heard_elsewhere: bool = False,
    ) -> Accepted:
        """Keep a customer's message; a message that was seen is dropped.

        `message` says its own id, since two that are equal to the letter are one to Redis. It is given back as it is
        in `Turn.messages`, in the order of the message ids; or in `Turn.earlier`, of a later turn, while people have
        the conversation. `news`: what came with it of whose the conversation is. `overtakes`: as in `know_channel`;
        None: not known. `is_unheard`: a voice note, whose transcript is waited for, and comes by `revise`.
        `is_heard_elsewhere`: another conversation has it, so here it counts as seen.
        """
        bell = _new_id()
        quiet, most, grace = self._ms("quiet_s", "most_quiet_s", "grace_s")
        (transcript,) = self._ms("transcript_s") if is_unheard else (0,)
        what = (message_id, source_id or "", message, bell, quiet, most, grace, _json(news))
        more = (_flag(overtakes), transcript, int(is_heard_elsewhere))
        answer = self._run("accept", conversation_id, *what, *more)
        return Accepted(bool(answer[2]), replies.doorbell(answer, bell) if answer[0] == "ring" else None)

    def know(self, conversation_id: int, message_id: int, message: str, *, whose: Whose = "customers") -> bool:
        """Keep a message for the bot to know, never to answer; once: False where it was seen.

        A note is the team's, and kept where a graph waits for what people decide.
        """
        return bool(self._run("know", conversation_id, message_id, message, whose)[0] == "known")

    def revise(
        self,
        conversation_id: int,
        message_id: int,
        message: str,
        *,
        to_know: str,
        edit: str = "",
        is_heard: bool = True,
    ) -> WakeThinker | WakeSender | None:
        """A customer's message reads otherwise now. One that has not come in is left to come in.

        It is answered as `message`. Where the bot has answered it already, or is about to, `edit` is answered anew, if
        that reads otherwise and the bot has the conversation; else, and where there is none, the next turn is told
        `to_know`, in `Turn.earlier`. `is_heard`: its transcript need not be waited for. Returns whom to ring for: for
        the edit, or who waited for the transcript.
        """
        bell = _new_id()
        what = (message_id, message, to_know, edit, int(is_heard), bell)
        answer = self._run("revise", conversation_id, *what, *self._ms("quiet_s", "most_quiet_s", "grace_s"))
        return replies.revised(answer)

    # -- people

    def learn(
        self, conversation_id: int, news: News, *, message: str = "", opens: str = ""
    ) -> WakeThinker | WakeSender | None:
        """Chatwoot has told whose the conversation is. Where the bot has it again, it goes on: with what the customer
        said since a person last answered, unless it is resolved.

        `message`: what a person wrote, the one word of the news, for the bot to know; `opens`: an action that goes into
        the outbox where that is news.
        """
        bell = _new_id()
        said = (message, opens) if message else ()
        return replies.following(
            self._run("learn", conversation_id, _json(news), bell, *self._ms("grace_s"), *said), bell
        )

    def is_owned_by_human(self, conversation_id: int) -> bool:
        """Whether people have it, as far as we were told."""
        return self._redis.hget(self.state_key(conversation_id), "owned_by_human") == "1"

    def was_the_bots(self, conversation_id: int, *, until: int) -> bool:
        """Whether the bot had it, as far as we were told, until this time of Chatwoot's (ms): whatever shows it as
        people's is that it is open, and no older. What the fields are: lua/_ownership.lua.
        """
        known = json.loads(self._redis.hget(self.state_key(conversation_id), "ownership") or "{}")
        back, word, handed = known.get("back", 0), known.get("word"), known.get("handed", 0)
        if handed == -1 or handed > back or (word and word["at"] >= back):
            return False
        shown = {sign: at for sign, at in known.get("present", {}).items() if at > known.get("all", 0)}
        return all(sign == "status:open" and at >= until for sign, at in shown.items())

    def forget_message(self, conversation_id: int, message_id: int, note: str = "") -> None:
        """The message was deleted: it is not answered any more. `note` comes to the next turn, in `Turn.earlier`."""
        self._run("forget_message", conversation_id, message_id, note, _new_id(), *self._ms("grace_s"))

    def looked(self, conversation_id: int, message_id: int) -> None:
        """Chatwoot's list was read up to this message, and all of it is known."""
        self._run("looked", conversation_id, message_id)

    # -- coming in, from our side

    def enqueue(self, conversation_id: int, key: str, action: str) -> bool:
        """Put an action into the outbox that no turn asked for; once for each key: False where it was."""
        return bool(self._run("enqueue", conversation_id, key, action, *self._ms("grace_s"))[0] == "queued")

    def schedule(
        self, conversation_id: int, key: str, action: str, *, delay_s: float, unless_newer_than: int | None = None
    ) -> None:
        """Put an action into the outbox later, when nothing else is being done there; once for each key.

        `unless_newer_than`: the id of a message; not if the customer has written another one by then.
        """
        self._run("schedule", conversation_id, key, action, int(delay_s * 1000), unless_newer_than or "")

    def saw(
        self,
        conversation_id: int,
        key: str,
        *,
        public_id: int | None = None,
        has_arrived: bool = False,
        overtakes: bool | None = None,
    ) -> WakeSender | None:
        """Chatwoot has told us that the message with our key is there, and perhaps that its channel has it, too.

        `public_id`: its id; None: it is private. `overtakes`: as in `accept`. Returns whom to ring for: what waits for
        that message to arrive.
        """
        what = (key, public_id or 0, int(has_arrived), _flag(overtakes))
        return WakeSender() if self._run("saw", conversation_id, *what)[0] == "send" else None

    def know_channel(self, conversation_id: int, *, overtakes: bool) -> None:
        """`overtakes`: of two messages of ours the second may reach the customer first."""
        self._run("know_channel", conversation_id, int(overtakes))

    def has_seen(self, conversation_id: int, message_id: int) -> bool:
        """Whether the customer's message has come in, whatever became of it."""
        _, _, _, seen, *_ = self._keys.of(conversation_id)
        return self._redis.zscore(seen, f"message:{message_id}") is not None

    def newest(self, conversation_id: int) -> int:
        """The greatest id of a customer's message that has come in; 0: none has."""
        return int(self._redis.hget(self.state_key(conversation_id), "newest") or 0)

    def is_done_with(self, conversation_id: int, message_id: int) -> bool:
        """Whether a turn has answered this message, if only by silence, and nothing of it is still to be done."""
        state, waiting, outbox, seen, _, _, meanwhile, *_ = self._keys.of(conversation_id)
        with self._redis.pipeline() as pipe:
            pipe.zscore(seen, f"message:{message_id}")
            pipe.zcount(waiting, message_id, message_id)
            pipe.zcount(meanwhile, message_id, message_id)
            pipe.llen(outbox)
            pipe.hget(state, "stage")
            was_seen, waits, is_peoples, actions, stage = pipe.execute()
        is_at_rest = stage in (None, "", "idle")
        return was_seen is not None and not (waits or is_peoples or actions) and is_at_rest

    def waiting(self, conversation_id: int) -> set[int]:
        """The ids of the customer's messages that are to be answered."""
        found: list[Any] = self._redis.zrange(self._keys.waiting(conversation_id), 0, -1, withscores=True)
        return {int(id) for _, id in found}

    # -- thinking

    def claim(self, conversation_id: int, bell: str) -> Turn | NotYet | None:
        """Take the conversation's turn; None where the doorbell is stale: somebody else has, or had, the turn."""
        token = self._token()
        answer = self._run("claim", conversation_id, bell, token, *self._ms("lease_s"), _MOST_MESSAGES_IN_A_TURN)
        if answer[0] == "wait":
            return NotYet(answer[1] / 1000)
        if answer[0] != "turn":
            return None
        return replies.turn(conversation_id, token, *answer[1:])

    def hear(
        self, turn: Turn, listed: Sequence[Listed], *, up_to: int, deleted: Sequence[int] = (), news: News = NO_NEWS
    ) -> tuple[Turn | LeftToPeople, int]:
        """Have the turn answer all that waits by now, as Chatwoot's own list shows it, but for what people answered.

        `listed`: customers' messages, people's and their notes, but no others; `up_to`: the greatest id in the list.
        Returns also how many of the customers' messages no webhook had told of.

        Raises:
            TurnLost: the turn is not this worker's any more; nothing was recorded.
        """
        bell = _new_id()
        what: list[str | int] = [up_to, _json(news), len(deleted), *deleted]
        for each in listed:
            what += [each.id, each.by, each.message, each.word.said if each.word else each.source_id, each.opens]
        most = (*self._ms("grace_s"), _MOST_MESSAGES_IN_A_TURN)
        answer = self._run("hear", turn.conversation_id, turn.token, bell, *most, *what)
        if answer[0] == "lost":
            raise TurnLost(turn.conversation_id)
        if answer[0] == "theirs":
            return LeftToPeople(replies.following(answer[1:], bell)), 0
        return replies.turn(turn.conversation_id, turn.token, *answer[1:]), int(answer[0])

    def commit(
        self,
        turn: Turn,
        actions: Sequence[str],
        *,
        dead_letter: DeadLetterRecord = NO_DEAD_LETTER,
        awaits: str = "",
        lapse: Lapse = NO_LAPSE,
        has_learnt: bool = True,
        given_up: Mapping[int, str] = MappingProxyType({}),
    ) -> WakeThinker | WakeSender | None:
        """End the turn: its messages are answered by `actions`, which are to be done in Chatwoot, in this order.

        `awaits`: the turn's name, where its graph waits for what people decide. Once they give the conversation back,
        a turn `resumes` it, if the customer has said nothing that is to be answered. `lapse`: unless they say nothing
        for so long. `has_learnt`: the graph has run, and knows what was said `earlier`; else the next turn is told, and
        what waits for people goes on waiting. `given_up`: messages that are not answered, by id, as the next turn is
        told of them.

        Raises:
            TurnLost: the turn is not this worker's any more; nothing was recorded.
        """
        bell = _new_id()
        letter = (dead_letter.id, dead_letter.record)
        to_know = [part for id, note in given_up.items() for part in (id, note)]
        what: list[str | int] = [*letter, awaits, int(has_learnt), len(given_up), int(lapse.after_s * 1000)]
        what += [lapse.action, *to_know, *actions]
        answer = self._run("commit", turn.conversation_id, turn.token, bell, *self._ms("grace_s"), *what)
        if answer[0] == "lost":
            raise TurnLost(turn.conversation_id)
        return replies.following(answer, bell)

    def intend(self, turn: Turn, id: str, act: str, messages: Sequence[str]) -> str:
        """Record what a tool is about to do, in answer to these messages, by their ids. Returns the record: of an act
        that was done, with its result.

        Raises:
            TurnLost: the turn is not this worker's any more: it must not act.
        """
        answer = self._run("intend", turn.conversation_id, turn.token, id, act, *messages)
        if answer[0] == "lost":
            raise TurnLost(turn.conversation_id)
        return str(answer[1])

    def did(self, turn: Turn, id: str, result: str) -> None:
        """What came of it; "": for certain nothing was done. The turn may be another worker's by now."""
        self._run("did", turn.conversation_id, turn.token, id, result)

    def acts(self, conversation_id: int, messages: Sequence[str]) -> list[str]:
        """The records of what was done in answer to any of these messages. Waits for a Redis that is away."""
        key = self._keys.acts(conversation_id)
        if not messages:
            return []
        found = self._patience(lambda: self._redis.hmget(key, [f"of:{message}" for message in messages]))
        ids = list(dict.fromkeys(id for known in found if known for id in known.split()))
        kept = self._patience(lambda: self._redis.hmget(key, ids)) if ids else []
        return [str(act) for act in kept if act]

    # -- sending

    def begin_sending(self, conversation_id: int) -> Sending | None:
        """Take the head of the outbox; None where there is none, or another worker is at it, or it is to wait."""
        token = self._token()
        answer = self._run("begin_sending", conversation_id, token, *self._ms("lease_s", "doubt_s"))
        return replies.sending(conversation_id, token, *answer[1:]) if answer[0] == "send" else None

    def settle(
        self,
        sending: Sending,
        *,
        dead_letter: DeadLetterRecord = NO_DEAD_LETTER,
        besides: Sequence[str] = (),
        answer: Literal["posted", "suppressed", ""] = "",
        said: int | None = None,
        to_know: str = "",
    ) -> Sending | WakeThinker | None:
        """The action is done, or given up as a dead letter, with other actions `besides`, at the end of the outbox.

        `answer`: of an action that answers a turn's messages, what became of it. Where the first of them is suppressed,
        the messages are people's to answer, and the bot's again if they give the conversation back without an answer.
        `said`: the id of the public message that was made of it; `to_know`: the same as the next turn is told of it.

        Returns the next action, or the doorbell to ring for what the customer wrote meanwhile.

        Raises:
            TurnLost: another worker has taken the outbox over.
        """
        bell = _new_id()
        letter = (dead_letter.id, dead_letter.record)
        told = self._run(
            "settle",
            sending.conversation_id,
            sending.token,
            bell,
            *self._ms("grace_s", "lease_s"),
            sending.number,
            *letter,
            answer,
            said or 0,
            to_know if said else "",
            *besides,
        )
        if told[0] == "lost":
            raise TurnLost(sending.conversation_id)
        if told[0] == "send":
            return replies.sending(sending.conversation_id, sending.token, *told[1:])
        following = replies.following(told, bell)
        return following if isinstance(following, WakeThinker) else None

    def confirm(
        self, sending: Sending, *, news: News | None = None, says: str = "", unless_waiting: bool = False
    ) -> bool:
        """Make sure that the outbox is still this worker's, right before the action. True: people have it.

        `news`: what Chatwoot has just answered. `says`: digest of what is going to be said, as in `Word`.
        `unless_waiting`: True also where a customer's message waits: nobody would answer it afterwards.

        Raises:
            TurnLost: another worker has taken it over: the action is theirs.
        """
        what = (says, _json(news) if news else "", int(unless_waiting))
        answer = self._run("confirm", sending.conversation_id, sending.token, *self._ms("lease_s"), *what)
        if answer[0] == "lost":
            raise TurnLost(sending.conversation_id)
        return bool(answer[1])

    def doubt(self, sending: Sending) -> float:
        """Chatwoot has answered, and shows nothing of an earlier try: give the outbox back until it cannot come.

        Returns in how many seconds that is. It is counted from the first such answer after the try.

        Raises:
            TurnLost: another worker has taken the outbox over.
        """
        answer = self._run("doubt", sending.conversation_id, sending.token, *self._ms("doubt_s", "grace_s"))
        if answer[0] == "lost":
            raise TurnLost(sending.conversation_id)
        return float(answer[1]) / 1000

    # -- both

    def release(
        self,
        held: Turn | Sending,
        *,
        delay_s: float,
        decided: bool = True,
        counts: bool = True,
        away: bool = False,
        overran: bool = False,
        waits: bool = True,
    ) -> WakeThinker | WakeSender | None:
        """Give the turn or the outbox back; it may be taken up again after so long. None: it was lost already.

        `decided`: what was tried did not happen, or is there to be seen; it will not come true later. `counts`: as an
        attempt at the turn. `away`: what the graph needs is, from now on at the latest. `overran`: it took too long.
        `waits`: for a Redis that is away. Whoever does not come back after the delay must ring; the watchdog does, a
        grace later.
        """
        (grace,) = self._ms("grace_s")
        what: list[str | int] = [held.token, int(delay_s * 1000), grace]
        what += [int(not decided), int(not counts), int(away), int(overran)]
        return replies.taken_up(self._run("release", held.conversation_id, *what, waits=waits))

    def defer(self, sending: Sending, *, delay_s: float, awaits: int | None = None) -> float:
        """Give the outbox back before anything was tried: the try does not count. Without effect where it was lost.

        `awaits`: the id of a message of ours; sooner than after the delay where it has arrived. Returns in how many
        seconds the outbox may be taken up again.
        """
        (grace,) = self._ms("grace_s")
        what = (sending.token, int(delay_s * 1000), grace, awaits or 0)
        answer = self._run("defer", sending.conversation_id, *what)
        return answer[1] / 1000 if answer[0] == "send" else delay_s

    def extend(self, conversation_id: int, token: str) -> bool:
        """Say that the holder of the token lives. False: it has lost what it held."""
        return bool(self._run("extend", conversation_id, token, *self._ms("lease_s"))[0] == "held")

    # -- recovery

    def overdue(self) -> Iterator[int]:
        """Conversations whose time has come: their worker is gone, their doorbell lost, or something is due."""
        return self._due_until(self._now_ms())

    def reclaim_overdue(self, conversation_id: int) -> WakeThinker | WakeSender | None:
        """Free an overdue conversation of a holder that is gone, or do what was scheduled until now.

        Of several watchdogs one gets the doorbell.
        """
        return replies.taken_up(self._run("reclaim_overdue", conversation_id, *self._ms("grace_s", "most_grace_s")))

    def reclaim_from_dead(self, conversation_id: int, holder: str) -> WakeThinker | WakeSender | None:
        """Free a conversation of a process that is known to be dead, by its `owner`, before it is overdue."""
        return replies.taken_up(
            self._run("reclaim_from_dead", conversation_id, f"{holder}/", *self._ms("grace_s", "most_grace_s"))
        )

    def unfinished(self) -> Iterator[int]:
        """All conversations that are not idle, or have something scheduled."""
        return self._due_until("+inf")

    def figures(self) -> Figures:
        with self._redis.pipeline(transaction=False) as pipe:
            for shard in range(self._keys.shards):
                pipe.hlen(self._keys.dead_letters(shard))
                pipe.zcard(self._keys.due(shard))
                pipe.zrange(self._keys.due(shard), 0, 0, withscores=True)
                pipe.zrange(self._keys.unanswered(shard), 0, 0, withscores=True)
            found = pipe.execute()
        now = self._now_ms()
        overdue_s, unanswered_s = (_since_the_oldest(found[which::4], now) for which in (2, 3))
        return Figures(sum(found[0::4]), sum(found[1::4]), overdue_s, unanswered_s)

    # -- dead letters

    def dead_letters(self) -> Iterator[DeadLetterRecord]:
        for shard in range(self._keys.shards):
            letters = self._redis.hgetall(self._keys.dead_letters(shard))
            yield from (DeadLetterRecord(str(id), str(record)) for id, record in letters.items())

    def keep_dead_letter(self, conversation_id: int, letter: DeadLetterRecord, *, mark: str = "") -> bool:
        """Keep what failed outside of a turn. With a `mark` once for each: False where that was."""
        return bool(self._run("keep_dead_letter", conversation_id, mark, letter.id, letter.record)[0] == "kept")

    def forget(self, conversation_id: int, *, keep_reasons: bool = False) -> tuple[int, int, int, int]:
        """Forget the conversation: how many messages, actions, records and dead letters there were.

        Whoever holds its turn or its outbox loses it. `keep_reasons`: its dead letters stay, without their content.
        """
        answer = self._run("forget", conversation_id, "content" if keep_reasons else "all")
        messages, actions, records, letters = answer[1:]
        return messages, actions, records, letters

    def requeue_messages(
        self, conversation_id: int, id: str, messages: Mapping[int, str]
    ) -> WakeThinker | WakeSender | None:
        """Put a dead letter's messages, by their ids, back into the mailbox."""
        flat = [word for message_id, message in messages.items() for word in (message_id, message)]
        return self._requeue(conversation_id, id, "messages", *flat)

    def requeue_action(self, conversation_id: int, id: str, action: str) -> WakeThinker | WakeSender | None:
        """Put a dead letter's action back into the outbox."""
        return self._requeue(conversation_id, id, "action", action)

    def discard(self, conversation_id: int, id: str) -> bool:
        """Forget a dead letter. False: there is none of this id."""
        return bool(self._redis.hdel(self._keys.dead_letters(self._keys.shard(conversation_id)), id))

    def _requeue(self, conversation_id: int, id: str, *args: str | int) -> WakeThinker | WakeSender | None:
        kind, *what = args
        bell = _new_id()
        answer = self._run("requeue", conversation_id, id, kind, bell, *self._ms("grace_s"), *what)
        if answer[0] == "gone":
            raise NoSuchDeadLetter(id)
        return replies.following(answer, bell)

    # -- inside

    def _due_until(self, deadline: int | str) -> Iterator[int]:
        with self._redis.pipeline(transaction=False) as pipe:
            for shard in range(self._keys.shards):
                pipe.zrangebyscore(self._keys.due(shard), "-inf", deadline)
            found: Iterable[list[str]] = pipe.execute()
        for conversations in found:
            yield from map(int, conversations)

    def state_key(self, conversation_id: int) -> str:
        return self._keys.state(conversation_id)

    def thread(self, conversation_id: int) -> str:
        """The conversation's LangGraph thread id."""
        return self._keys.thread(conversation_id)

    def _run(self, script: str, conversation_id: int, *args: str | float, waits: bool = True) -> list[Any]:
        step = partial(self._scripts[script], keys=self._keys.of(conversation_id), args=[conversation_id, *args])
        with failpoints.around(script):
            answer = self._patience(step) if waits and script in _OF_A_HOLDER else step()
        return list(answer)

    def _ms(self, *names: str) -> list[int]:
        return [int(getattr(self._timing, name) * 1000) for name in names]

    def _now_ms(self) -> int:
        seconds, microseconds = self._redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    def _token(self) -> str:
        return f"{self.owner}/{_new_id()}"


def _since_the_oldest(of_shards: Iterable[Sequence[tuple[str, float]]], now_ms: int) -> float:
    """Seconds since the first of the times in each shard; 0 where there is none, or it is to come."""
    times = [time_ms for of_shard in of_shards for _, time_ms in of_shard]
    return max(0.0, (now_ms - min(times)) / 1000) if times else 0.0


def _json(news: News) -> str:
    return json.dumps({name: value for name, value in asdict(news).items() if value is not None})


def _flag(value: bool | None) -> str:
    return "" if value is None else str(int(value))


def _new_id() -> str:
    return uuid.uuid4().hex
