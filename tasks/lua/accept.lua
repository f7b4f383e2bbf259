-- A customer's message comes in, once. ARGV: conversation, message id, source id or '', message, bell,
-- milliseconds of quiet to wait for, at most so many in all, grace, why Chatwoot's own snapshot says that it is not for
-- the bot or '', and that snapshot's time.
local id, source, message, bell = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local quiet, most, grace = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local refused, at = ARGV[9], tonumber(ARGV[10])

if redis.call('ZSCORE', seen, 'message:' .. id) then return {'seen', 0} end
redis.call('ZADD', seen, now, 'message:' .. id)

-- A channel that delivers twice makes two messages, with two ids and one source_id, within minutes.
if source ~= '' then
  local before = tonumber(redis.call('ZSCORE', seen, 'source:' .. source))
  if before and now - before < 600 * 1000 then return {'seen', 0} end
  redis.call('ZADD', seen, now, 'source:' .. source)
end
redis.call('ZREMRANGEBYSCORE', seen, '-inf', now - 7 * DAY)

-- What people last did decides; where the snapshot alone has shown that they have it, a newer one may show that they
-- do not. A person who stays assigned while handing it back is the same refusal as then, and no refusal.
local with_people = field('with_people') == '1'
if with_people and field('shown') ~= '' and refused == '' and at > number('acted_at') then
  set('with_people', '0', 'acted_at', ARGV[10], 'shown', '')
  with_people = false
end
if with_people or (refused ~= '' and not (field('with_people') == '0' and refused == field('shown'))) then
  remember(id, message)
  keep()
  return {'with people', 0}
end

if redis.call('ZCARD', waiting) == 0 then set('first_at', now) end
redis.call('ZADD', waiting, id, message)
set('quiet_until', math.min(now + quiet, math.max(now, number('first_at') + most)))
keep()

local stage = field('stage')
if stage == '' or stage == 'idle' then return go_on(bell, grace) end
return {'waiting', 0}
