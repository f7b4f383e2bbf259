-- A customer's message comes in, once. ARGV: conversation, message id, source id or '', message, bell,
-- milliseconds of quiet to wait for, at most so many in all, grace, what in Chatwoot's own snapshot shows that people
-- have the conversation (such as "assigned+status:open") or '', and that snapshot's time.
local id, source, message, bell = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local quiet, most, grace = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local evidence, stamp = ARGV[9], ARGV[10]

local is_new = not redis.call('ZSCORE', seen, 'message:' .. id)
if is_new then
  redis.call('ZADD', seen, now, 'message:' .. id)
  if tonumber(id) > number('newest') then set('newest', id) end
  if tonumber(stamp) > number('customer_at') then set('customer_at', stamp) end
end

-- A channel that delivers twice makes two messages, with two ids and one source_id, within minutes.
if is_new and source ~= '' then
  local before = tonumber(redis.call('ZSCORE', seen, 'source:' .. source))
  if before and now - before < 600 * 1000 then return {'seen', 0} end
  redis.call('ZADD', seen, now, 'source:' .. source)
end
redis.call('ZREMRANGEBYSCORE', seen, '-inf', now - 7 * DAY)

local stage = field('stage')
local is_idle = stage == '' or stage == 'idle'
local news = learn_from_snapshot(stamp, evidence)
if news == 'handed back' then take_back_from_people() end
if news then keep() end
-- Whoever tells us again of what we know may be the first to tell that we have it back.
if news == 'handed back' and not is_new and is_idle then
  local next = go_on(bell, grace)
  next[3] = 0
  return next
end
if not is_new then return {'seen', 0} end
if is_owned_by_human() then
  remember(id, message)
  keep()
  return {'owned by human', 0}
end

if redis.call('ZCARD', waiting) == 0 then set('first_at', now) end
redis.call('ZADD', waiting, id, message)
set('quiet_until', math.min(now + quiet, math.max(now, number('first_at') + most)))
keep()

if is_idle then return go_on(bell, grace) end
return {'waiting', 0}
