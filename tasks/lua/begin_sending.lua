-- A worker wants to send. ARGV: conversation, token, lease.
-- The try is counted before the act: who comes second knows that there was a first.
local token, lease = ARGV[2], tonumber(ARGV[3])

if field('stage') ~= 'replying' then return {'nothing'} end
local holder = field('token')
if holder ~= token then
  local deadline = tonumber(redis.call('ZSCORE', due, conversation)) or 0
  if holder ~= '' and deadline > now then return {'nothing'} end
  if number('not_before') > now then return {'nothing'} end
  redis.call('HINCRBY', state, 'tries', 1)
  set('token', token, 'rings', 0)
end
watch_until(now + lease)
return {'send', redis.call('LINDEX', outbox, 0), number('tries')}
