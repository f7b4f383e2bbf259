-- Something to be said that no customer's message asked for: it takes its place behind what is being sent.
-- ARGV: conversation, key (said once, however often it comes), action, grace.
local key, action, grace = ARGV[2], ARGV[3], tonumber(ARGV[4])

if redis.call('ZSCORE', seen, 'key:' .. key) then return {'seen'} end
redis.call('ZADD', seen, now, 'key:' .. key)
redis.call('RPUSH', outbox, action)
local stage = field('stage')
if stage ~= 'thinking' and stage ~= 'replying' then go_on('', grace) end
keep()
return {'queued'}
