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
  local is_kept = is_scheduled or is_owned_by_human() or field('takeover_evidence') ~= ''
  for i = 1, 4 do redis.call('EXPIRE', KEYS[i], WEEK_S) end
  if is_kept then redis.call('EXPIRE', state, MONTH_S) end
  redis.call('EXPIRE', meanwhile, MONTH_S)
  redis.call('EXPIRE', dead_letters, MONTH_S)
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

-- Whether the bot is to be silent: people have the conversation, or have ended it while a turn was under way.
local function is_silenced()
  return (is_owned_by_human() or field('over') == '1') and 1 or 0
end

-- The head of the outbox, and 1 where Chatwoot has told us already that it is there, by our own webhook.
local function head()
  local action = redis.call('LINDEX', outbox, 0)
  local is_json, values = pcall(cjson.decode, action)
  local key = is_json and type(values) == 'table' and values['key']
  return action, key and redis.call('ZSCORE', seen, 'sent:' .. key) and 1 or 0
end

-- What waits while people have the conversation is theirs to answer, and for the bot to know.
local function leave_to_people()
  local found = redis.call('ZRANGE', waiting, 0, -1, 'WITHSCORES')
  for i = 1, #found, 2 do remember(found[i + 1], found[i]) end
  redis.call('DEL', waiting)
  set('batch', '', 'attempts', 0, 'resume', '')
end

-- What the customer said since a person last answered waits for the bot again.
local function take_back_from_people()
  local found = redis.call('ZREVRANGE', meanwhile, 0, -1, 'WITHSCORES')
  for i = 1, #found, 2 do
    local by = cjson.decode(found[i])['by']
    if by == 'person' then break end
    if by == 'customer' then
      redis.call('ZADD', waiting, found[i + 1], found[i])
      redis.call('ZREM', meanwhile, found[i])
    end
  end
end

-- Nobody is at work here: look again when the first of what is scheduled is due, if anything is.
local function rest()
  local first = redis.call('ZRANGE', later, 0, 0, 'WITHSCORES')
  if first[2] then watch_until(first[2]) else redis.call('ZREM', due, conversation) end
end

-- What was scheduled until now is to be done: unless the customer has written since, where that was the condition.
local function bring_what_is_due()
  for _, scheduled in ipairs(redis.call('ZRANGEBYSCORE', later, '-inf', now)) do
    local unless_newer_than, action = string.match(scheduled, '^(%d*)|(.*)$')
    if unless_newer_than == '' or number('newest') <= tonumber(unless_newer_than) then
      redis.call('RPUSH', outbox, action)
    end
    redis.call('ZREM', later, scheduled)
  end
end

-- A stage has ended: send what is to be sent, else queue what waits, else be idle.
-- Returns 'send', or 'ring' with the milliseconds to wait before ringing, or 'idle'.
local function go_on(bell, grace)
  if redis.call('LLEN', outbox) > 0 then
    set('stage', 'replying', 'token', '', 'tries', 0, 'rings', 0, 'not_before', 0, 'doubt_until', 0)
    watch_until(now + grace)
    return {'send', 0}
  end
  if is_owned_by_human() then leave_to_people() end
  set('over', '')
  if redis.call('ZCARD', waiting) > 0 or field('resume') == '1' then
    local delay = math.max(0, number('quiet_until') - now)
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
