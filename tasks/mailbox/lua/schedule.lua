-- Something is to be done later. ARGV: conversation, key (scheduled once, however often it comes), action, in how many
-- milliseconds, the id of a message: not if the customer has written a newer one by then; or ''.
local key, action, delay, unless_newer_than = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]

if redis.call('ZSCORE', seen, 'key:' .. key) then return {'seen'} end
redis.call('ZADD', seen, now, 'key:' .. key)
redis.call('ZADD', later, now + delay, unless_newer_than .. '|' .. action)
if is_at_rest() then rest() end
keep()
return {'scheduled'}
