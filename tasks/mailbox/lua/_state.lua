-- What every script begins with, and what a conversation's state is. Each script works on the keys of one conversation,
-- which share one {shard} tag and so one slot of a cluster. Its ARGV begin with the conversation's id.
--
-- Times are milliseconds of Redis' own clock where nothing else is said: the workers' clocks need not agree.
--
-- KEYS
--   state         hash; its fields are below
--   waiting       sorted set: customers' messages that no turn has answered. Member: JSON of records/incoming.py;
--                 score: Chatwoot's message id. accept, hear, take_back_from_people and requeue put them in; commit,
--                 hear, leave_to_people and forget_message take them out; revise changes them, and puts edits in
--   outbox        list: what is to be done in Chatwoot, the next one first. JSON of records/actions.py
--   seen          sorted set by when it was: message:<id>, source:<source_id> (came in), word:<id> (a person's, came in),
--                 key:<key> (was put into the outbox or scheduled), sent:<key> (Chatwoot told us of it), said:<digest>
--                 (what we said), echo:<id> (looks like a person's, and is none), failed:<id> (is a dead letter)
--   due           sorted set of the shard: conversations by when somebody must look at them. All that are not idle, or
--                 have something scheduled
--   unanswered    sorted set of the shard: conversations by since when their customer has waited for the bot. Whoever
--                 takes them up again does not move it, as it moves `due`
--   dead_letters  hash of the shard: id -> JSON of records/dead_letter.py
--   meanwhile     sorted set like `waiting`: what was said while people had the conversation, for the bot to know
--   later         sorted set by when it is due: `<message id or ''>|<action>`; not if the customer wrote a newer one. Where
--                 the action's key is `<turn>.lapsed`, not if people have decided what that turn asked them
--   later         sorted set by when it is due: `<message id or ''>|<action>`; not if the customer wrote a newer one
--   acts          hash: what tools did once. <id> -> JSON of thinking/acts.py; of:<message> -> ids of what was done in
--                 answer to it. Each for 30 days from when it was touched
--
-- What Lua reads of Python's JSON: an incoming message's `by` (take_back_from_people, revise), `kind`, `edit`, `text` and
-- `attachments` (_steps.lua), an action's `key` (head), a dead letter's `content` (forget.lua), an act's `token` and
-- `result` (intend, did), news (_ownership.lua).
--
-- FIELDS of `state`; one that is missing is '' or 0
--   stage              'idle' | 'queued' | 'thinking' | 'replying'              all that move it: docs/states.md
--   bell               id of the doorbell that may claim the turn                go_on
--   token              who holds the stage: <process>/<random>; '' nobody        claim, begin_sending; freed by many
--   rings              how often the watchdog has rung in vain                   take_up; 0 at each claim
--   first_at           when the first of what waits came                         accept, revise
--   quiet_until        no turn before: the customer is still writing             accept, revise, release
--   unheard            ids of voice notes that wait for a transcript             accept, revise; '' by claim
--   unheard_until      no turn before, if there are any                          accept
--   turn               number of the latest turn                                 claim
--   batch              message ids of the turn at hand, '-' if none; '' not chosen yet    claim; '' by commit
--   given              how the messages of the turn at hand read, as it was told them: <id>=<digest>…   claim, hear
--   reads:<id>         how a message read when a turn answered it: a digest      commit; gone with the message
--   attempts           how often the turn at hand was claimed                    claim
--   overran            how many of these attempts took too long                   release; 0 by claim
--   away_since         since when what the turn's graph needs has been away      release; '' by claim
--   hour               number of the hour in which turns_this_hour are counted   claim
--   turns_this_hour    turns begun in it                                         claim; 0 when handed back
--   told               message ids of `meanwhile` that the turn at hand was told claim
--   awaits             name of the turn whose graph waits for what people decide commit
--   lapses_at          until when, if they say nothing; -1: they have cancelled it; 0: for ever      commit, take_in
--   resume             '1': they have given it back, so that turn goes on        take_in, requeue; '' by commit
--   newest             greatest id of a customer's message                       accept, hear, know
--   ownership          whose it is, and why: JSON                                _ownership.lua
--   owned_by_human     '1': people have it. '0': they do not. '': never told     _ownership.lua
--   signs              what of it shows it as people's, as in ownership, joined by '+'       _ownership.lua
--   over               '1': it is resolved: what waits is nobody's to answer     _ownership.lua
--   asked_at           when Chatwoot was last asked whose it is, since the outbox began          confirm; '' by go_on
--   back_at            when people last gave it back                             take_in
--   look               '1': Chatwoot's list is to be read, though nothing is known to wait      take_in, revise; '' by claim, leave_to_people
--   looked             greatest id up to which Chatwoot's own list was read      hear, looked
--   heard              was it read for the turn at hand? '1'; 'due': it must be  claim, hear
--   awaiting_reply     JSON [[id, message]…] that the outbox answers, until it is posted  commit; '' by settle
--   withheld           '1': a bubble of the turn in the outbox was suppressed    settle; '' by go_on
--   settled            actions settled so far, for ever                          settle
--   there              id of the public message that the outbox's head is, as our own webhook told     saw; 0 by settle
--   tries              how often the outbox's head was begun                     begin_sending, defer
--   not_before         nobody may begin the head before                          release, defer, doubt
--   doubt_until        until when a try of the head may still come true; 0: none may. -1: Chatwoot has not answered
--                      since, so nobody can tell                                 confirm, release, doubt, defer
--   still_in_doubt     ms of that which were left when the head was begun        begin_sending
--   overtakes          '1': of two messages of ours the second may reach the customer first. '0': it cannot. '': its
--                      channel is not known                                      accept, saw, know_channel
--   said               greatest id of a public message of ours                   settle, saw
--   said_at            when we knew of it first                                  settle, saw
--   arrived            greatest id of ours that its channel has, or refused      saw
--   awaits_arrival     the head waits for that message to arrive; 0: for none    defer; begin_sending, saw

local state, waiting, outbox, seen, due, dead_letters, meanwhile, later, unanswered, acts = unpack(KEYS)
local conversation = ARGV[1]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local DAY = 24 * 3600 * 1000
local WEEK_S, MONTH_S = 7 * 24 * 3600, 30 * 24 * 3600

local UNANSWERED = -1 -- of doubt_until

local function field(name) return redis.call('HGET', state, name) or '' end
local function number(name) return tonumber(field(name)) or 0 end
local function set(...) redis.call('HSET', state, ...) end
