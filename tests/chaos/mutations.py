"""Break each guard on purpose, in a copy of the project, and see that a test goes red: `make mutations`.

Writes docs/mutations.md; fails if a broken guard went unnoticed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.stack import ROOT

TABLE = ROOT / "docs" / "mutations.md"
MAILBOX = "tests/integration/tasks/test_mailbox.py"
ASKING = "tests/integration/people/test_asking.py"
PEOPLE = "tests/integration/tasks/test_mailbox_people.py"
RECOVERY = "tests/integration/tasks/test_recovery.py"
STEPS = "tests/chaos/test_every_step.py"
TWICE = "tests/chaos/test_nothing_twice.py"
RESTORED = "tests/integration/test_restored.py"
TAKEN_BACK = "tests/integration/people/test_taken_back.py"
PACE = "tests/integration/test_pace.py"
ORDER = "tests/integration/test_order_on_the_phone.py"
ARRIVALS = "tests/integration/tasks/test_mailbox_order.py"
PEOPLE_SEND = "tests/integration/test_what_people_send.py"
TURNS = "tests/integration/graph/test_turns.py"
GIVEN_UP = "tests/integration/test_given_up.py"
ACTS = "tests/integration/graph/test_once.py"
CHECKPOINTS = "tests/integration/graph/test_checkpoint.py"
SUBGRAPHS = "tests/integration/graph/test_subgraphs.py"
STORE = "tests/integration/graph/test_store.py"
KNOWN = "tests/integration/test_known_customers.py"
_AT_ONCE = 4  # each in copies of the project, and most of it is waiting
_HEAD = """\
# Which test notices which broken guard

`make mutations` copies the project, breaks one guard at a time, runs the tests that should notice, and writes this
table: the first test of each file that is red with the guard broken and green without. It fails if there is none.

| guard | in | noticed by |
|---|---|---|
"""


@dataclass(frozen=True)
class Mutation:
    guard: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    """What pytest is to run: files, or ids."""


MUTATIONS = (
    Mutation(
        "A message is accepted once",
        "tasks/mailbox/lua/_steps.lua",
        "if redis.call('ZSCORE', seen, 'message:' .. id) then return false end",
        "",
        (MAILBOX, f"{TWICE}::test_each_webhook_twice_as_accounts_and_as_bots"),
    ),
    Mutation(
        "A message that its channel delivers twice is accepted once",
        "tasks/mailbox/lua/_steps.lua",
        "if before and now - before < 600 * 1000 then return true end",
        "",
        (MAILBOX, f"{TWICE}::test_a_channel_delivers_twice"),
    ),
    Mutation(
        "Late webhooks sort into place",
        "tasks/mailbox/lua/_steps.lua",
        "redis.call('ZADD', waiting, id, message)",
        "redis.call('ZADD', waiting, now, message)",
        (MAILBOX, "tests/chaos/test_in_order.py::test_webhooks_out_of_order_are_answered_in_order"),
    ),
    Mutation(
        "One worker has the turn",
        "tasks/mailbox/lua/claim.lua",
        "if field('stage') ~= 'queued' or field('bell') ~= bell then return {'stale'} end",
        "if field('bell') ~= bell then return {'stale'} end",
        (MAILBOX,),
    ),
    Mutation(
        "Only the holder of the token ends a turn",
        "tasks/mailbox/lua/commit.lua",
        "if field('stage') ~= 'thinking' or field('token') ~= token then return {'lost', 0} end",
        "",
        (MAILBOX, "tests/integration/test_resume.py"),
    ),
    Mutation(
        "Messages leave the mailbox in the step that records the reply: not before",
        "tasks/mailbox/lua/claim.lua",
        "return turn_at_hand()",
        "local turn = turn_at_hand()\n"
        "for id in string.gmatch(field('batch'), '%d+') do redis.call('ZREMRANGEBYSCORE', waiting, id, id) end\n"
        "return turn",
        (MAILBOX, f"{STEPS}::test_worker[think.before]"),
    ),
    Mutation(
        "Messages leave the mailbox in the step that records the reply: not later",
        "tasks/mailbox/lua/commit.lua",
        "redis.call('ZREM', waiting, message)",
        "",
        (MAILBOX, f"{STEPS}::test_worker[settle.after]"),
    ),
    Mutation(
        "The next turn waits until all is sent",
        "tasks/mailbox/lua/_steps.lua",
        "if redis.call('LLEN', outbox) > 0 then",
        "if redis.call('LLEN', outbox) > 0 and redis.call('ZCARD', waiting) == 0 then",
        (MAILBOX,),
    ),
    Mutation(
        "Only the holder of the token settles",
        "tasks/mailbox/lua/settle.lua",
        "if field('stage') ~= 'replying' or field('token') ~= token then return {'lost', 0} end",
        "",
        (MAILBOX,),
    ),
    Mutation(
        "A try is counted before the act",
        "tasks/mailbox/lua/begin_sending.lua",
        "redis.call('HINCRBY', state, 'tries', 1)",
        "set('tries', 1)",
        (MAILBOX, f"{STEPS}::test_worker[post.after]"),
    ),
    Mutation(
        "A message sent by hand is put into the outbox once",
        "tasks/mailbox/lua/enqueue.lua",
        "if redis.call('ZSCORE', seen, 'key:' .. key) then return {'seen'} end",
        "",
        (MAILBOX, f"{STEPS}::test_worker_that_sends_by_hand"),
    ),
    Mutation(
        "Look before posting again",
        "tasks/sending/delivery.py",
        "if self._is_first_try(action, sending):",
        "if True:",
        (f"{TWICE}::test_chatwoot_stored_it_and_said_otherwise[False-500-after-storing-]",),
    ),
    Mutation(
        "What is not to be seen yet may still come true",
        "tasks/sending/delivery.py",
        "if message_id is None and sending.doubt_s > 0:",
        "if message_id is None and sending.doubt_s > 3600:",
        (f"{TWICE}::test_killed_while_chatwoot_is_still_storing",),
    ),
    Mutation(
        "What is said next does not overtake what was said before",
        "tasks/sending/delivery.py",
        "self.order.require_arrival(sending)",
        "pass",
        (f"{ORDER}::test_the_next_turns_words_wait_for_the_last_ones",),
    ),
    Mutation(
        "Who waits for an arrival is rung for when it comes",
        "tasks/mailbox/lua/saw.lua",
        "return {'send'}",
        "return {'seen'}",
        (ARRIVALS,),
    ),
    Mutation(
        "A voice note's turn waits for its transcript",
        "tasks/mailbox/lua/_steps.lua",
        "listens and number('unheard_until') or 0",
        "0",
        (f"{PEOPLE_SEND}::test_a_voice_note_is_answered_by_its_transcript",),
    ),
    Mutation(
        "What another conversation has heard is not answered here",
        "tasks/customers/twins.py",
        "return heard_in is not None and str(heard_in) != str(conversation_id)",
        "return False",
        (f"{PEOPLE_SEND}::test_one_message_in_two_conversations_is_answered_once",),
    ),
    Mutation(
        "What was there before a turn is never its answer",
        "graph/thinking.py",
        "if each.id not in known]",
        "]",
        (TURNS,),
    ),
    Mutation(
        "Nothing comes between a tool call and its answer",
        "graph/thinking.py",
        "if not history.pending_calls(before.messages):",
        "if True:",
        (TURNS,),
    ),
    Mutation(
        "A turn that is given up leaves no trace in the memory",
        "tasks/thinking/turn.py",
        "self.bridge.undo(turn, messages)",
        "pass",
        (GIVEN_UP,),
    ),
    Mutation(
        "What nobody works on is taken up again",
        "tasks/mailbox/lua/reclaim_overdue.lua",
        "if not deadline or deadline > now then return {'nothing'} end",
        "if deadline then return {'nothing'} end",
        (MAILBOX, f"{STEPS}::test_web[accept.after]"),
    ),
    Mutation(
        "Who is in time is left alone",
        "tasks/mailbox/lua/reclaim_overdue.lua",
        "if not deadline or deadline > now then return {'nothing'} end",
        "",
        (MAILBOX,),
    ),
    Mutation(
        "A heartbeat keeps what is held",
        "tasks/mailbox/lua/extend.lua",
        "watch_until(now + tonumber(ARGV[3]))",
        "",
        (MAILBOX,),
    ),
    Mutation(
        "What a dead process held is taken up before it is overdue",
        "tasks/runtime/processes.py",
        "return [owner for owner, number in numbers.items() if number and names.get(number) != owner]",
        "return []",
        (RECOVERY, f"{STEPS}::test_worker_that_inherits"),
    ),
    Mutation(
        "Who is connected is alive, however silent",
        "tasks/runtime/processes.py",
        "if number and names.get(number) != owner]",
        "if number]",
        (RECOVERY,),
    ),
    Mutation(
        "Of a connection to another Redis nobody tells anything",
        "tasks/runtime/processes.py",
        "match[2] if match and match[1] == self._server else",
        "match[2] if match else",
        (RECOVERY,),
    ),
    Mutation(
        "Who does not see itself blames nobody",
        "tasks/runtime/processes.py",
        "if names.get(self._number) != self._owner:",
        "if False:",
        (RECOVERY,),
    ),
    Mutation(
        "A look that fails ends no doubt",
        "tasks/mailbox/lua/release.lua",
        "if number('still_in_doubt') == 0 then",
        "if true then",
        (MAILBOX, f"{TWICE}::test_a_look_fails_while_chatwoot_is_still_storing"),
    ),
    Mutation(
        "Its time begins when Chatwoot has first answered",
        "tasks/mailbox/lua/confirm.lua",
        "set('doubt_until', UNANSWERED)",
        "set('doubt_until', now + 15000)",
        (RECOVERY,),
    ),
    Mutation(
        "What was cut off waits for an answer of Chatwoot's, however long",
        "tasks/mailbox/lua/release.lua",
        "ARGV[5] == '1' and UNANSWERED or 0",
        "ARGV[5] == '1' and now + 5000 or 0",
        (MAILBOX, f"{TWICE}::test_frozen_for_longer_than_storing_may_take[False]"),
    ),
    Mutation(
        "Only what was refused unlooked at is decided",
        "tasks/sending/outbox.py",
        "return isinstance(error, TransientError)",
        "return isinstance(error, TransientError) or error.status in (500, 503)",
        (
            f"{TWICE}::test_a_proxy_gives_up_while_chatwoot_is_still_storing",
            f"{TWICE}::test_a_list_that_lags_behind[500-after-storing]",
        ),
    ),
    Mutation(
        "All that was said after a message is looked through",
        "tasks/runtime/clients.py",
        "if len(page) < _FORWARD:",
        "if True:",
        (f"{TWICE}::test_much_is_said_before_the_post",),
    ),
    Mutation(
        "All that was said since a time is looked through",
        "tasks/runtime/clients.py",
        "if len(page) < _BACKWARD or",
        "if True or",
        (f"{TWICE}::test_much_is_said_between_the_post_and_the_look",),
    ),
    Mutation(
        "An older state of the conversation changes nothing",
        "tasks/mailbox/lua/_ownership.lua",
        "if news.at >= known.at then",
        "if true then",
        (PEOPLE,),
    ),
    Mutation(
        "Who was assigned when people gave it back is not in the way",
        "tasks/mailbox/lua/_ownership.lua",
        "return not since or since > (sign == 'paused' and (known.by_hand or 0) or known.all)",
        "return true",
        (PEOPLE,),
    ),
    Mutation(
        "Who is assigned since then is",
        "tasks/mailbox/lua/_ownership.lua",
        "return not since or since > (sign == 'paused' and (known.by_hand or 0) or known.all)",
        "return not since",
        (PEOPLE,),
    ),
    Mutation(
        "A person's word counts until it is given back after it",
        "tasks/mailbox/lua/_ownership.lua",
        "if known.word and known.word.at >= known.back then return true end",
        "",
        (PEOPLE, f"{ASKING}::TestRightBeforeItSpeaks"),
    ),
    Mutation(
        "Nothing older gives back what is just being handed over",
        "tasks/mailbox/lua/_ownership.lua",
        "if known.handed == -1 then return known.back <= (known.handed_by or 0) + A_MINUTE end",
        "",
        (PEOPLE, f"{ASKING}::test_nothing_older_gives_back_what_could_not_be_dated_at_once"),
    ),
    Mutation(
        "Our own words that come back are nobody's",
        "tasks/mailbox/lua/_steps.lua",
        "redis.call('ZADD', seen, now, 'echo:' .. word.id)",
        "",
        (PEOPLE,),
    ),
    Mutation(
        "Chatwoot is asked right before the bot speaks",
        "tasks/sending/delivery.py",
        "told = asking.news(sending) if asking is not None and is_the_bots_turn else None",
        "told = None",
        (f"{ASKING}::TestRightBeforeItSpeaks",),
    ),
    Mutation(
        "Chatwoot's list is read before a turn is thought",
        "tasks/ownership/hearing.py",
        "if user is None or turn.is_heard or not self._is_needed(turn):",
        "if True:",
        (f"{ASKING}::TestRightBeforeItThinks",),
    ),
    Mutation(
        "A turn that is tried again is not heard again",
        "tasks/mailbox/lua/hear.lua",
        "set('heard', '1')",
        "",
        (PEOPLE,),
    ),
    Mutation(
        "Who lost the turn writes no memory",
        "graph/checkpoint.py",
        "if ARGV[1] ~= '' and redis.call('HGET', KEYS[3], ARGV[1]) ~= ARGV[2] then return 0 end",
        "",
        (CHECKPOINTS, "tests/integration/test_resume.py"),
    ),
    Mutation(
        "Who lost the turn puts nothing into the store",
        "graph/store.py",
        "if ARGV[1] ~= '' and redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end",
        "",
        (STORE, f"{KNOWN}::TestForgotten::test_a_turn_under_way_does_not_bring_it_back"),
    ),
    Mutation(
        "Whatever thread of a turn puts it there",
        "graph/thinking.py",
        'return self.graph.copy(update={"store": self.graph.store.fenced(fence)})',
        "return self.graph",
        (STORE, f"{KNOWN}::TestForgotten::test_a_turn_under_way_does_not_bring_it_back"),
    ),
    Mutation(
        "What a subgraph's run left goes with the step that ran it",
        "graph/checkpoint.py",
        "  drop_subgraphs(is_to_go)",
        "",
        (SUBGRAPHS,),
    ),
    Mutation(
        "But not what people may still decide on",
        "graph/checkpoint.py",
        "  drop_subgraphs(is_to_go)",
        "  drop_subgraphs(function(id) return id < ARGV[5] end)",
        (SUBGRAPHS,),
    ),
    Mutation(
        "A client for each thread",
        "graph/checkpoint.py",
        'client: redis.Redis | None = getattr(self._threads, "client", None)',
        'client: redis.Redis | None = self.__dict__.setdefault("one", redis.Redis(connection_pool=self._pool))',
        (CHECKPOINTS,),
    ),
    Mutation(
        "A lost webhook is looked for",
        "tasks/recovery/lost_webhooks.py",
        "return sum(self._accept(conversation, message)",
        "return 0 and sum(self._accept(conversation, message)",
        ("tests/integration/test_reconcile.py", f"{STEPS}::test_web_before_it_accepts"),
    ),
    Mutation(
        "What people keep back is theirs to answer",
        "tasks/mailbox/lua/settle.lua",
        "if ARGV[9] == 'suppressed' and",
        "if false and",
        (
            "tests/integration/tasks/test_mailbox_people.py",
            "tests/integration/people/test_humans.py::test_what_was_withheld_is_answered_if_people_give_it_back_so",
        ),
    ),
    Mutation(
        "People are looked for right before each post",
        "tasks/sending/delivery.py",
        "if self.mailbox.confirm(sending, news=told, says=says, unless_waiting=ends) and is_the_bots_turn:",
        "if False:",
        ("tests/integration/people/test_humans.py::test_who_writes_while_we_look_for_an_earlier_try_was_quicker",),
    ),
    Mutation(
        "A worker survives the restart of its broker",
        "tasks/celery.py",
        "broker.mend()",
        "",
        ("tests/chaos/test_redis_killed.py::test_a_restart_under_running_tasks",),
    ),
    Mutation(
        "A text is escaped after what Chatwoot does not take is gone",
        "chatwoot/liquid.py",
        'return _HIDDEN_OPENING.sub("{" + INVISIBLE_SPACE, text).replace("\\0", "")',
        'return text.replace("\\0", "")',
        ("tests/unit/tasks/thinking/test_text.py",),
    ),
    Mutation(
        "What people decided before they resolved it is not done when the customer comes back",
        "tasks/mailbox/lua/_steps.lua",
        "if is_over() and field('awaits') ~= '' then cancel_decision() end",
        "",
        (MAILBOX, "tests/integration/people/test_decisions.py"),
    ),
    Mutation(
        "Too late it cannot be decided any more",
        "tasks/mailbox/lua/_steps.lua",
        "return field('awaits') ~= '' and not is_lapsed() and remember_word(id, message)",
        "return field('awaits') ~= '' and remember_word(id, message)",
        (MAILBOX, "tests/integration/people/test_decisions.py"),
    ),
    Mutation(
        "A note to people is no template, whoever it quotes",
        "tasks/records/actions.py",
        "content=liquid.escaped(text)",
        "content=text",
        ("tests/unit/tasks/recovery/test_undelivered.py",),
    ),
    Mutation(
        "From a replica, connections are made anew",
        "tasks/runtime/broker.py",
        "return Retry(NoBackoff(), 1,",
        "return Retry(NoBackoff(), 0,",
        ("tests/integration/test_failover.py::TestAnotherBecomesTheMaster",),
    ),
    Mutation(
        "Who holds a turn waits for a Redis that is away",
        "tasks/mailbox/mailbox.py",
        "answer = self._patience(step) if waits and script in _OF_A_HOLDER else step()",
        "answer = step()",
        (
            "tests/integration/tasks/test_patience.py",
            "tests/chaos/test_redis_killed.py::TestAShortOutageCostsItsLength",
        ),
    ),
    Mutation(
        "So does what the graph remembers",
        "graph/checkpoint.py",
        "return patience(step)",
        "return step()",
        (
            "tests/integration/tasks/test_patience.py",
            "tests/chaos/test_redis_killed.py::TestAShortOutageCostsItsLength",
        ),
    ),
    Mutation(
        "Who has been answered does not show as waiting",
        "tasks/mailbox/lua/_steps.lua",
        "leave_to_people() end\n  note_who_waits()",
        "leave_to_people() end",
        ("tests/integration/tasks/test_mailbox_machine.py", "tests/integration/test_metrics.py"),
    ),
    Mutation(
        "What Chatwoot opened because of us is taken back",
        "tasks/runtime/outages.py",
        "local is_outage = last and",
        "local is_outage = false and",
        (TAKEN_BACK,),
    ),
    Mutation(
        "What a person has opened is not",
        "tasks/recovery/taken_back.py",
        "if was_the_bots and not self._names_somebody(activity.content)",
        "if was_the_bots",
        (TAKEN_BACK,),
    ),
    Mutation(
        "Nor what the bot itself has handed over meanwhile",
        "tasks/recovery/taken_back.py",
        "if was_the_bots and not self._names_somebody(activity.content)",
        "if not self._names_somebody(activity.content)",
        (TAKEN_BACK,),
    ),
    Mutation(
        "Nor where a person has written or noted something",
        "tasks/recovery/taken_back.py",
        "any(_is_by_people(each, since=outage.earliest) for each in messages)",
        "False",
        (TAKEN_BACK,),
    ),
    Mutation(
        "What a graph wants and cannot be is the graph's failure",
        "graph/wants.py",
        "        _require_json(want)\n        return want",
        "        return want",
        (
            "tests/integration/test_what_we_say.py::test_who_wants_what_cannot_be_is_not_asked_again_and_people_are_told_why",
        ),
    ),
    Mutation(
        "What is no message ends no worker",
        "tasks/runtime/broker.py",
        "    except _NOT_A_MESSAGE as error:",
        "    except ZeroDivisionError as error:",
        ("tests/integration/test_not_a_message.py::test_what_is_not_even_json",),
    ),
    Mutation(
        "Who is ready has kept something",
        "tasks/runtime/requirements.py",
        'client.eval(_KEEP, 1, f"contesta:{{00}}:{account_id}:ready")',
        "client.ping()",
        ("tests/integration/test_requirements.py::TestReady",),
    ),
    Mutation(
        "A database serves one account",
        "tasks/runtime/requirements.py",
        'if owner not in ("", str(account_id)):',
        "if False:",
        ("tests/integration/test_requirements.py::test_nothing_starts_on_another_accounts_broker",),
    ),
    Mutation(
        "The broker's certificate is verified",
        "tasks/runtime/broker.py",
        '"ssl_cert_reqs": "required", **options',
        '"ssl_cert_reqs": "none", **options',
        ("tests/integration/test_redis_addresses.py::TestWhoIsNotProven::test_of_an_unknown_ca",),
    ),
    Mutation(
        "What a restored copy has to say is looked for",
        "tasks/sending/delivery.py",
        "and not self.restoration.is_doubtful(action)",
        "",
        (RESTORED,),
    ),
    Mutation(
        "What was answered after the copy was made waits no more",
        "tasks/recovery/restoration.py",
        "for message_id in done:",
        "for message_id in ():",
        (RESTORED,),
    ),
    Mutation(
        "What was asked for long before Redis was restored is not said any more",
        "tasks/recovery/restoration.py",
        "if action.asked_at < at - self.horizon_s:",
        "if False:",
        (RESTORED,),
    ),
    Mutation(
        "Who writes goes before who was found",
        "tasks/runtime/rate_limit.py",
        "while not self._exactly.hit(",
        "while False and not self._exactly.hit(",
        (f"{PACE}::TestAllTheWay::test_who_writes_goes_before_who_was_found",),
    ),
    Mutation(
        "Who hangs makes room for others",
        "tasks/runtime/rate_limit.py",
        "local is_free = working < all and",
        "local is_free = redis.call('ZCARD', slots) < all and",
        (f"{PACE}::TestAllTheWay::test_who_hangs_holds_up_nobody",),
    ),
    Mutation(
        "A Chatwoot that hangs altogether is asked no more",
        "tasks/runtime/rate_limit.py",
        "and redis.call('ZCARD', slots) < most",
        "",
        (f"{PACE}::TestWhoHangs",),
    ),
    Mutation(
        "Of those that are known to hang there are no more than slots",
        "tasks/runtime/rate_limit.py",
        "is_free = like_it < all",
        "is_free = true",
        (f"{PACE}::TestWhoHangs",),
    ),
    Mutation(
        "A Chatwoot that is slow altogether is given its time",
        "tasks/runtime/rate_limit.py",
        "patience = math.max(tonumber(patience), tonumber(ARGV[7]) * usual_s)",
        "patience = tonumber(patience)",
        (f"{PACE}::TestWhoHangs",),
    ),
    Mutation(
        "One broken conversation hides no other",
        "tasks/recovery/scan.py",
        "unanswered = unanswered + 1 if error.status in _AWAY else 0",
        "unanswered += 1",
        ("tests/unit/tasks/recovery/test_scan.py",),
    ),
    Mutation(
        "What is said to a customer's silence is not said to who writes in another conversation",
        "tasks/sending/delivery.py",
        "if self.elsewhere.has_written(customer, since=since, but=sending.conversation_id):",
        "if False:",
        ("tests/integration/test_what_we_say.py::test_nor_to_who_writes_in_another_conversation",),
    ),
    Mutation(
        "A label on the contact has the bot leave it alone",
        "tasks/ownership/decision.py",
        "if policy.leaves_alone(event.contact_id, _said_at(event)):",
        "if False:",
        ("tests/unit/tasks/ownership/test_decision.py",),
    ),
    Mutation(
        "An edit is answered once, however often it is told of",
        "tasks/mailbox/lua/revise.lua",
        "if is_answered_anew and was ~= reading(message) then",
        "if is_answered_anew then",
        (MAILBOX,),
    ),
    Mutation(
        "What was edited while it was thought is answered as it reads",
        "tasks/mailbox/lua/commit.lua",
        "is_edit(message) and reading(message) ~= given",
        "false",
        (MAILBOX,),
    ),
    Mutation(
        "Who lost the turn does not act",
        "tasks/mailbox/lua/intend.lua",
        "if field('stage') ~= 'thinking' or field('token') ~= token then return {'lost'} end",
        "",
        (MAILBOX, ACTS),
    ),
    Mutation(
        "What was done is not done again",
        "graph/once.py",
        "        if act.is_done:\n            return call.result_of(act.result)\n",
        "",
        (ACTS, "tests/chaos/test_acts_once.py::test_killed_where_it_can_be_told"),
    ),
    Mutation(
        "What may have been done is not done again",
        "graph/once.py",
        "if not is_new and not act.is_done:",
        "if False:",
        (ACTS, "tests/chaos/test_acts_once.py::test_killed_where_only_people_can_tell"),
    ),
    Mutation(
        "Nor where a graph takes that for a failure",
        "graph/acts.py",
        "        yield\n        acts.require_clear()\n    except Exception:\n        acts.require_clear()\n",
        "        yield\n    except Exception:\n",
        (ACTS,),
    ),
    Mutation(
        "An act of a saved step is no other one",
        "graph/checkpoint.py",
        'document["metadata"][SAVED] = acts.contained(namespace, checkpoint["id"])',
        'document["metadata"][SAVED] = []',
        (ACTS,),
    ),
    Mutation(
        "An act of a step that was cut short is known when that runs again",
        "graph/acts.py",
        "if place.bases.get(namespace, checkpoint) < checkpoint",
        "if True",
        (ACTS,),
    ),
    Mutation(
        "What was done is known by each message that it answers",
        "graph/thinking.py",
        "known = before.answers if self._goes_on(before, turn_id) else []",
        "known = []",
        (ACTS,),
    ),
    Mutation(
        "People are told of what no answer speaks of",
        "graph/thinking.py",
        "left = run.acts.left() if run.acts is not None and not asked and not waits else []",
        "left = []",
        (ACTS,),
    ),
)


def main() -> int:
    unnoticed = 0
    lines = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for mutation, red in zip(MUTATIONS, pool.map(_noticed_by, MUTATIONS), strict=True):
            unnoticed += not red
            names = "<br>".join(f"`{name}`" for name in red) or "**nothing**"
            lines.append(f"| {mutation.guard} | `{mutation.file}` | {names} |\n")
            print(lines[-1], end="", flush=True)
    TABLE.write_text(_HEAD + "".join(lines))
    return 1 if unnoticed else 0


def _noticed_by(mutation: Mutation) -> list[str]:
    """The tests that are red with the guard broken and green without: the first of each named file or test."""
    with tempfile.TemporaryDirectory(prefix="contesta-mutation-") as directory:
        whole, broken = Path(directory) / "whole", Path(directory) / "broken"
        for copy in (whole, broken):
            _copy(copy)
        _break(broken / mutation.file, mutation)
        red = [name for tests in mutation.tests if (name := _first_red(broken, tests))]
        return [name for name in red if not _first_red(whole, name)]


def _copy(to: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, to / name)


def _break(file: Path, mutation: Mutation) -> None:
    """Raises SystemExit where the guard is not in the file any more: then this list is to be mended."""
    text = file.read_text()
    if text.count(mutation.old) != 1:
        raise SystemExit(f"{mutation.file}: the guard {mutation.old!r} is there {text.count(mutation.old)} times")
    file.write_text(text.replace(mutation.old, mutation.new))


def _first_red(project: Path, tests: str) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--tb=no", "-p", "no:cacheprovider", tests]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stdout + done.stderr)
    found = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    return found.group(1) if found else ""


if __name__ == "__main__":
    sys.exit(main())
