-- A customer's message comes in, once. ARGV: conversation, message id, source id or '', message, bell,
-- milliseconds of quiet to wait for, at most so many in all, grace.
local id, source, message, bell = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local quiet, most, grace = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])

if redis.call('ZSCORE', seen, 'message:' .. id) then return {'seen', 0} end
redis.call('ZADD', seen, now, 'message:' .. id)

-- A channel that delivers twice makes two messages, with two ids and one source_id, within minutes.
if source ~= '' then
  local before = tonumber(redis.call('ZSCORE', seen, 'source:' .. source))
  if before and now - before < 600 * 1000 then return {'seen', 0} end
  redis.call('ZADD', seen, now, 'source:' .. source)
end
redis.call('ZREMRANGEBYSCORE', seen, '-inf', now - 7 * DAY)

if redis.call('ZCARD', waiting) == 0 then set('first_at', now) end
redis.call('ZADD', waiting, id, message)
set('quiet_until', math.min(now + quiet, math.max(now, number('first_at') + most)))
keep()

local stage = field('stage')
if stage == '' or stage == 'idle' then return go_on(bell, grace) end
return {'waiting', 0}
