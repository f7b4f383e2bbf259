-- What several scripts do to a conversation.

local function watch_until(deadline)
  redis.call('ZADD', due, deadline, conversation)
  redis.call('EXPIRE', due, MONTH_S)
end

-- Seven days after the last thing that happened, nothing of a conversation is left. Dead letters stay for 30, and so
-- does what people have taken over, which is theirs until they give it back, or have given back although it still looks
-- like theirs; and what is scheduled.
local function keep()
  local is_scheduled = redis.call('EXPIRE', later, MONTH_S) == 1
  local is_kept = is_scheduled or is_owned_by_human() or looks_like_peoples()
  for i = 1, 4 do redis.call('EXPIRE', KEYS[i], WEEK_S) end
  if is_kept then redis.call('EXPIRE', state, MONTH_S) end
  redis.call('EXPIRE', meanwhile, MONTH_S)
  redis.call('EXPIRE', dead_letters, MONTH_S)
end

-- Since when the customer has waited for the bot: since the oldest of what waits came, or since people gave it back.
local function note_who_waits()
  local first = redis.call('ZRANGE', waiting, 0, 0, 'WITHSCORES')[2]
  if first then
    local came = tonumber(redis.call('ZSCORE', seen, string.format('message:%.0f', first))) or now
    redis.call('ZADD', unanswered, math.max(came, number('back_at')), conversation)
    redis.call('EXPIRE', unanswered, MONTH_S)
  else
    redis.call('ZREM', unanswered, conversation)
  end
end

-- What is said while people have the conversation is remembered for the bot, the newest 50 messages.
local function remember(id, message)
  redis.call('ZADD', meanwhile, id, message)
  redis.call('ZREMRANGEBYRANK', meanwhile, 0, -51)
  redis.call('EXPIRE', meanwhile, MONTH_S)
end

local function keep_dead_letter(id, letter)
  if id == '' then return end
  redis.call('HSET', dead_letters, id, letter)
  redis.call('HEXPIRE', dead_letters, MONTH_S, 'FIELDS', 1, id)
end

local function keep_act(name, value)
  redis.call('HSET', acts, name, value)
  redis.call('HEXPIRE', acts, MONTH_S, 'FIELDS', 1, name)
  redis.call('EXPIRE', acts, MONTH_S)
end

-- What came of an act; nil where that is not known.
local function result_of_act(id)
  local kept = redis.call('HGET', acts, id)
  local result = kept and cjson.decode(kept)['result']
  return type(result) == 'string' and result or nil
end

-- Whether the bot is to be silent: people have the conversation, or have ended it.
local function is_silenced()
  return (is_owned_by_human() or is_over()) and 1 or 0
end

-- Whether what the bot would say now is not to be said. Of a turn all is, or nothing: where one of its bubbles was
-- suppressed, the customer is answered anew.
local function is_suppressed()
  return (is_silenced() == 1 or field('withheld') == '1') and 1 or 0
end

-- A public message of ours is stored in Chatwoot, which hands it on to its channel.
local function note_said(id)
  if id > number('said') then set('said', id, 'said_at', now) end
end

-- The key of what is to be done next; nil in tests, whose actions may be anything.
local function key_of_head()
  local is_json, values = pcall(cjson.decode, redis.call('LINDEX', outbox, 0) or '')
  return is_json and type(values) == 'table' and values['key'] or nil
end

-- What whoever sends is told of the head of the outbox: {'send', the action, 1 if it is suppressed, actions settled, the id
-- of the public message that it is already, as our own webhook has told us, -1: of which it told no id, 0: it is none; up to which id the list was ever read, whether messages
-- overtake each other here, the newest of ours that has not arrived or 0, and for how long it has not}.
local function head()
  local action = redis.call('LINDEX', outbox, 0)
  local key, there = key_of_head(), 0
  if key and redis.call('ZSCORE', seen, 'sent:' .. key) then
    there = number('there') > 0 and number('there') or -1
  end
  local on_its_way = number('said') > number('arrived') and number('said') or 0
  local told = {'send', action, is_suppressed(), number('settled'), there, number('looked'), field('overtakes')}
  told[8], told[9] = on_its_way, now - number('said_at')
  return told
end

-- What waits while people have the conversation is theirs to answer, and for the bot to know.
local function leave_to_people()
  local found = redis.call('ZRANGE', waiting, 0, -1, 'WITHSCORES')
  for i = 1, #found, 2 do remember(found[i + 1], found[i]) end
  redis.call('DEL', waiting)
  set('batch', '', 'attempts', 0, 'resume', '', 'look', '')
end

-- A message as a table. Tests' messages may be anything.
local function decoded(message)
  local is_json, said = pcall(cjson.decode, message)
  return is_json and type(said) == 'table' and said or {}
end

-- What the customer said anew in a message that was answered before: an edit.
local function is_edit(message)
  return (decoded(message)['edit'] or '') ~= ''
end

-- What the customer chose in a message that was sent to them, or edited: it has that message's id, which says nothing of
-- when.
local function is_later_than_its_id(message)
  return decoded(message)['kind'] == 'choice' or is_edit(message)
end

-- A digest of what a message says: the same where only its status, say, is another.
local function reading(message)
  local said = decoded(message)
  local words = {said['text'] or '', #(said['attachments'] or {})}
  for _, each in ipairs(said['attachments'] or {}) do words[#words + 1] = each['transcript'] or '' end
  return 't' .. string.sub(redis.sha1hex(table.concat(words, '\0')), 1, 16)
end

-- How a message read when a turn of the bot's answered it; '' where none did.
local function answered_reading(id) return field('reads:' .. id) end

local function note_answered(id, how)
  set('reads:' .. id, how)
  redis.call('HEXPIRE', state, WEEK_S, 'FIELDS', 1, 'reads:' .. id)
end

-- What the customer said since a person last answered waits for the bot again.
local function take_back_from_people()
  local found = redis.call('ZRANGE', meanwhile, 0, -1, 'WITHSCORES')
  local word = known_ownership().word -- the graph may have been told of it by now
  local answered = word and word.id or 0
  for i = 1, #found, 2 do
    if cjson.decode(found[i])['by'] == 'person' then answered = math.max(answered, tonumber(found[i + 1])) end
  end
  for i = 1, #found, 2 do
    local is_later = tonumber(found[i + 1]) >= answered or is_later_than_its_id(found[i])
    if cjson.decode(found[i])['by'] == 'customer' and is_later then
      redis.call('ZADD', waiting, found[i + 1], found[i])
      redis.call('ZREM', meanwhile, found[i])
    end
  end
end

-- What a graph has left to people to decide: whether they have said nothing at all since.
local CANCELLED = -1
local function is_silence()
  for _, message in ipairs(redis.call('ZRANGE', meanwhile, 0, -1)) do
    local by = decoded(message)['by']
    if by == 'note' or by == 'person' then return false end
  end
  return true
end

-- Whether it is too late to decide it: they have said nothing for too long, or have resolved the conversation.
local function is_lapsed()
  local at = number('lapses_at')
  return at == CANCELLED or (at > 0 and now >= at and is_silence())
end

-- What they have decided before they resolve it is not done when the customer comes back.
local function cancel_decision()
  set('lapses_at', CANCELLED)
  for _, message in ipairs(redis.call('ZRANGE', meanwhile, 0, -1)) do
    if decoded(message)['by'] == 'note' then redis.call('ZREM', meanwhile, message) end
  end
end

-- The turn of this name waits for what people decide; '': none does. Unless they say nothing for so long, if that is set.
local function await_decision(turn, lapse, told_then)
  set('awaits', turn, 'lapses_at', is_over() and CANCELLED or 0)
  if turn ~= '' and lapse > 0 and not is_over() then
    set('lapses_at', now + lapse)
    redis.call('ZADD', later, now + lapse, '|' .. told_then)
  end
end

-- Take news in, and do what follows from it: where the bot has the conversation again, it goes on with what people have
-- left, and has Chatwoot's list read, which may show more. Returns what `learn` does.
local function take_in(news)
  local change, is_given_back = learn(news)
  if is_over() and field('awaits') ~= '' then cancel_decision() end
  if change == 'given back' then
    set('turns_this_hour', 0, 'back_at', now)
    if not is_over() then
      take_back_from_people()
      if field('awaits') ~= '' then set('resume', '1') end
    end
  end
  if is_given_back and is_silenced() == 0 then set('look', '1') end
  return change
end

-- Whether a person's message says what we said a moment ago: a phone's echo of it, or a bridge's user's.
local function is_echo(word)
  if redis.call('ZSCORE', seen, 'echo:' .. word.id) then return true end
  local said = word.said ~= '' and redis.call('ZSCORE', seen, 'said:' .. word.said)
  if not said or now - said > 600 * 1000 then return false end
  redis.call('ZREM', seen, 'said:' .. word.said)
  redis.call('ZADD', seen, now, 'echo:' .. word.id)
  return true
end

-- What people said, without our own words that came back.
local function without_echoes(words)
  local left = {}
  for _, word in ipairs(words or {}) do
    if not is_echo(word) then left[#left + 1] = word end
  end
  return left
end

-- A person's message comes in. Returns whether for the first time.
local function remember_word(id, message)
  if redis.call('ZSCORE', seen, 'word:' .. id) then return false end
  redis.call('ZADD', seen, now, 'word:' .. id)
  remember(id, message)
  return true
end

-- The team's private note comes in. It is only for a graph that waits for what people decide.
local function hear_note(id, message)
  return field('awaits') ~= '' and not is_lapsed() and remember_word(id, message)
end

-- Whether nobody is at work here, nor called.
local function is_at_rest()
  local stage = field('stage')
  return stage == '' or stage == 'idle'
end

-- Nobody is at work here: look again when the first of what is scheduled is due, if anything is.
local function rest()
  local first = redis.call('ZRANGE', later, 0, 0, 'WITHSCORES')
  if first[2] then watch_until(first[2]) else redis.call('ZREM', due, conversation) end
end

-- Whether what was scheduled is not to be done: the customer has written since, or people have decided.
local function is_called_off(unless_newer_than, action)
  local turn = string.match(decoded(action)['key'] or '', '^(.*)%.lapsed$')
  if turn then
    local at = number('lapses_at') -- asked again meanwhile, it is a later one
    return field('awaits') ~= turn or at == CANCELLED or at > now or not is_silence()
  end
  return unless_newer_than ~= '' and number('newest') > tonumber(unless_newer_than)
end

-- What was scheduled until now is to be done.
local function bring_what_is_due()
  for _, scheduled in ipairs(redis.call('ZRANGEBYSCORE', later, '-inf', now)) do
    local unless_newer_than, action = string.match(scheduled, '^(%d*)|(.*)$')
    if not is_called_off(unless_newer_than, action) then redis.call('RPUSH', outbox, action) end
    redis.call('ZREM', later, scheduled)
  end
end

-- Before that no turn begins: the customer is still writing, or Chatwoot still listening to what they said.
local function ripe_at()
  local listens = field('unheard') ~= '' and field('batch') == ''
  return math.max(number('quiet_until'), listens and number('unheard_until') or 0)
end

-- A stage has ended: send what is to be sent, else queue what waits, else be idle.
-- Returns 'send', or 'ring' with the milliseconds to wait before ringing, or 'idle'.
local function go_on(bell, grace)
  if redis.call('LLEN', outbox) > 0 then
    set('stage', 'replying', 'token', '', 'tries', 0, 'rings', 0, 'not_before', 0, 'doubt_until', 0, 'asked_at', '')
    watch_until(now + grace)
    return {'send', 0}
  end
  if field('withheld') == '1' then
    set('withheld', '')
    if is_silenced() == 0 then take_back_from_people() end -- given back while it was being suppressed
  end
  if is_silenced() == 1 then leave_to_people() end
  note_who_waits()
  if redis.call('ZCARD', waiting) > 0 or field('resume') == '1' or field('look') == '1' then
    local delay = math.max(0, ripe_at() - now)
    set('stage', 'queued', 'bell', bell, 'token', '', 'rings', 0)
    watch_until(now + delay + grace)
    return {'ring', delay}
  end
  set('stage', 'idle', 'bell', '', 'token', '', 'rings', 0)
  rest()
  return {'idle', 0}
end

-- Nobody works on what is not idle: free it of its holder, and look again after a while, each time later. The same bell
-- rings again: a doorbell that is only late keeps its place, and overload does not feed itself.
local function take_up(grace, most)
  local stage = field('stage')
  if stage ~= 'queued' and stage ~= 'thinking' and stage ~= 'replying' then
    bring_what_is_due()
    local next = go_on('', grace)
    keep()
    return next
  end
  local rings = redis.call('HINCRBY', state, 'rings', 1)
  watch_until(now + math.min(grace * 2 ^ math.min(rings, 20), most))
  keep()
  set('token', '')
  if stage == 'replying' then return {'send'} end
  set('stage', 'queued')
  return {'ring', field('bell')}
end

-- What the turn at hand answers, as `claim` and `hear` tell of it: {'turn', number, attempt, turns this hour, what it
-- resumes, what waits for people, whether Chatwoot's list was read for it, up to which id it was ever read, greatest id of a customer's message,
-- for how long what its graph needs has been away or 0, how many attempts took too long, how many follow that were said earlier, these, and its messages}.
local NO_MESSAGES = '-'
local function turn_at_hand()
  local messages, given = {}, {}
  for id in string.gmatch(field('batch'), '%d+') do
    for _, message in ipairs(redis.call('ZRANGEBYSCORE', waiting, id, id)) do
      messages[#messages + 1] = message
      given[#given + 1] = id .. '=' .. reading(message)
    end
  end
  set('given', table.concat(given, ' '))
  local earlier = redis.call('ZRANGE', meanwhile, 0, -1, 'WITHSCORES')
  local resumes = field('batch') == NO_MESSAGES and field('resume') == '1' and field('awaits') or ''
  local turn = {'turn', number('turn'), number('attempts'), number('turns_this_hour'), resumes, field('awaits')}
  turn[7], turn[8], turn[9] = field('heard'), number('looked'), number('newest')
  turn[10], turn[11] = field('away_since') ~= '' and now - number('away_since') or 0, number('overran')
  turn[12] = #earlier / 2
  local told = {}
  for i = 1, #earlier, 2 do
    turn[#turn + 1] = earlier[i]
    told[#told + 1] = string.format('%.0f', earlier[i + 1])
  end
  set('told', table.concat(told, ' '))
  for _, message in ipairs(messages) do turn[#turn + 1] = message end
  return turn
end

-- The oldest of what waits are what the turn answers.
local function choose_batch(most)
  local ids = {}
  local found = redis.call('ZRANGE', waiting, 0, most - 1, 'WITHSCORES')
  for i = 2, #found, 2 do ids[#ids + 1] = string.format('%.0f', found[i]) end
  set('batch', #ids > 0 and table.concat(ids, ' ') or NO_MESSAGES)
end

-- A channel that delivers twice makes two messages, with two ids and one source_id, within minutes.
local function is_twin(source)
  if source == '' then return false end
  local before = tonumber(redis.call('ZSCORE', seen, 'source:' .. source))
  if before and now - before < 600 * 1000 then return true end
  redis.call('ZADD', seen, now, 'source:' .. source)
  return false
end

-- A message that is gone, or answered already: even where its own webhook comes later.
local function drop_message(id)
  redis.call('ZADD', seen, now, 'message:' .. id)
  redis.call('ZREMRANGEBYSCORE', waiting, id, id)
  redis.call('ZREMRANGEBYSCORE', meanwhile, id, id)
  redis.call('HDEL', state, 'reads:' .. id)
end

-- Of what was answered, this is not to be said or left to people any more.
local function drop_from_awaiting_reply(id)
  if field('awaiting_reply') == '' then return end
  local left = {}
  for _, each in ipairs(cjson.decode(field('awaiting_reply'))) do
    if each[1] ~= id then left[#left + 1] = each end
  end
  set('awaiting_reply', #left > 0 and cjson.encode(left) or '')
end

-- A customer's message is to be answered, once they have been quiet for a while. `is_first`: nothing else waits.
local function have_answered(id, message, is_first, quiet, most)
  redis.call('ZADD', waiting, id, message)
  if is_first then set('first_at', now) end
  -- Who waits for an earlier answer has waited longer.
  if not redis.call('ZSCORE', unanswered, conversation) then note_who_waits() end
  set('quiet_until', math.min(now + quiet, math.max(now, number('first_at') + most)))
end

-- A customer's message is seen for the first time; false where it was seen.
local function see_message(id)
  if redis.call('ZSCORE', seen, 'message:' .. id) then return false end
  redis.call('ZADD', seen, now, 'message:' .. id)
  if tonumber(id) > number('newest') then set('newest', id) end
  return true
end
