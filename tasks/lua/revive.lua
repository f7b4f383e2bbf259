-- The deadline has passed: whoever held the stage is gone, or the doorbell is lost. ARGV: conversation, grace, most grace.
-- The same bell rings again, and each time later: a doorbell that is only late keeps its place, and overload does
-- not feed itself.
local grace, most = tonumber(ARGV[2]), tonumber(ARGV[3])

local deadline = tonumber(redis.call('ZSCORE', due, conversation))
if not deadline or deadline > now then return {'nothing'} end
local stage = field('stage')
if stage ~= 'queued' and stage ~= 'thinking' and stage ~= 'replying' then
  redis.call('ZREM', due, conversation)
  return {'nothing'}
end
local rings = redis.call('HINCRBY', state, 'rings', 1)
watch_until(now + math.min(grace * 2 ^ math.min(rings, 20), most))
keep()
if stage == 'replying' then
  set('token', '')
  return {'send'}
end
set('stage', 'queued', 'token', '')
return {'ring', field('bell')}
